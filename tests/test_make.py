"""What is mistyped after ``make`` is one word of the command, which ends with one sentence; nothing of it is run."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from imagpose.__main__ import main
from tests.conftest import ROOT

_RECORD = """#!{python}
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
"""
NASTY = (
    "a b", "; touch marker", "$(touch marker)", "`touch marker`", "$(shell touch marker)", "$${x:=$$(touch marker)}",
    "x' ; touch marker ; '", 'x" ; touch marker ; "', "a\ntouch marker", "&& touch marker", "> marker",
    "| touch marker", "#", "\\", "*", "~", "$HOME", "ünï", "-", "--help;touch marker", "a\\\ntouch marker",
)  # fmt: skip
TARGETS = {
    "EXP": ("train", "doctor", "cache"),
    "WITH": ("train", "cache", "variants"),
    "RUN": ("train", "uniformity", "speed", "panels", "guidance", "robustness", "generate", "demo", "evaluate-run"),
    "DATA": ("evaluate", "check-data", "compare", "gallery"),
    "GENERATED": ("evaluate",),
    "RESULTS": ("compare", "gallery"),
    "SCALE": ("variants", "ablations", "architectures", "recipes", "reid"),
    "JOBS": ("variants", "reid"),
    "LAUNCHER": ("variants", "reid"),
}
LISTS = ("WITH", "RESULTS")  # of words
ANOTHER = {"compare": ["RESULTS=ours=made"], "gallery": ["RESULTS=ours=made"]}
"""What a target needs beside the variable that is tried."""


@pytest.fixture
def make(tmp_path):
    """Calls make in a folder of its own; returns the words that each command of the project's was given."""
    (tmp_path / "bin").mkdir()
    log, python = tmp_path / "log", tmp_path / "bin/python"
    log.touch()
    python.write_text(_RECORD.format(python=sys.executable, log=str(log)))
    python.chmod(0o755)

    def call(target: str, *variables: str) -> list[list[str]]:
        before = set(tmp_path.iterdir())
        words = [
            "make",
            "--file",
            str(ROOT / "Makefile"),
            "--old-file=.venv/.done",
            "--old-file=.venv/.demo",
            "--old-file=.venv/.lora",
            "BIN=bin",
            target,
            *variables,
        ]
        told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=20)
        assert told.returncode == 0, told.stderr
        assert set(tmp_path.iterdir()) == before, "a value was carried out"
        return [json.loads(line) for line in log.read_text().splitlines()]

    return call


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("variable", ["EXP", "WITH", "RUN", "RESULTS"])
def test_a_value_is_a_word_and_no_command(variable, value, make):
    target = TARGETS[variable][0]
    further = [] if variable == "RESULTS" else ANOTHER.get(target, [])
    (words,) = make(target, f"{variable}={value}", *further)
    said = value.replace("\n", " ")
    wanted = said.split() if variable in LISTS else [said]
    for one in wanted:
        # A $$ stays two: nothing in a value is read by make.
        assert any(one in word for word in words), words


@pytest.mark.parametrize(("variable", "target"), [(name, one) for name, of in TARGETS.items() for one in of])
def test_every_target_hands_it_on(variable, target, make):
    further = [] if variable == "RESULTS" else ANOTHER.get(target, [])
    (words,) = make(target, f"{variable}=a;b$(x)'c", *further)
    assert any("a;b$(x)'c" in word for word in words), words


def test_a_study_is_made_and_served(make):
    odd = "a;b$(x)'c"
    made, served = make("study", f"STUDY={odd}", f"RESULTS=ours={odd}", f"DATA={odd}")
    assert made[2:] == ["study", "make", "--results", f"ours={odd}", "--data", odd, "--out", odd]
    assert served[2:] == ["study", "serve", odd]


@pytest.mark.parametrize(
    ("target", "variable", "told"),
    [
        ("train", "EXP=tinny", "There is no experiment 'tinny'"),
        ("train", "EXP=", "--exp is empty"),
        ("train", "EXP=tiny ablation_b0", "There is no experiment 'tiny ablation_b0'"),
        ("train", "EXP=tiny;ls", "There is no experiment 'tiny;ls'"),
        ("doctor", "EXP=../tinny", "There is no experiment 'tinny'"),
        ("train", "WITH=nope", "There is no overlay 'nope'"),
        ("cache", "WITH=nope nope", "There is no overlay 'nope'"),
        ("variants", "WITH=nope", "There is no overlay 'nope'"),
        ("train", "RUN=runs/tiny/version_99", "runs/tiny/version_99 is no run folder"),
        ("train", "RUN=nwe", "nwe is no run folder"),
        ("generate", "RUN=nope", "nope is no run folder"),
        ("uniformity", "RUN=nope", "nope is no run folder"),
        ("evaluate-run", "RUN=", "There is no run /"),
        ("evaluate-run", "RUN=runs/nope", "There is no run runs/nope"),
        ("evaluate", "DATA=nope", "nope"),
        ("evaluate", "DATA=", "no DeepFashion images"),
        ("evaluate", "GENERATED=nope", "nope"),
        ("check-data", "DATA=nope", "nope"),
        ("compare", "RESULTS=nope", "nope"),
        ("compare", "RESULTS=ours=nope", "nope"),
        ("gallery", "RESULTS=", "--results"),
        ("variants", "SCALE=ful", "it must be tiny or full"),
        ("variants", "SCALE=", "it must be tiny or full"),
        ("variants", "JOBS=0", "--jobs"),
        ("variants", "JOBS=two", "--jobs"),
        ("variants", "LAUNCHER=slrum", "did you mean slurm?"),
        ("reid", "SCALE=ful", "it must be tiny or full"),
        ("reid", "JOBS=0", "--jobs"),
        ("reid", "WITH=nope", "There is no overlay 'nope'"),
    ],
)  # fmt: skip
def test_a_mistyped_value_is_one_sentence(target, variable, told, make, mannequin_root, monkeypatch, tmp_path, capsys):
    data = [] if variable.startswith("DATA=") or target in ("train", "cache") else [f"DATA={mannequin_root}"]
    (words,) = make(target, variable, *data)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    assert words[:2] == ["-m", "imagpose"]
    try:
        code = main(words[2:])
    except SystemExit as ended:
        code = ended.code
    error = capsys.readouterr().err.strip()
    assert code == 2, error
    assert error.startswith("Error: ")
    assert len(error.splitlines()) == 1
    assert told in error
    assert set(tmp_path.rglob("*")) == before
