"""A part of the training pictures as a dataset of its own, all that a generator of the part may see."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from imagpose.data.readers.annotations import ANNOTATION_HEADER, read_annotations
from imagpose.data.readers.market1501 import TRAIN_FOLDER, Market1501, Sighting, sightings
from imagpose.data.readers.pairs import read_pairs
from imagpose.data.text import read_rows
from imagpose.errors import InputError
from imagpose.output.files import alone, scratch_folder
from imagpose.reid.subsets import subset_of

Pair = tuple[str, str]
"""Names of a source and of a target, whose pose alone is looked at."""
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_ANNOTATIONS = {split: f"market-annotation-{split}.csv" for split in ("train", "test")}


def part_of(root: Path, percentage: int) -> dict[Sighting, Path]:
    """The pictures of a part of a Market-1501 folder, see :func:`imagpose.reid.subsets.subset_of`, with their files."""
    found = sightings(root, TRAIN_FOLDER)
    return {one: found[one] for one in subset_of(list(found), percentage)}


def posed(root: Path) -> set[str]:
    """Names of the training pictures in which a joint was found.

    Raises:
        InputError: The dataset's annotations cannot be read.
    """
    read = read_annotations(root / _ANNOTATIONS["train"], Market1501.frame)
    named = zip((Sighting.parse(name) for _, name in read.listing.entries), read.annotations, strict=True)
    return {one.name for one, pose in named if one is not None and pose.found}


def write_part(folder: Path, root: Path, percentage: int) -> None:
    """Write a part as a Market-1501 folder of training pictures alone, unless it is there; then look at it.

    Its list of test poses is empty: no picture of the test reaches a generator either. Pictures are hard links where
    the file system has them.

    Args:
        folder: To be written.
        root: The whole dataset.
        percentage: Of its training pictures.

    Raises:
        InputError: The dataset is malformed, the folder cannot be written, or it holds what is not of the part.
    """
    part = part_of(root, percentage)
    try:
        if not folder.exists():
            with alone(folder, f"writing {folder}"), scratch_folder(folder) as unfinished:
                (unfinished / TRAIN_FOLDER).mkdir()
                for one, path in part.items():
                    _link(path, unfinished / TRAIN_FOLDER / one.name)
                rows = _rows_of(root, {one.name for one in part})
                (unfinished / _ANNOTATIONS["train"]).write_text("\n".join([ANNOTATION_HEADER, *rows, ""]))
                (unfinished / _ANNOTATIONS["test"]).write_text(f"{ANNOTATION_HEADER}\n")
                unfinished.rename(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}); make room or name other --runs.") from error
    check_part(folder, {one.name for one in part})


def _rows_of(root: Path, names: Collection[str]) -> list[str]:
    """The rows of the dataset's annotations that are of some pictures, as they are."""
    rows = read_rows(root / _ANNOTATIONS["train"])[1:]
    parsed = ((Sighting.parse(row.partition(":")[0].strip()), row) for _, row in rows)
    return [row for one, row in parsed if one is not None and one.name in names]


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def check_part(folder: Path, names: Collection[str], pairs: Path | None = None) -> None:
    """Refuse a folder, or a list of pairs, with a picture, a pose or a person from outside a part.

    Args:
        folder: The part's, as :func:`write_part` writes it; all files in it are looked at.
        names: Of the pictures of the part.
        pairs: A list of pairs that are to be drawn from it.

    Raises:
        InputError: Something is not of the part: a leak.
    """
    people = {one.person for name in names if (one := Sighting.parse(name)) is not None}

    def look(name: str, place: object) -> None:
        one = Sighting.parse(name)
        if one is None or one.name not in names or one.person not in people:
            raise InputError(
                f"{place} names {name[:100]!r}, which is not in the part that a generator may see; delete {folder} and "
                "the runs on it, and have them made anew."
            )

    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or (path.suffix.lower() in _PICTURES and ".imagpose-cache" not in path.parts):
            look(path.name, path)
    for file in folder.glob("*.csv"):
        for row, line in read_rows(file)[1:]:
            look(line.partition(":")[0].strip(), f"{file}, row {row}")
    for pair in read_pairs(pairs) if pairs is not None else ():
        for name in (*pair.sources, pair.target):
            look(name, f"{pairs}, row {pair.row}")


def draw_pairs(part: Sequence[Sighting], poses: Collection[str], count: int) -> list[Pair]:
    """Random pictures and poses of the same people within a part (Sec. 4.3).

    Poses are taken in a random order, each as often as the others, and each time a picture of the same person is drawn
    as its source that it has not had yet.

    Args:
        part: Of the training pictures.
        poses: Names of those in which a joint was found; the others are neither source nor target.
        count: Of pairs; fewer where there are no more.
    """
    rng = np.random.default_rng([0, 24])
    seen = sorted(one for one in part if one.name in poses)
    of: dict[int, list[str]] = {}
    for one in seen:
        of.setdefault(one.person, []).append(one.name)
    left = {
        one.name: rng.permutation([name for name in of[one.person] if name != one.name]).tolist()
        for one in seen if len(of[one.person]) > 1
    }  # fmt: skip
    pairs: list[Pair] = []
    while len(pairs) < count and (targets := [name for name, sources in left.items() if sources]):
        for i in rng.permutation(len(targets))[: count - len(pairs)].tolist():
            pairs.append((left[targets[i]].pop(), targets[i]))
    return pairs
