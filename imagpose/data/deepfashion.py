"""Reads a DeepFashion In-shop folder: images by person and garment, keypoints, pairs and splits."""

from __future__ import annotations

import ast
import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imagpose.data.keypoints import MISSING, NUM_JOINTS, rescale
from imagpose.errors import InputError

Array = np.ndarray

ANNOTATION_SIZE = (256, 176)  # keypoints are given in this frame (height, width), whatever the image's size
_PATH = re.compile(
    r"(?P<gender>MEN|WOMEN)/(?P<category>\w+)/id_(?P<id>\d{8})/(?P<garment>\d\d)_(?P<view>\d)_(?P<side>\w+)\.jpg"
)
_FLAT = re.compile(
    r"fashion(?P<gender>MEN|WOMEN)(?P<category>\w+?)id(?P<id>\d{8})(?P<garment>\d\d)_(?P<view>\d)(?P<side>\w+)\.jpg"
)


def flatten_name(path: str) -> str:
    """``WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg`` → ``fashionWOMENTees_Tanksid0000000101_3back.jpg``."""
    match = _PATH.fullmatch(path)
    if not match:
        raise InputError(f"{path} is not a DeepFashion path such as WOMEN/Tees_Tanks/id_00000001/01_3_back.jpg.")
    return "fashion{gender}{category}id{id}{garment}_{view}{side}.jpg".format(**match.groupdict())


def unflatten_name(name: str) -> str:
    """The inverse of :func:`flatten_name`."""
    match = _FLAT.fullmatch(name)
    if not match:
        raise InputError(
            f"{name!r} is not a flattened DeepFashion name such as fashionWOMENTees_Tanksid0000000101_3back.jpg."
        )
    return "{gender}/{category}/id_{id}/{garment}_{view}_{side}.jpg".format(**match.groupdict())


@dataclass(frozen=True)
class ImageRecord:
    """One image of the index.

    Attributes:
        name: Flattened name.
        path: The file.
        identity: Person and garment: the views of one identity show the same person in the same clothes.
        person: The person alone, for splits.
        keypoints: (18, 2) in the annotation frame, 256×176; -1 marks a missing joint.
    """

    name: str
    path: Path
    identity: str
    person: str
    keypoints: Array

    def keypoints_at(self, size: tuple[int, int]) -> Array:
        """Keypoints in pixels of an image of ``size`` (height, width)."""
        return rescale(self.keypoints, ANNOTATION_SIZE, size)


@dataclass(frozen=True)
class Scenario:
    """A test case: bring the person of the sources into the pose of the target. The sources exclude the target."""

    target: str
    source: str
    sources: tuple[str, ...]


class DeepFashion:
    """The index of a dataset folder: identity → views → path and keypoints.

    Args:
        root: A folder with ``img_highres/``, ``{train,test}.lst`` and ``fashion-annotation-{train,test}.csv``.

    Raises:
        InputError: A file is missing, a row is malformed, or a person is in both splits.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records: dict[str, ImageRecord] = {}
        self.splits = {split: self._read_split(split) for split in ("train", "test")}
        persons = {split: {self.records[name].person for name in names} for split, names in self.splits.items()}
        if both := persons["train"] & persons["test"]:
            raise InputError(
                f"{root}: {', '.join(sorted(both)[:3])} is in both train.lst and test.lst; split by person."
            )

    def identities(self, split: str) -> dict[str, list[ImageRecord]]:
        """Views by identity, in the order of the split's list; groups of one view are left out, they form no pair."""
        groups: dict[str, list[ImageRecord]] = {}
        for name in self.splits[split]:
            groups.setdefault(self.records[name].identity, []).append(self.records[name])
        return {identity: views for identity, views in groups.items() if len(views) >= 2}

    def pairs(self, split: str) -> list[tuple[str, str]]:
        """The published (source, target) pairs, in order."""
        return self.pairs_of(self.root / f"fashion-pairs-{split}.csv")

    def pairs_of(self, path: Path) -> list[tuple[str, str]]:
        """The (source, target) pairs of a CSV with the header ``from,to``, in order."""
        with _open(path) as file:
            rows = csv.reader(file)
            if next(rows, None) != ["from", "to"]:
                raise InputError(f"{path}, row 1: the header must be 'from,to'.")
            pairs = []
            for number, row in enumerate(rows, start=2):
                if len(row) != 2 or not all(name in self.records for name in row):
                    raise InputError(f"{path}, row {number}: expected two names of annotated images, found {row}.")
                pairs.append((row[0], row[1]))
        return pairs

    def scenarios(self) -> list[Scenario]:
        """The fixed test cases of ``test_scenarios.json``."""
        path = self.root / "test_scenarios.json"
        with _open(path) as file:
            try:
                entries = [Scenario(e["target"], e["source"], tuple(e["sources"])) for e in json.load(file)]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path} is not a list of {{target, source, sources}}: {error}.") from error
        for number, entry in enumerate(entries, start=1):
            names = (entry.target, entry.source, *entry.sources)
            if unknown := [name for name in names if name not in self.records]:
                raise InputError(f"{path}, entry {number}: {unknown[0]} is no annotated image.")
            if entry.target in (entry.source, *entry.sources):
                raise InputError(f"{path}, entry {number}: {entry.target} is both source and target.")
        return entries

    def _read_split(self, split: str) -> list[str]:
        keypoints = self._read_annotation(self.root / f"fashion-annotation-{split}.csv")
        listing = self.root / f"{split}.lst"
        with _open(listing) as file:
            names = [line.strip() for line in file if line.strip()]
        for number, name in enumerate(names, start=1):
            if name not in keypoints:
                raise InputError(f"{listing}, row {number}: {name} has no row in fashion-annotation-{split}.csv.")
            inner = unflatten_name(name)
            path = self.root / "img_highres" / inner
            identity, person = "/".join(inner.split("/")[:3]) + "/" + inner.split("/")[3][:2], inner.split("/")[2]
            self.records[name] = ImageRecord(name, path, identity, person, keypoints[name])
        return names

    @staticmethod
    def _read_annotation(path: Path) -> dict[str, Array]:
        keypoints = {}
        with _open(path) as file:
            if file.readline().strip() != "name:keypoints_y:keypoints_x":
                raise InputError(f"{path}, row 1: the header must be 'name:keypoints_y:keypoints_x'.")
            for number, line in enumerate(file, start=2):
                if not line.strip():
                    continue
                try:
                    name, ys, xs = line.split(":")
                    points = np.array([ast.literal_eval(xs.strip()), ast.literal_eval(ys.strip())], dtype=float).T
                    if points.shape != (NUM_JOINTS, 2):
                        raise ValueError(f"it has {points.shape[0]} joints, not {NUM_JOINTS}")
                except (ValueError, SyntaxError, TypeError) as error:
                    raise InputError(f"{path}, row {number}: expected 'name: [18 y]: [18 x]' ({error}).") from error
                points[(points < 0).any(axis=1)] = MISSING
                keypoints[name] = points
        return keypoints


def _open(path: Path):  # type: ignore[no-untyped-def]
    try:
        return open(path, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); a DeepFashion folder needs it.") from error
