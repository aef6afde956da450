import json
import multiprocessing
import os
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data import pictures
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.readers import check
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.readers.findings import Kind
from imagpose.data.readers.inspection import inspect
from imagpose.data.readers.layouts import open_index
from imagpose.errors import InputError
from tests.data import layouts


@pytest.fixture
def copy(mannequin_root, tmp_path):
    return shutil.copytree(mannequin_root, tmp_path / "copy")


def png_header(width, height):
    """A PNG that promises so many pixels and holds none."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + b"\0\0\0\xffIDAT"
    )


def rows_of(path):
    return path.read_text().splitlines()


def replace_row(path, row, text):
    lines = rows_of(path)
    lines[row - 1] = text
    path.write_text("\n".join(lines) + "\n")


def break_everything(root):
    """Each of the faults once; returns (kind, file, row) of them."""
    train = rows_of(root / "train.lst")
    paths = {name: record.path for name, record in DeepFashion(root).records.items()}
    annotations = root / "fashion-annotation-train.csv"
    file = {name: os.path.relpath(path, root) for name, path in paths.items()}

    paths[train[0]].write_bytes(paths[train[0]].read_bytes()[:400])  # truncated
    paths[train[1]].write_bytes(b"no image")
    paths[train[2]].write_bytes(png_header(30_000, 30_000))  # over PIL's own limit
    paths[train[3]].write_bytes(png_header(9_000, 9_000))  # over ours
    Image.new("RGB", (50, 64)).save(paths[train[4]])
    paths[train[5]].unlink()
    outside = root.parent / "secret.jpg"
    outside.write_bytes(paths[train[6]].read_bytes())
    paths[train[6]].unlink()
    paths[train[6]].symlink_to(outside)
    name, ys, _ = rows_of(annotations)[8].split(": ")
    assert name == train[7]
    replace_row(annotations, 9, f"{name}: {ys}: {[-1] * 18}")
    name, ys, xs = rows_of(annotations)[9].split(": ")
    replace_row(annotations, 10, f"{name}: {ys}: {[200, *json.loads(xs)[1:]]}")
    replace_row(annotations, 11, rows_of(annotations)[10].replace(train[9], train[9].replace("id000000", "id000009")))
    with open(root / "train.lst", "a") as listing:
        listing.write(f"../{train[0]}\n/etc/{train[0].replace('01_1', '77_7')}\n")
    with open(root / "fashion-pairs-test.csv", "a") as pairs:
        pairs.write(f"{train[0]},{train[0].replace('01_1', '77_7')}\n")
    last = len(rows_of(root / "fashion-pairs-test.csv"))
    return {
        (Kind.UNREADABLE, file[train[0]], None),
        (Kind.UNREADABLE, file[train[1]], None),
        (Kind.TOO_LARGE, file[train[2]], None),
        (Kind.TOO_LARGE, file[train[3]], None),
        (Kind.ODD_SIZE, file[train[4]], None),
        (Kind.NO_FILE, "train.lst", 6),
        (Kind.OUTSIDE_ROOT, file[train[6]], None),
        (Kind.NO_FILE, "train.lst", 7),  # as the link is not followed
        (Kind.NO_KEYPOINTS, "fashion-annotation-train.csv", 9),
        (Kind.OUT_OF_FRAME, "fashion-annotation-train.csv", 10),
        (Kind.NO_FILE, "fashion-annotation-train.csv", 11),
        (Kind.NO_KEYPOINTS, "train.lst", 10),
        (Kind.OUTSIDE_ROOT, "train.lst", len(train) + 1),
        (Kind.OUTSIDE_ROOT, "train.lst", len(train) + 2),
        (Kind.UNLISTED, "fashion-pairs-test.csv", last),
    }


def test_a_whole_dataset_passes(copy, capsys):
    assert main(["check", str(copy)]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out


def test_every_fault_is_reported_with_file_and_row(copy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(check, "_CHUNK", 16)
    expected = break_everything(copy)
    report = tmp_path / "report.json"
    assert main(["check", str(copy), "--json", str(report), "--workers", "2"]) == 1
    written = json.loads(report.read_text())
    assert {(found["kind"], found["file"], found["row"]) for found in written["findings"]} == expected
    assert len(written["findings"]) == len(expected)
    assert sum(written["counts"].values()) == len(expected)
    shown = capsys.readouterr().out
    for kind in Kind:
        assert kind in shown
    assert "train.lst, row 6: " in shown
    assert "nose at (200, " in shown
    assert "9000×9000, more than 50,331,648 pixels" in shown
    assert f"{len(expected)} fault(s)." in shown


def test_other_layouts_are_checked_as_well(mannequin_root, tmp_path):
    mannequins = DeepFashion(mannequin_root)
    root = tmp_path / "market"
    names = layouts.market(mannequins, root)
    assert check.check(root) == 0
    missing = mannequins.splits["test"][3]
    next(root.rglob(names[missing])).unlink()
    assert [tuple(found) for found in open_index(root).findings] == [
        (Kind.NO_FILE, "market-annotation-test.csv", 5, names[missing], "")
    ]
    assert check.check(root) == 1
    root = tmp_path / "nted"
    layouts.nted(mannequins, root)
    assert check.check(root) == 0
    pose = sorted((root / "pose").rglob("*.txt"))[0]
    replace_row(pose, 3, "39.5 20")  # left of the 176 columns
    report = tmp_path / "report.json"
    assert check.check(root, json=report) == 1
    (found,) = json.loads(report.read_text())["findings"]
    assert (found["kind"], found["file"], found["row"]) == (Kind.OUT_OF_FRAME, os.path.relpath(pose, root), 3)
    assert found["detail"] == "right_shoulder at (-0.5, 20) in 256×176"


def test_names_cannot_write_to_the_terminal(copy, capsys):
    with open(copy / "train.lst", "a") as listing:
        listing.write("../\x1b[31mred.jpg\n")
    assert main(["check", str(copy)]) == 1
    assert "\x1b[31m" not in capsys.readouterr().out


def test_what_cannot_be_read_is_one_sentence(copy, tmp_path, capsys):
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert "is no folder" in capsys.readouterr().err
    assert main(["check", str(copy), "--json", str(tmp_path / "no" / "report.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["check", str(copy), "--workers", "0"]) == 2
    assert "--workers is 0" in capsys.readouterr().err


def test_an_interrupt_ends_all_processes(copy, monkeypatch, capsys):
    monkeypatch.setattr(check, "_CHUNK", 4)

    def interrupted(results, *args, **options):
        next(iter(results))
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "track", interrupted)
    assert main(["check", str(copy), "--workers", "2"]) == 130
    assert "Interrupted." in capsys.readouterr().err
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("seed", range(40))
def test_damaged_images_are_findings(mannequin_root, tmp_path, seed):
    rng = np.random.default_rng(seed)
    original = next((mannequin_root / "img_highres").rglob("*.jpg"))
    ending = [".jpg", ".png"][seed % 2]
    path = tmp_path / f"image{ending}"
    Image.open(original).save(path)
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    data[rng.integers(0, len(data), 20)] = rng.integers(0, 256, 20)
    path.write_bytes(data[: rng.integers(1, len(data))].tobytes())
    result = inspect(str(path))
    assert (result.size is None) == (result.kind in (Kind.UNREADABLE, Kind.TOO_LARGE))


def test_other_formats_are_not_decoded(tmp_path):
    (tmp_path / "image.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    assert inspect(str(tmp_path / "image.jpg")).kind == Kind.UNREADABLE
    Image.new("RGB", (3, 5)).save(tmp_path / "small.gif")
    assert inspect(str(tmp_path / "small.gif")).kind == Kind.UNREADABLE
    assert "GIF" not in pictures.FORMATS


# What training makes of it.


def test_training_refuses_a_bad_dataset_or_skips_and_counts(copy, caplog):
    break_everything(copy)
    with pytest.raises(InputError, match=r"has 9 fault\(s\), the first in .*: repair them, or leave these .*skip_bad"):
        PoseDataModule(copy, validation_identities=1).setup("fit")
    data = PoseDataModule(copy, validation_identities=1, skip_bad=True)
    with caplog.at_level("INFO", logger="lightning.pytorch"):
        data.setup("fit")
    assert "4 of 40 images are skipped" in caplog.text
    assert len(data.index.records) == 36
    assert data.test
    for views in data.train:
        assert all(view.path.is_file() for view in views)


def test_a_missing_test_image_takes_its_pairs_with_it(mannequin_root, tmp_path):
    layouts.originals(DeepFashion(mannequin_root), tmp_path)
    index = DeepFashion(tmp_path)
    missing = index.splits["test"][0]
    index.records[missing].path.unlink()
    with pytest.raises(InputError, match=r"has 1 fault\(s\), the first in test\.lst, row 1: "):
        PoseDataModule(tmp_path, validation_identities=1).setup("test")
    data = PoseDataModule(tmp_path, validation_identities=1, skip_bad=True)
    data.setup("test")
    pairs = [pair for pair in index.pairs("test") if missing not in pair]
    assert [(scenario.source, scenario.target) for scenario in data.test] == pairs
    assert not any(missing in scenario.sources for scenario in data.test)


@pytest.mark.parametrize("layout", ["market", "nted"])
def test_a_datamodule_needs_the_root_alone(layout, mannequin_root, tmp_path):
    getattr(layouts, layout)(DeepFashion(mannequin_root), tmp_path)
    data = PoseDataModule(tmp_path, validation_identities=1, test_settings=["T3"], size=(128, 64), num_workers=0)
    data.setup("fit")
    batch = next(iter(data.test_dataloader()))
    assert batch["images"].shape == (4, 4, 3, 128, 64)
    assert batch["poses"].amax(dim=(1, 2, 3, 4)).min() > 0
    assert batch["mask_T3"].tolist() == [[1, 1, 1, 0]] * 4


def test_images_of_several_sizes_need_a_size(copy):
    data = PoseDataModule(copy, validation_identities=1, num_workers=0)
    data.setup("test")
    path = data.index.records[data.test[0].target].path
    Image.open(path).resize((88, 128)).save(path)
    with pytest.raises(InputError, match=r"is 128×88, and another image is 64×44; set data\.size"):
        next(iter(data.test_dataloader()))
    data.size = (64, 44)
    assert next(iter(data.test_dataloader()))["target"].shape == (4, 3, 64, 44)


@pytest.mark.parametrize("size", [(0, 64), (64, -1)])
def test_sizes_are_positive(size):
    with pytest.raises(InputError, match=r"data\.size is .*; it must be \[height, width\]"):
        PoseDataModule("anywhere", size=size)
