"""Writes a dataset's content in each layout of the field: a mannequin folder's, or names of the published shape."""

from __future__ import annotations

import functools
import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from imagpose.data.keypoints import rescale, visible
from imagpose.data.readers.deepfashion import parse_name, unflatten_name
from imagpose.data.readers.index import SPLITS, ImageRecord

FRAME = (256, 176)
NAME = "fashionWOMENTees_Tanksid0000000101_3back.jpg"
KEYPOINTS = "[36, 81, 80, 141, 202, 82, 148, 208, 196, -1, -1, 195, -1, -1, 28, 26, 32, 32]"
XS = "[88, 89, 52, 41, 44, 124, 132, 148, 72, -1, -1, 118, -1, -1, 81, 97, 71, 108]"
"""Of one picture, as the field writes them: its annotations' frame, its name, and its rows y and x."""
DEEPFASHION_IMAGES = {"train": 48_674, "test": 4_038}
MARKET_IMAGES = {"train": 12_936, "test": 15_913}
_CATEGORIES = ("WOMEN/Blouses_Shirts", "WOMEN/Tees_Tanks", "MEN/Denim", "WOMEN/Dresses", "MEN/Tees_Tanks")
_VIEWS = ("1_front", "2_side", "3_back", "4_full", "7_additional")


class Content(Protocol):
    """What is written: an index has it."""

    records: dict[str, ImageRecord]
    splits: dict[str, list[str]]

    def pairs(self, split: str) -> list[tuple[str, str]]: ...


@dataclass
class Published:
    """Names, splits and pairs of the published shape; a few pictures stand for all of them.

    A folder ``MEN/Denim/id_00000080`` is in one split alone and holds garments of one to five views, while most bare
    ids of the test part stand in the training part too. Every third image misses a joint.
    """

    records: dict[str, ImageRecord]
    splits: dict[str, list[str]]

    @classmethod
    def shaped(cls, content: Content, images: dict[str, int]) -> Published:
        """So many images of each split, in the pictures and poses of another content."""
        rng = np.random.default_rng(0)
        models = list(content.records.values())
        records: dict[str, ImageRecord] = {}
        splits: dict[str, list[str]] = {}
        for split, count in images.items():
            names: list[str] = []
            item = 0
            while len(names) < count:
                item += 1
                # Test items are of the categories that the training item of their number is not of; some have no other.
                number = item if split == "train" or item % 3 else 90_000 + item
                category = _CATEGORIES[(item + (split == "test")) % len(_CATEGORIES)]
                for garment in range(1, int(rng.integers(2, 5))):
                    for view in sorted(rng.permutation(len(_VIEWS))[: rng.integers(1, 6)].tolist()):
                        name = parse_name(f"{category}/id_{number:08d}/{garment:02d}_{_VIEWS[view]}.jpg")
                        assert name is not None
                        model = models[int(rng.integers(len(models)))]
                        keypoints = model.keypoints.round()
                        keypoints[17 if view % 3 else 0] = -1
                        records[name.name] = replace(
                            model, name=name.name, identity=name.identity, person=name.person, keypoints=keypoints
                        )
                        names.append(name.name)
            splits[split] = names[:count]
        return cls({name: records[name] for names in splits.values() for name in names}, splits)

    def pairs(self, split: str) -> list[tuple[str, str]]:
        """About two for each image, as in the published lists."""
        groups: dict[str, list[str]] = {}
        for name in self.splits[split]:
            groups.setdefault(self.records[name].identity, []).append(name)
        return [
            (source, target)
            for views in groups.values()
            for i, source in enumerate(views)
            for target in dict.fromkeys((views[i - 1], views[(i - 2) % len(views)]))
            if source != target
        ]


def _parts(record: ImageRecord) -> tuple[str, ...]:
    """WOMEN, Tees_Tanks, id_00000001, 01_3_back.jpg."""
    return Path(unflatten_name(record.name)).parts


def _records(index: Content, split: str) -> list[ImageRecord]:
    return [index.records[name] for name in index.splits[split]]


