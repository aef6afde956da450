"""Every command that the pages name exists, with its options: make's targets, and what they call."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest

from imagpose.__main__ import COMMANDS, main
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OF_LIGHTNING = ("fit", "validate", "test")
OF_EXPERIMENTS = ("fit", "doctor", "cache")
NAMING = ("-c", "--config", "--exp", "--with")
BASE = ["-c", "experiments/_base.yaml", "-c", "experiments/tiny.yaml"]
MAKEFILE = (ROOT / "Makefile").read_text()


def shell_lines(page: Path) -> list[str]:
    """What the page's ``sh`` blocks and its code spans of make say, with continuations joined and variables put in."""
    text = page.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    variables = dict(re.findall(r'^(\w+)="(.*)"$', "\n".join(lines), re.MULTILINE))
    for name, value in variables.items():
        lines = [line.replace(f"${name} ", f"{value} ").replace(f'${name}"', f'{value}"') for line in lines]
        lines = [re.sub(rf"\${name}$", lambda _, value=value: value, line) for line in lines]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    lines += [span for span in spans if span.startswith("make ") or "imagpose" in span.split()[0]]
    # What an example adds is tried by the test of that example.
    added = [Path(name).stem for name in re.findall(r"New file `(experiments/[\w/]+\.yaml)`", text)]
    return [line for line in lines if not re.search(rf"\b({'|'.join(added)})\b" if added else "(?!)", line)]


def made(line: str) -> str:
    """What make would run for a line that calls it, without running it."""
    words = shlex.split(line, comments=True)[1:]
    for variable in (word.split("=")[0] for word in words if "=" in word):
        assert re.search(rf"\$\({variable}\)|,{variable}\)|^{variable} \?=", MAKEFILE, re.MULTILINE), line
    done = ["--no-print-directory", "-n", *(f"--old-file=.venv/.{stamp}" for stamp in ("done", "docs", "demo", "lora"))]
    shown = subprocess.run(["make", *done, *words], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, f"{line}: {shown.stderr}"
    return shown.stdout.replace("\\\n", " ")


def calls(text: str) -> list[tuple[str, list[str]]]:
    """The commands of imagpose that a text calls, each with its words."""
    found = re.findall(r"(?:-m imagpose|bin/imagpose) (\w+)([^;\n]*)", text)
    return [
        command(name, shlex.split(rest if rest.count('"') % 2 == 0 else rest.rstrip('" '), comments=True))
        for name, rest in found
    ]


def command(name: str, words: list[str]) -> tuple[str, list[str]]:
    """A command's name may have two words."""
    both = " ".join([name, *words[:1]])
    return (both, words[1:]) if both in COMMANDS else (name, words)


def flag(word: str) -> str:
    """An option's name; dashes and underscores are one."""
    return "--" + word.removeprefix("--").split("=")[0].replace("-", "_")


@cache
def known(command: str) -> set[str]:
    """The options that a command's help names."""
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        main([*command.split(), "--help"])
    return {flag(word) for word in re.findall(r"--[\w.-]+", shown.getvalue())}


@cache
def accepted_by_fit(*words: str) -> bool:
    """Whether the trainer's parser takes these words, which end in an option that prints: nothing is built."""
    try:
        return main(["fit", *words]) == 0
    except SystemExit as end:
        return end.code == 0


def named(words: list[str]) -> list[str]:
    """The words that name experiments and overlays."""
    found: list[str] = []
    for i, word in enumerate(words):
        if word in NAMING:
            found += [word, *takewhile(lambda value: not value.startswith("-"), words[i + 1 :])]
    return found


def check(command: str, words: list[str]) -> None:
    """Fail where the command, or the trainer behind it, does not know an option or an experiment."""
    assert command in COMMANDS
    own = set() if command in OF_LIGHTNING else known(command)
    options: list[str] = []
    for i, word in enumerate(words):
        if word.startswith("--") and flag(word) not in own and word not in NAMING:
            options += [word, *(value for value in words[i + 1 : i + 2] if not value.startswith("-"))]
    experiment = named(words)
    if any(word.startswith("runs/") for word in experiment):
        experiment = []  # a run's own file, which is not there yet
    if not options and not experiment:
        return
    if any(word.endswith(".help") for word in options):
        assert accepted_by_fit(*options), f"{command}: {options}"
        return
    if command not in OF_EXPERIMENTS or not experiment:
        experiment = [*BASE, *experiment]
    assert accepted_by_fit(*experiment, *options, "--print_config"), f"{command}: {experiment} {options}"


def check_line(line: str) -> None:
    """Fail where a line of a page names what is not there."""
    for command, words in calls(made(line) if line.startswith("make ") else line):
        check(command, words)


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch, capsys):
    """A folder with the experiments and the dataset that a page makes."""
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_the_pages_exist_with_their_options(page):
    for line in shell_lines(page):
        check_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "make trian",
        "make train EXPERIMENT=tiny",
        "make train EXP=no_such_experiment",
        'make generate ARGS="--no_such_option 1"',
        'make train ARGS="--trainer.max_step 3"',
        ".venv/bin/imagpose evaluate --no_such_option",
        ".venv/bin/imagpose no_such_command",
    ],
)
def test_what_is_not_there_fails(line):
    with pytest.raises(AssertionError):
        check_line(line)
