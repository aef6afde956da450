"""By which words a shell calls the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imagpose.options.program import callable_words


@pytest.mark.parametrize(("working_in", "shown"), [(".", ".venv/bin/python"), ("elsewhere", "{here}/.venv/bin/python")])
def test_the_interpreter_is_named_by_its_place(working_in, shown, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["__main__.py"])
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path / working_in)
    words = callable_words()
    assert words == [shown.format(here=tmp_path), "-m", "imagpose"]
    assert subprocess.run([words[0], "-c", "print(1)"], capture_output=True, text=True).stdout == "1\n"


def test_a_script_is_named_where_the_shell_finds_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # away from the repository, below which its own interpreter may lie
    script = tmp_path / "imagpose"
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert callable_words() == ["imagpose"]
    monkeypatch.setenv("PATH", "")
    assert Path(callable_words()[0]).is_absolute()
