"""A folder of mannequins that lost something is made whole again, and what is somebody's own stays."""

import json
import shutil
import time

import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.mannequins import folder as mannequin_folder
from imagpose.data.mannequins.damage import MANIFEST, damaged
from imagpose.data.mannequins.folder import MannequinSet, ensure, write
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.errors import InputError

FEW = MannequinSet(identities=3, views=4, test_identities=1, test_pairs=2, size=(16, 11))
WORDS = ["--spec.identities", "3", "--spec.views", "4", "--spec.test_identities", "1", "--spec.test_pairs", "2"]


def content(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole") / "few"
    write(root, FEW)
    return root


@pytest.fixture
def root(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "few")


def without_sizes(root):
    """As drawn by a version that recorded none."""
    manifest = json.loads((root / MANIFEST).read_text())
    del manifest["lists"]
    for record in manifest["images"].values():
        del record["bytes"]
    (root / MANIFEST).write_text(json.dumps(manifest) + "\n")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("old", [False, True])
def test_what_is_missing_or_cut_short_is_drawn_again(root, whole, capsys, old):
    if old:
        without_sizes(root)
    one, two, *_ = sorted(root.rglob("*.jpg"))
    one.unlink()
    cut(two)
    (root / "test.lst").unlink()
    for name in ("fashion-annotation-test.csv", "fashion-pairs-train.csv"):
        cut(root / name)
    (one.parent / "mine.jpg").write_bytes(b"added by the user")
    ensure(root, FEW)
    assert "is damaged" in capsys.readouterr().out
    assert content(root) == {**content(whole), str((one.parent / "mine.jpg").relative_to(root)): b"added by the user"}
    ensure(root, FEW)
    assert capsys.readouterr().out == ""
    assert [path.name for path in root.parent.iterdir() if path.name.endswith(".unfinished")] == []


def test_a_manifest_cut_short_is_mended_with_all_that_it_said(root, whole, capsys):
    cut(root / MANIFEST)
    cut(root / "fashion-annotation-train.csv")
    cut(next(root.rglob("*.jpg")))
    ensure(root, FEW)
    assert "mannequins.json first" in capsys.readouterr().out
    assert content(root) == content(whole)


def test_an_old_folder_is_accepted_as_it_is(root, monkeypatch):
    without_sizes(root)
    before = content(root)
    monkeypatch.setattr(mannequin_folder, "_draw_people", lambda *args: pytest.fail("nothing is to be drawn"))
    ensure(root, FEW)
    assert content(root) == before


def test_what_somebody_changed_stays(root, capsys):
    picture = next(root.rglob("*.jpg"))
    Image.new("RGB", (5, 5)).save(picture)
    (root / "fashion-pairs-test.csv").write_text("from,to\n")
    (root / "test.lst").write_text("one\n")
    mine = {path: path.read_bytes() for path in (picture, root / "fashion-pairs-test.csv", root / "test.lst")}
    (root / "train.lst").unlink()
    ensure(root, FEW)
    assert "test.lst was changed by somebody and is left as it is" in capsys.readouterr().out
    assert mine == {path: path.read_bytes() for path in mine}
    assert (root / "train.lst").exists()
    ensure(root, FEW)
    assert capsys.readouterr().out == ""


def test_a_look_at_4800_pictures_takes_well_under_a_second(tmp_path):
    names = [f"fashionMENTees_Tanksid{i:08d}01_{v}front.jpg" for i in range(1, 601) for v in range(1, 9)]
    for i in range(1, 601):
        folder = tmp_path / f"img_highres/MEN/Tees_Tanks/id_{i:08d}"
        folder.mkdir(parents=True)
        for v in range(1, 9):
            (folder / f"01_{v}_front.jpg").write_bytes(b"1")
    began = time.process_time()
    found = damaged(tmp_path, {"images": {name: {"bytes": 1} for name in names}})
    assert time.process_time() - began < 0.5
    assert found[0] == "train.lst"  # no picture


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"spec": 1}'])
def test_a_manifest_that_tells_nothing_is_one_sentence(root, capsys, broken):
    (root / MANIFEST).write_text(broken)
    before = content(root)
    assert main(["mannequins", str(root), *WORDS]) == 2
    error = capsys.readouterr().err
    assert "mannequins.json cannot be read" in error
    assert len(error.splitlines()) == 1
    assert content(root) == before
    with pytest.raises(InputError, match="cannot be read"):
        Wardrobe(root)


def test_nothing_is_drawn_over_what_is_there(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one.jpg").write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"mine")
    for place in (tmp_path / "photos", tmp_path / "file"):
        assert main(["mannequins", str(place), *WORDS]) == 2
        assert "is left as it is; name another" in capsys.readouterr().err
    for place in (tmp_path / "file/below", "/proc/below"):
        assert main(["mannequins", str(place), *WORDS]) == 2
        assert "cannot be drawn into" in capsys.readouterr().err
    assert content(tmp_path) == {"photos/one.jpg": b"mine", "file": b"mine"}


def test_what_a_killed_drawing_left_is_cleaned_by_the_next(tmp_path):
    for name in (".few.unfinished", f".few.{'0' * 32}.unfinished", f".few.2.{'0' * 32}.unfinished"):
        (tmp_path / name / "img_highres").mkdir(parents=True)
    ensure(tmp_path / "few", FEW)
    # The last is of a folder of another name.
    assert {path.name for path in tmp_path.iterdir()} == {"few", ".few.lock", f".few.2.{'0' * 32}.unfinished"}
