"""Writing the lists of a DeepFashion In-shop folder: the one place for drawn people and for a user's photographs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import permutations

import numpy as np

from imagpose.data.keypoints import rescale, visible
from imagpose.data.readers.annotations import ANNOTATION_HEADER


def split_lists(split: str, people: Sequence[Sequence[str]], rows: Sequence[str] | None) -> dict[str, str]:
    """The text files of a split, by name: its images, their keypoints, and every ordered pair of one person's images.

    Args:
        split: ``train`` or ``test``.
        people: The flattened names of each person's images.
        rows: Of the file of keypoints, see :func:`annotation_row`, one for each image; None leaves the file out.
    """
    texts = {f"{split}.lst": "\n".join(name for names in people for name in names) + "\n"}
    if rows is not None:
        texts[annotation_file(split)] = "".join([f"{ANNOTATION_HEADER}\n", *rows])
    pairs = io.StringIO()
    writer = csv.writer(pairs)
    writer.writerow(["from", "to"])
    for names in people:
        writer.writerows(permutations(names, 2))
    texts[f"fashion-pairs-{split}.csv"] = pairs.getvalue()
    return texts


def annotation_file(split: str) -> str:
    """Name of the file of keypoints of ``train`` or ``test``."""
    return f"fashion-annotation-{split}.csv"


def annotation_row(name: str, keypoints: np.ndarray, size: tuple[int, int], frame: tuple[int, int]) -> str:
    """A picture's row in a file of keypoints, in whole pixels as the published ones are.

    Args:
        name: Of the picture.
        keypoints: In its pixels, (18, 2), x first; what cannot be seen is negative.
        size: Height and width of the picture.
        frame: Height and width of what the file's numbers are in.
    """
    points = np.rint(rescale(keypoints, size, frame)).astype(int)
    points[~visible(keypoints)] = -1
    return f"{name}: {points[:, 1].tolist()}: {points[:, 0].tolist()}\n"
