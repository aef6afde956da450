"""Keypoint files of the field → (18, 2) arrays in one frame."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from imagpose.data.keypoints import MISSING, NUM_JOINTS, visible
from imagpose.data.text import Listing, read_rows, read_text
from imagpose.errors import InputError

Array = np.ndarray
Place = tuple[str, int | None]  # file and row; no row where the file is of one image alone

ANNOTATION_HEADER = "name:keypoints_y:keypoints_x"
_LARGEST = 1e6  # pixels; nobody's picture is that wide, and what is larger overflows when it is drawn


class Outside(NamedTuple):
    """A joint that was found outside of the frame: its number, and where, in pixels of the frame."""

    joint: int
    x: float
    y: float


class Annotation(NamedTuple):
    """The keypoints of one image.

    Attributes:
        points: Joints, (18, 2) in the layout's frame; -1 marks a missing one.
        found: Whether any joint was found.
        outside: The first joint outside of the frame; None where there is none.
        file: Path of the file where they stand.
        row: The image's row in the file; None where the file is of this image alone, one joint per row.
    """

    points: Array
    found: bool
    outside: Outside | None
    file: str
    row: int | None


class Annotations(NamedTuple):
    """A file of annotations: the names as written, with their rows, and an annotation for each."""

    listing: Listing
    annotations: list[Annotation]


def read_annotations(path: Path, frame: tuple[int, int]) -> Annotations:
    """Rows of ``name: [18 y]: [18 x]`` (**y first**), -1 where a joint is missing.

    Args:
        path: The file.
        frame: Height and width of the frame that the numbers are in.

    Raises:
        InputError: The file cannot be read, or a row is malformed.
    """
    rows = read_rows(path)
    if not rows or rows[0][1] != ANNOTATION_HEADER:
        raise InputError(f"{path}, row 1: the header must be '{ANNOTATION_HEADER}'.")
    numbers, entries = array("d"), []
    for row, line in rows[1:]:
        try:
            name, ys, xs = line.split(":")
            for coordinates in (ys.strip(), xs.strip()):
                if not (coordinates.startswith("[") and coordinates.endswith("]")):
                    raise ValueError("the brackets are missing")
                _append(numbers, coordinates[1:-1].split(","), NUM_JOINTS)
        except ValueError as error:
            raise InputError(f"{path}, row {row}: expected 'name: [18 y]: [18 x]' ({str(error)[:200]}).") from error
        entries.append((row, name.strip()))
    points = np.array(numbers).reshape(-1, 2, NUM_JOINTS)[:, ::-1].transpose(0, 2, 1)
    file = str(path)
    places = [(file, row) for row, _ in entries]
    _check_range(points, places)
    missing = (points == MISSING).any(-1)
    _check_pixels(points, missing, file, frame)
    return Annotations(Listing(path, entries), _annotations(points, missing, frame, places))


def read_pose_files(paths: Sequence[str], frame: tuple[int, int], normalised: bool) -> list[Annotation]:
    """Files of 18 rows ``x y``, one file per image, -1 where a joint is missing.

    Args:
        paths: Paths of the files, one per image; not of type Path, of which 50,000 take a second.
        frame: Height and width of the frame to bring them into.
        normalised: Whether the numbers are relative to the frame, in [0, 1] (PCDMs); otherwise (NTED, PIDM) they are
            pixels of a square picture as high as the frame, whose middle columns are the frame.

    Raises:
        InputError: A file cannot be read, or a row is malformed.
    """
    numbers = array("d")
    for path in paths:
        try:
            _append(numbers, read_text(path).split(), 2 * NUM_JOINTS)
        except ValueError as error:
            raise InputError(
                f"{path}, row {_first_bad_row(path)}: expected 18 rows 'x y' ({str(error)[:200]})."
            ) from error
    points = np.array(numbers).reshape(-1, NUM_JOINTS, 2)
    places = [(path, None) for path in paths]
    _check_range(points, places)
    height, width = frame
    # Nothing in [0, 1] is negative, so that -1 / width is a missing joint too.
    missing = np.asarray((points < 0 if normalised else points == MISSING).any(-1))
    if not normalised:
        _check_pixels(points, missing, str(Path(paths[0]).parent) if paths else "", frame)
    points = points * (width, height) if normalised else points - ((height - width) / 2, 0)
    return _annotations(points, missing, frame, places)


def _append(numbers: array[float], words: list[str], expected: int) -> None:
    if len(words) != expected:
        raise ValueError(f"there are {len(words)} numbers, not {expected}")
    numbers.extend(map(float, words))


def _first_bad_row(path: str) -> int:
    """The first row that is not two numbers; where all are, the one at which there are too many or too few."""
    rows = read_rows(path)
    for row, line in rows:
        try:
            _append(array("d"), line.split(), 2)
        except ValueError:
            return row
    return rows[NUM_JOINTS][0] if len(rows) > NUM_JOINTS else len(rows) + 1


def _check_range(points: Array, places: Sequence[Place]) -> None:
    wrong = np.argwhere(~(np.abs(points) < _LARGEST).all(-1))  # nan is not smaller either
    if len(wrong):
        image, joint = wrong[0].tolist()
        file, row = places[image]
        raise InputError(
            f"{file}, row {row or joint + 1}: joint {joint + 1} is at {points[image, joint].tolist()}, which is no "
            "place in a picture; correct it, or write -1 for a missing joint."
        )


def _check_pixels(points: Array, missing: Array, place: str, frame: tuple[int, int]) -> None:
    """Refuse a dataset's numbers where none is above 1: everybody would stand in one pixel."""
    if not missing.all() and points[~missing].max() <= 1:
        raise InputError(
            f"{place} has keypoints between 0 and 1, which look relative to the picture; write them in pixels of "
            f"{frame[0]}×{frame[1]}, or, one file an image, into normalized_pose_txt."
        )


def _annotations(points: Array, missing: Array, frame: tuple[int, int], places: Sequence[Place]) -> list[Annotation]:
    """Tell joints outside of the frame from missing ones, for all images at once."""
    # A joint at the very edge may be rounded to the width or the height.
    outside: Array = ~missing & ((points < 0) | (points > (frame[1], frame[0]))).any(-1)
    first = {}
    for image in np.flatnonzero(outside.any(-1)).tolist():
        joint = int(outside[image].argmax())
        first[image] = Outside(joint, *points[image, joint].tolist())
    # A negative number would count as missing wherever keypoints are used; so say it.
    points = np.where(np.expand_dims(missing | (points < 0).any(-1), -1), MISSING, points)
    found: Array = np.asarray(visible(points).any(-1))
    return [Annotation(points[i], bool(found[i]), first.get(i), *place) for i, place in enumerate(places)]
