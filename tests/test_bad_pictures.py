"""Whatever stands in a picture's place, commands end with one sentence: no trace, no hang, no look elsewhere."""

from __future__ import annotations

import os
import shutil

import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.readers.deepfashion import DeepFashion
from tests.data.bad_pictures import BAD, OUTSIDE

pytestmark = pytest.mark.usefixtures("no_networks", "hangs")


@pytest.fixture
def place(mannequin_root, tmp_path):
    """A dataset, one of its pairs, and a folder with a generated picture of it."""
    root = tmp_path / "data"
    shutil.copytree(mannequin_root, root, copy_function=os.link)
    index = DeepFashion(root)
    source, target = index.pairs("test")[0]
    (tmp_path / "pairs.csv").write_text(f"from,to\n{source},{target}\n")
    made = tmp_path / "made" / f"{source[:-4]}_2_{target[:-4]}_vis.png"
    made.parent.mkdir()
    Image.new("RGB", (44, 64), "teal").save(made)
    return index.records[source].path, index.records[target].path, made


def words(command, place, tmp_path):
    source, _, made = place
    data = ["--data", str(tmp_path / "data"), "--pairs", str(tmp_path / "pairs.csv")]
    name = (tmp_path / "pairs.csv").read_text().split("\n")[1].split(",")[0]
    pose = ["pose", "--data", str(tmp_path / "data"), "--image", name, "--out", str(tmp_path / "pose.json")]
    assert command in ("pose", "check") or main(pose) == 0
    own = ["--source", str(source), "--source-pose", str(tmp_path / "pose.json")]
    own += ["--target-pose", str(tmp_path / "pose.json")]
    return {
        "generate": ["generate", *data, "--out", str(tmp_path / "out")],
        "generate own": ["generate", *own, "--out", str(tmp_path / "out")],
        "evaluate": ["evaluate", *data, "--generated", str(made.parent), "--out", str(tmp_path / "out")],
        "gallery": ["gallery", *data, "--results", f"ours={made.parent}", "--out", str(tmp_path / "out.png")],
        "pose": pose,
        "check": ["check", str(tmp_path / "data"), "--workers", "1"],
    }[command]


CASES = [
    ("generate", 0), ("generate", 1), ("generate own", 0), ("evaluate", 1), ("evaluate", 2), ("gallery", 0),
    ("gallery", 1), ("gallery", 2), ("pose", 0), ("check", 0),
]  # fmt: skip
"""Commands, and which picture is spoilt: the source, the truth or the generated one."""


@pytest.mark.parametrize(("command", "which"), CASES, ids=lambda value: str(value))
@pytest.mark.parametrize("bad", [*BAD, *OUTSIDE])
def test_one_sentence(bad, command, which, place, tmp_path, capsys):
    if command == "generate own" and bad in OUTSIDE:
        pytest.skip("a user's own picture may lie anywhere")
    if command == "generate" and which == 1 and bad == "a circle of links":
        pytest.skip("it counts as missing, and a truth may be missing")
    if command == "pose" and bad == "truncated":
        pytest.skip("its size is in the header, and nothing else of it is needed")
    command_words = words(command, place, tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    place[which].unlink()
    {**BAD, **OUTSIDE}[bad](place[which], outside)
    capsys.readouterr()
    code = main(command_words)
    out, error = capsys.readouterr()
    assert "Traceback" not in error
    if command == "check":
        assert code == 1
        assert place[which].name in out or "name without a file" in out
        return
    assert code == 2
    assert error.startswith("Error: ")
    assert len(error.strip().splitlines()) == 1
    assert str(place[which]) in error
    assert not (tmp_path / "out.png").exists()


def test_a_users_own_picture_may_be_a_link(place, tmp_path, capsys):
    command = words("generate own", place, tmp_path)
    source = place[0].rename(tmp_path / "elsewhere.jpg")
    place[0].symlink_to(source)
    assert main([*command, "--model", "nowhere"]) == 2
    assert "Weights 'nowhere' were not found" in capsys.readouterr().err, "the picture itself was taken"


def test_links_inside_and_a_linked_folder_are_followed(place, tmp_path):
    made = place[2]
    made.rename(made.parent / "kept")
    made.symlink_to("kept")
    place[0].rename(place[0].with_name("kept"))
    place[0].symlink_to("kept")
    for name in ("data", "made"):
        (tmp_path / name).rename(tmp_path / f"real_{name}")
        (tmp_path / name).symlink_to(tmp_path / f"real_{name}", target_is_directory=True)
    assert main(words("evaluate", place, tmp_path)) == 0
    assert main(words("gallery", place, tmp_path)) == 0


@pytest.mark.parametrize("name", ["a\0b.jpg", "a" * 300 + ".jpg", "a\udcffb.jpg", "a\nb.jpg"])
def test_impossible_names_are_one_sentence(name, place, tmp_path, capsys):
    command = words("generate own", place, tmp_path)
    capsys.readouterr()
    command[command.index("--source") + 1] = name
    assert main(command) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert len(error.strip().splitlines()) == 1
