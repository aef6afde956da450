"""Writes a mannequin folder's content in each layout of the field."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from imagpose.data.index import SPLITS, ImageRecord, Index
from imagpose.data.keypoints import rescale, visible


def _parts(record: ImageRecord) -> tuple[str, ...]:
    """WOMEN, Tees_Tanks, id_00000001, 01_3_back.jpg."""
    return Path(record.path).parts[-4:]


def _records(index: Index, split: str) -> list[ImageRecord]:
    return [index.records[name] for name in index.splits[split]]


def _copy(record: ImageRecord, target: Path) -> None:
    """Hard links, and for PNG the same pixels."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".jpg":
        os.link(record.path, target)
    else:
        Image.open(record.path).save(target)


def _write_pairs(path: Path, pairs: Iterable[tuple[str, str]]) -> None:
    path.write_text("from,to\n" + "".join(f"{source},{target}\n" for source, target in pairs))


def _write_annotations(path: Path, rows: Iterable[tuple[str, np.ndarray]]) -> None:
    lines = [f"{name}: {points[:, 1].tolist()}: {points[:, 0].tolist()}\n" for name, points in rows]
    path.write_text("name:keypoints_y:keypoints_x\n" + "".join(lines))


def _write_points(path: Path, points: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{x!r} {y!r}\n" for x, y in points.tolist()))


def _where_visible(points: np.ndarray, changed: np.ndarray) -> np.ndarray:
    return np.where(visible(points)[:, None], changed, -1.0)


def originals(index: Index, root: Path) -> None:
    """In-shop as downloaded, with the lists and CSVs of PATN."""
    for split in SPLITS:
        for record in _records(index, split):
            _copy(record, root.joinpath("img_highres", *_parts(record)))
        (root / f"{split}.lst").write_text("".join(f"{name}\n" for name in index.splits[split]))
        _write_annotations(
            root / f"fasion-resize-annotation-{split}.csv", [(r.name, r.keypoints) for r in _records(index, split)]
        )
        _write_pairs(root / f"fasion-resize-pairs-{split}.csv", index.pairs(split))


def flattened(index: Index, root: Path) -> None:
    """Flattened names in a folder per split, and CSVs alone."""
    for split in SPLITS:
        for record in _records(index, split):
            _copy(record, root / split / record.name)
        _write_annotations(
            root / f"fashion-annotation-{split}.csv", [(r.name, r.keypoints) for r in _records(index, split)]
        )
        _write_pairs(root / f"fasion-pairs-{split}.csv", index.pairs(split))


def nted(index: Index, root: Path) -> None:
    """NTED and PIDM: paths, targets first, and keypoints 40 pixels to the right."""
    for split in SPLITS:
        for record in _records(index, split):
            _copy(record, root.joinpath("img", *_parts(record)))
            moved = _where_visible(record.keypoints, record.keypoints + np.array([40, 0]))
            _write_points(root.joinpath("pose", *_parts(record)).with_suffix(".txt"), moved)
        rows = [
            ",".join("/".join(("img", *_parts(index.records[name]))) for name in (target, source))
            for source, target in index.pairs(split)
        ]
        (root / f"{split}_pairs.txt").write_text("\n".join(rows))


def pcdms(index: Index, root: Path) -> None:
    """PCDMs: PNG files, .jpg names, and normalised keypoints."""
    for split in SPLITS:
        for record in _records(index, split):
            _copy(record, root / "all_data_png" / Path(record.name).with_suffix(".png"))
            _normalised(record, root / "normalized_pose_txt" / Path(record.name).with_suffix(".txt"))
        pairs = [{"source_image": source, "target_image": target} for source, target in index.pairs(split)]
        (root / f"{split}_data.json").write_text(json.dumps(pairs))


def groups(index: Index, root: Path) -> None:
    """IMAGPose: a JSON list of lists of absolute paths; a file name less its last two tokens is the group's key."""
    for split in SPLITS:
        listed: dict[str, list[str]] = {}
        for record in _records(index, split):
            name = "-".join(_parts(record)).replace(".jpg", ".png")
            path = root / "train_all_png" / name
            _copy(record, path)
            _normalised(record, root / "normalized_pose_txt" / Path(record.name).with_suffix(".txt"))
            listed.setdefault("_".join(name.split("_")[:-2]), []).append(str(path.absolute()))
        if split == "train":
            (root / "train.json").write_text(json.dumps(list(listed.values())))
        else:
            (root / "test.lst").write_text("".join(f"{name}\n" for name in index.splits["test"]))
            _write_pairs(root / "fashion-resize-pairs-test.csv", index.pairs("test"))


def _normalised(record: ImageRecord, path: Path) -> None:
    height, width = record.frame
    _write_points(path, _where_visible(record.keypoints, record.keypoints / (width, height)))


def market(index: Index, root: Path) -> dict[str, str]:
    """Market-1501, with junk and distractors; returns the new names of the images."""
    names = {}
    for split, folders in (("train", ["bounding_box_train"]), ("test", ["bounding_box_test", "query"])):
        rows = []
        for number, record in enumerate(_records(index, split)):
            name = f"{record.person[-4:]}_c{number % 6 + 1}s1_{number:06d}_01.jpg"
            names[record.name] = name
            _copy(record, root / folders[number % len(folders)] / name)
            rows.append((name, rescale(record.keypoints, record.frame, (128, 64))))
        for nobody in ("-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg"):
            _copy(_records(index, split)[0], root / folders[0] / nobody)
            rows.append((nobody, rows[0][1]))
        _write_annotations(root / f"market-annotation-{split}.csv", rows)
        _write_pairs(root / f"market-pairs-{split}.csv", [(names[a], names[b]) for a, b in index.pairs(split)])
    return names


DEEPFASHION = (originals, flattened, nted, pcdms, groups)
