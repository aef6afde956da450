"""Files are there whole or not at all, and what killed processes left of them is cleaned up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagpose.output.files import drop_unfinished, whole_file, whole_folder

KILLED = """
import os, sys
from pathlib import Path
from imagpose.output.files import whole_file
with whole_file(Path(sys.argv[1])) as unfinished:
    unfinished.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_a_file_is_whole_or_not_there(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("before")

    def fill():
        with whole_file(path) as unfinished:
            unfinished.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fill()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("one.txt", "before")]
    with whole_file(path) as unfinished:
        unfinished.write_text("after")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("one.txt", "after")]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    def fill(text, error=None):
        with whole_folder(tmp_path / "some/folder") as unfinished:
            (unfinished / text).write_text(text)
            if error:
                raise error

    fill("before")
    with pytest.raises(OSError, match="No space"):
        fill("half", OSError(28, "No space left on device"))
    assert [path.name for path in (tmp_path / "some/folder").iterdir()] == ["before"]
    fill("after")
    assert [path.name for path in (tmp_path / "some/folder").iterdir()] == ["after"]
    assert sorted(path.name for path in (tmp_path / "some").iterdir()) == [".folder.lock", "folder"]


def test_a_file_has_the_rights_that_others_have(tmp_path):
    (tmp_path / "plain").touch()

    def write(path):
        path.touch(0o600)  # as safetensors does

    with whole_file(tmp_path / "one") as unfinished:
        write(unfinished)
    with whole_folder(tmp_path / "two") as unfinished:
        (unfinished / "deep").mkdir()
        write(unfinished / "deep/file")
    modes = {path.stat().st_mode for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {(tmp_path / "plain").stat().st_mode}


def test_links_and_devices_stay(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "one.txt")
    for path in (tmp_path / "link", Path("/dev/null")):
        with whole_file(path) as unfinished:
            unfinished.write_text("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "one.txt").read_text() == "text"
    assert Path("/dev/null").is_char_device()


def test_left_overs_go_and_what_is_being_written_stays(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "one.txt")], cwd=Path(__file__).parents[2])
    assert killed.returncode == -9
    (left,) = tmp_path.iterdir()
    elsewhere = left.with_name(f".{os.getpid()}@elsewhere.{'0' * 32}.unfinished")
    for name in (".mine.unfinished", elsewhere.name):
        (tmp_path / name).write_text("")
    with whole_file(tmp_path / "two.txt") as ours:
        ours.write_text("")
        drop_unfinished(tmp_path)
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([".mine.unfinished", elsewhere.name, ours.name])
        os.utime(elsewhere, (0, 0))
        drop_unfinished(tmp_path)
        assert not elsewhere.exists()
