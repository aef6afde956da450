"""One way to say an option, whichever command it is said to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lightning import LightningDataModule

from imagpose.errors import InputError
from imagpose.options import dialect
from imagpose.options.commands import FURTHER, OTHER_NAME, carry_out
from imagpose.options.parse_errors import OptionParser, sentence
from imagpose.options.ranges import PositiveInt, Seed, Size


@dataclass(frozen=True, kw_only=True)
class Request:
    """Of all kinds of options.

    Attributes:
        source_pose: Files.
        out: A file.
    """

    out: Path = field(default=Path("out"), metadata={OTHER_NAME: "results"})
    source_pose: tuple[Path, ...] = ()
    seeds: tuple[Seed, ...] = (0,)
    pose_size: Size | None = None
    show: bool | Path = False
    overwrite: bool = False
    limit: PositiveInt | None = None
    methods: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Named:
    """With an option whose name may be left out, and options of others."""

    table: str | None = None
    no_run: bool = field(default=False, kw_only=True)
    rows: tuple[str, ...] = field(default=(), kw_only=True)
    options: tuple[str, ...] = field(default=(), kw_only=True, metadata=FURTHER)


def said(line: str | list[str], request=Request):
    """The request that a command line makes."""
    found = []

    def command(request):
        found.append(request)

    command.__annotations__ = {"request": request}
    assert carry_out(command, line.split() if isinstance(line, str) else line, "command") == 0
    return found[0]


def test_values_that_hold_themselves_or_nest_for_ever_are_texts():
    for value in ("&a [*a]", "{x: &a [*a]}", "[" * 5000):
        assert dialect.as_list([value]) == [value]
        assert said(["--out", value]).out == Path(value)
        with pytest.raises(InputError, match="--methods is "):
            said(["--methods", value])


SAME = [
    ("--source-pose a.json", {"source_pose": (Path("a.json"),)}),
    ("--source_pose a.json b.json", {"source_pose": (Path("a.json"), Path("b.json"))}),
    ("--source-pose a --seeds 1 --source_pose=b", {"source_pose": (Path("a"), Path("b")), "seeds": (1,)}),
    ('--source_pose ["a.json","b.json"] c.json', {"source_pose": (Path("a.json"), Path("b.json"), Path("c.json"))}),
    ("--seeds 0 1 --seeds 2", {"seeds": (0, 1, 2)}),
    ("--seeds [0,1]", {"seeds": (0, 1)}),
    ("--pose-size 256x176", {"pose_size": (256, 176)}),
    ("--pose_size=[256,176]", {"pose_size": (256, 176)}),
    ("--overwrite", {"overwrite": True}),
    ("--overwrite --limit 3", {"overwrite": True, "limit": 3}),
    ("--overwrite true", {"overwrite": True}),
    ("--overwrite=false", {"overwrite": False}),
    ("--show", {"show": True}),
    ("--show here.png --overwrite", {"show": Path("here.png"), "overwrite": True}),
    ("--show false", {"show": False}),
    ("--methods ours=a/b theirs=c=d", {"methods": {"ours": Path("a/b"), "theirs": Path("c=d")}}),
    ('--methods {"ours":"a"} --methods theirs=b', {"methods": {"ours": Path("a"), "theirs": Path("b")}}),
    ("--results there", {"out": Path("there")}),
    ("", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "fields"), SAME)
def test_a_line_says_the_same_as_python(line, fields):
    assert said(line) == Request(**fields)


def test_names_of_files_are_taken_as_they_are():
    latin = os.fsdecode("Müller.jpg".encode("latin-1"))  # no UTF-8
    for name in (latin, "☃", "a: b", "3", "[x", "true", "null", "a b"):
        assert said(["--source_pose", name]) == Request(source_pose=(Path(name),))
        assert said(["--out", name, "--methods", f"ours={name}"]) == Request(
            out=Path(name), methods={"ours": Path(name)}
        )


def test_a_word_without_a_name_and_the_options_of_others():
    line = "--no-run variants --rows B0 B1 --trainer.max-steps 3 -c x.yaml --model.lr=2"
    assert said(line, Named) == Named(
        "variants", no_run=True, rows=("B0", "B1"), options=("--trainer.max_steps", "3", "-c", "x.yaml", "--model.lr=2")
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--overwrite maybe", "--overwrite is maybe; it must be true or false."),
        (["--overwrite", ""], "--overwrite is empty; it must be true or false."),
        ("--seeds 1 -1", "--seeds is -1; it must be a whole number from 0 to 4,294,967,295."),
        ("--pose-size 64", "--pose_size is 64; it must be a height and a width such as 256x176, 1 to 8,192 or null."),
        ("--source-pose", "--source_pose needs a value, and none follows."),
        ("--source-posse x", "There is no option --source_posse; did you mean --source_pose?"),
        ("--out x stray", "There is no argument stray."),
    ],
)
def test_mistakes_name_the_option(line, told):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - argparse's own
        said(line)
    assert sentence(caught.value) == told


@pytest.mark.parametrize(("value", "is_"), [("maybe", "maybe"), ("", "empty")])
def test_a_flag_takes_the_word_after_it_where_no_other_place_is_left_for_it(value, is_):
    assert said(["--no-run", "variants"], Named) == Named("variants", no_run=True)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - argparse's own
        said(["variants", "--no-run", value], Named)
    assert sentence(caught.value) == f"--no_run is {is_}; it must be true or false."


@pytest.mark.parametrize("line", ["--methods made", "--methods =made", "--methods ours=", "--methods a=x a=y"])
def test_a_mapping_is_of_names_and_values(line):
    with pytest.raises(InputError, match=r"--methods is .*; it must be name=value|--methods names a twice"):
        said(line)


def test_the_options_of_a_class_are_read_by_their_words():
    parser = OptionParser()
    parser.add_argument("--data", type=LightningDataModule)
    words = ["--data.init-args.size", "256x176", "--data.init_args.flips", "--data.init_args.test-settings", "T1", "T3"]
    assert dialect.read(words, parser)[0] == [
        "--data.init_args.size=[256,176]", "--data.init_args.flips=true", "--data.init_args.test_settings=[T1, T3]",
    ]  # fmt: skip
