"""Mannequins are not drawn into a mistyped root."""

import re
import shutil

import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.mannequins.folder import MannequinSet
from imagpose.errors import InputError
from imagpose.training.composing import expand
from imagpose.training.drawn_root import check_root
from tests.conftest import ROOT

TINY = ["-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml"]
ABSENT = "data/manequins"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def overlay(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return ["-c", str(path)]

    return write


@pytest.mark.parametrize(
    "words",
    [
        [*TINY, "--data.init_args.root", ABSENT],
        [*TINY, f"--data.init_args.root={ABSENT}"],
        [*TINY, "--data.root", ABSENT],
        [*TINY, "--data", f"{{init_args: {{root: {ABSENT}}}}}"],
        [*TINY, "-c", "tests/quick.yaml", "--data.init_args.root", ABSENT],
        ["--data", ABSENT, "--exp", "tiny"],
    ],
)
def test_another_root_on_the_command_line_must_be_there(words):
    with pytest.raises(InputError, match=rf"data\.root {ABSENT} is no folder.*add --data\.init_args\.mannequins {{}}"):
        check_root(expand(words))


def test_another_root_in_a_later_file_must_be_there(overlay):
    with pytest.raises(InputError, match="is no folder"):
        check_root([*TINY, *overlay(f"data: {{init_args: {{root: {ABSENT}}}}}")])


@pytest.mark.parametrize(
    "words",
    [
        TINY,
        [*TINY, "-c", "tests/quick.yaml"],  # another set, in the experiment's own root
        ["--exp", "demo"],
        [*TINY, "--data.init_args.root", "tests"],  # it is there
        [*TINY, "--data.init_args.root", ABSENT, "--data.init_args.mannequins", "{}"],
        [*TINY, "--data.init_args.mannequins.identities", "8", "--data.init_args.root", ABSENT],
        [*TINY, "--data.init_args.root", ABSENT, "--data.init_args.mannequins", "null"],  # told by the reader
        ["-c", "experiments/_base.yaml", "--data.init_args.root", ABSENT],
        ["--data.init_args.root", ABSENT, *TINY],  # the files' own wins
    ],
)
def test_everything_else_is_left_to_the_data(words):
    check_root(expand(words))


def test_a_file_that_gives_both_is_left_to_the_data(overlay):
    check_root([*TINY, *overlay(f"data: {{init_args: {{root: {ABSENT}, mannequins: {{}}}}}}")])


def test_another_set_is_refused_before_a_run_is_announced(tiny_words, mannequin_root, tmp_path, capsys):
    assert main(["fit", *tiny_words, "--data.init_args.mannequins.seed", "7"]) == 2
    told = capsys.readouterr()
    assert told.err.splitlines()[-1].startswith(f"Error: {mannequin_root} holds mannequins drawn with other settings")
    assert told.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["fit", "doctor", "cache"])
def test_each_command_says_so_and_draws_nothing(command, tmp_path, capsys):
    absent = tmp_path / "manequins"
    assert main([command, *TINY, "--data.init_args.root", str(absent)]) == 2
    assert capsys.readouterr().err.startswith(f"Error: data.root {absent} is no folder")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("size", "refused"), [((64, 44), False), ((128, 64), False), ((192, 132), True)])
def test_pictures_far_larger_than_the_experiments_are_refused_without_a_size(
    size, refused, mannequin_root, tmp_path, capsys
):
    root = tmp_path / "large"
    shutil.copytree(mannequin_root, root)
    (root / "mannequins.json").unlink()  # a dataset of one's own
    for path in root.rglob("*.jpg"):
        Image.open(path).resize(size[::-1]).save(path)
    settings = {"mannequins": MannequinSet(), "validation_identities": 2}
    if not refused:
        PoseDataModule(root, **settings).setup("fit")
        return
    PoseDataModule(root, size=(64, 44), **settings).setup("fit")
    sentence = f"The pictures of {root} are 192×132 and this experiment is for 64×44; resize them with "
    with pytest.raises(InputError, match=re.escape(sentence)):
        PoseDataModule(root, **settings).setup("fit")
    words = [*TINY, "--data.init_args.root", str(root), "--data.init_args.validation_identities", "2"]
    assert main(["doctor", *words]) == 1
    assert f"✗ data: {sentence}--data.init_args.size [64,44]." in capsys.readouterr().out
