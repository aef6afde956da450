"""What is printed of a fault of ours, and of a note."""

import os
import subprocess
import sys
import warnings

import pytest

from imagpose import __main__
from imagpose.errors import InputWarning
from imagpose.generation import poses
from imagpose.output import fault
from tests.conftest import ROOT


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """The command ``pose`` has a fault; temporary files are in ``tmp_path``."""

    def fail(*, out: str = ""):
        raise ZeroDivisionError("of a\nkind")

    monkeypatch.setattr(poses, "pose", fail)
    monkeypatch.setattr(fault.tempfile, "tempdir", str(tmp_path))
    return __main__.main


def test_a_fault_is_one_sentence_and_its_trace_is_in_a_file(broken, tmp_path, capsys):
    assert broken(["pose", "--out", "a b"]) == 70
    (file,) = tmp_path.iterdir()
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("Error: This is a fault of imagpose and none of yours (ZeroDivisionError: of a kind); ")
    assert str(file) in error
    content = file.read_text()
    assert content.startswith("command: python -m imagpose pose --out 'a b'\nversions: imagpose ")
    assert "Traceback" in content
    assert "in fail" in content


@pytest.mark.parametrize("words", [["--debug", "pose"], ["pose", "--debug"]])
def test_debug_shows_the_trace_and_writes_nothing(words, broken, tmp_path, capsys):
    assert broken(words) == 70
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert "in fail" in error
    assert not list(tmp_path.iterdir())


def test_a_trace_that_cannot_be_written_is_said(broken, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fault.tempfile, "tempdir", str(tmp_path / "absent"))
    assert broken(["pose"]) == 70
    assert "its trace cannot be written (No such file or directory), and the same command with --debug" in (
        capsys.readouterr().err
    )


def test_a_note_is_one_line_and_other_warnings_stay():
    note, other = InputWarning("two people"), UserWarning("other")
    with fault.notes():
        assert warnings.formatwarning(note, InputWarning, "pose.py", 7, "source") == "Note: two people\n"
        assert "pose.py:7: UserWarning: other" in warnings.formatwarning(other, UserWarning, "pose.py", 7)
    assert "pose.py:7" in warnings.formatwarning(note, InputWarning, "pose.py", 7)


@pytest.mark.parametrize(("own", "policy"), [(None, "passive"), ("active", "active")])
def test_threads_wait_asleep_unless_the_user_says_otherwise(own, policy):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if own:
        environment["OMP_WAIT_POLICY"] = own
    code = """
import os, runpy, sys
sys.argv = ["imagpose", "--help"]
try:
    runpy.run_module("imagpose", run_name="__main__")
except SystemExit:
    os.system("echo policy $OMP_WAIT_POLICY")
    print("torch" in sys.modules)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert f"policy {policy}\n" in printed  # of a child
    assert printed.endswith("False\n")  # torch's threads are not there yet


def test_a_reader_that_has_seen_enough_is_no_fault(monkeypatch, capfd):
    def fail(*, out: str = ""):
        raise BrokenPipeError

    monkeypatch.setattr(poses, "pose", fail)
    monkeypatch.setattr(os, "dup2", lambda *args: None)  # the test's own output goes on
    assert __main__.main(["pose"]) == 141
    assert capfd.readouterr() == ("", "")