def _copy(record: ImageRecord, target: Path) -> None:
    """Hard links, and for PNG the same pixels."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".jpg":
        os.link(record.path, target)
    else:
        target.write_bytes(_as_png(record.path))


@functools.cache
def _as_png(picture: Path) -> bytes:
    buffer = io.BytesIO()
    Image.open(picture).save(buffer, "PNG")
    return buffer.getvalue()


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


def originals(index: Content, root: Path) -> None:
    """In-shop as downloaded, with the lists and CSVs of PATN."""
    for split in SPLITS:
        for record in _records(index, split):
            _copy(record, root.joinpath("img_highres", *_parts(record)))
        (root / f"{split}.lst").write_text("".join(f"{name}\n" for name in index.splits[split]))
        _write_annotations(
            root / f"fasion-resize-annotation-{split}.csv", [(r.name, r.keypoints) for r in _records(index, split)]
        )
        _write_pairs(root / f"fasion-resize-pairs-{split}.csv", index.pairs(split))


def flattened(index: Content, root: Path) -> None:
    """Flattened names in a folder per split, and CSVs alone."""
    for split in SPLITS:
        for record in _records(index, split):
            _copy(record, root / split / record.name)
        _write_annotations(
            root / f"fashion-annotation-{split}.csv", [(r.name, r.keypoints) for r in _records(index, split)]
        )
        _write_pairs(root / f"fasion-pairs-{split}.csv", index.pairs(split))


def nted(index: Content, root: Path) -> None:
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


def pcdms(index: Content, root: Path) -> None:
    """PCDMs: PNG files, .jpg names, and normalised keypoints."""
    for split in SPLITS:
        for record in _records(index, split):
            _copy(record, root / "all_data_png" / Path(record.name).with_suffix(".png"))
            _normalised(record, root / "normalized_pose_txt" / Path(record.name).with_suffix(".txt"))
        pairs = [{"source_image": source, "target_image": target} for source, target in index.pairs(split)]
        (root / f"{split}_data.json").write_text(json.dumps(pairs))


def groups(index: Content, root: Path) -> None:
    """IMAGPose: a JSON list of lists of its machine's paths; a file name less its last two tokens is a group's key."""
    for split in SPLITS:
        listed: dict[str, list[str]] = {}
        for record in _records(index, split):
            name = "-".join(_parts(record)).replace(".jpg", ".png")
            path = root / "train_all_png" / name
            _copy(record, path)
            _normalised(record, root / "normalized_pose_txt" / Path(record.name).with_suffix(".txt"))
            listed.setdefault("_".join(name.split("_")[:-2]), []).append(f"/of/another/machine/{path.name}")
        if split == "train":
            (root / "train.json").write_text(json.dumps(list(listed.values())))
        else:
            (root / "test.lst").write_text("".join(f"{name}\n" for name in index.splits["test"]))
            _write_pairs(root / "fashion-resize-pairs-test.csv", index.pairs("test"))


def fpdm(index: Content, root: Path) -> None:
    """FPDM: NTED's files, and pairs as JSON below the folder that its script ran in."""
    nted(index, root)
    for split in SPLITS:
        (root / f"{split}_pairs.txt").unlink()
        where = {name: "/".join((".", "img", *_parts(index.records[name]))) for name in index.splits[split]}
        pairs = [
            {"source_image": where[source], "target_image": where[target]} for source, target in index.pairs(split)
        ]
        (root / f"{split}_pairs_data.json").write_text(json.dumps(pairs))


def upgpt(index: Content, root: Path) -> None:
    """upgpt: pairs of four columns under a name of its own."""
    flattened(index, root)
    for split in SPLITS:
        (root / f"fasion-pairs-{split}.csv").unlink()
        rows = [
            ",".join((str(row), *("/".join(_parts(index.records[name])) for name in pair), '"a shirt, and ""jeans"""'))
            for row, pair in enumerate(index.pairs(split))
        ]
        (root / f"pairs-{split}.csv").write_text("\n".join((",from,to,styles", *rows)) + "\n")


def _normalised(record: ImageRecord, path: Path) -> None:
    height, width = record.frame
    _write_points(path, _where_visible(record.keypoints, record.keypoints / (width, height)))


def market(index: Content, root: Path) -> dict[str, str]:
    """Market-1501, with junk, distractors, doubled suffixes and images without a joint; returns the new names."""
    names: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for split, folders in (("train", ["bounding_box_train"]), ("test", ["bounding_box_test", "query"])):
        rows = []
        for number, record in enumerate(_records(index, split)):
            person = numbers.setdefault(record.person, len(numbers) + 1)
            name = f"{person:04d}_c{number % 6 + 1}s1_{number:06d}_01.jpg"
            names[record.name] = name
            _copy(record, root / folders[number % len(folders)] / (f"{name}.jpg" if number == 2 else name))
            rows.append((f"{name}.jpg" if number == 1 else name, rescale(record.keypoints, record.frame, (128, 64))))
        further = [(nobody, rows[0][1]) for nobody in ("-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg")]
        unseen = [f"{rows[0][0][:4]}_c1s2_{number:06d}_02.jpg" for number in range(1 + len(rows) // 60)]
        further += [(name, np.full((18, 2), -1)) for name in unseen]
        for name, _ in further:
            _copy(_records(index, split)[0], root / folders[0] / name)
        _write_annotations(root / f"market-annotation-{split}.csv", rows + further)
        spelt = dict(zip(index.splits[split], (name for name, _ in rows), strict=True))
        pairs = [(spelt[a], spelt[b]) for a, b in index.pairs(split)]
        _write_pairs(root / f"market-pairs-{split}.csv", [*pairs, (rows[0][0], unseen[0])])
    return names


DEEPFASHION = (originals, flattened, nted, pcdms, groups, fpdm, upgpt)
