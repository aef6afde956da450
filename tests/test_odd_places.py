"""Machines without a home, a locale, temporary folders or room in /dev/shm: a command works or says one sentence."""

import os
import subprocess
import sys

import pytest

from imagpose.__main__ import main
from imagpose.generation import command as generate
from tests.conftest import ROOT

ODD = {
    "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "HOME": "/nonexistent", "TMPDIR": "/nonexistent",
}  # fmt: skip


@pytest.mark.slow
def test_a_terminal_of_ascii_and_no_home(mannequin_root):
    words = [sys.executable, "-m", "imagpose", "check", str(mannequin_root), "--workers", "1"]
    told = subprocess.run(words, cwd=ROOT, env={**os.environ, **ODD}, capture_output=True, text=True)
    assert [told.returncode, told.stderr] == [0, ""]
    assert "Nothing is wrong." in told.stdout


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error."), "room in /dev/shm"),
        (RuntimeError("unable to allocate shared memory(shm) for file"), "--data.init_args.num_workers 0"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "set TMPDIR"),
    ],
)
def test_what_libraries_say_of_the_machine_becomes_a_sentence(error, told, monkeypatch, capsys):
    def fails():
        raise error

    monkeypatch.setattr(generate, "generate", fails)
    assert main(["generate"]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
