"""What can be wrong with a dataset, each with its place."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What is wrong."""

    NO_FILE = "name without a file"
    OUTSIDE_ROOT = "leaves the root"
    NO_KEYPOINTS = "image without keypoints"
    UNLISTED = "pair of an image in no list"
    OUT_OF_FRAME = "keypoints out of the frame"
    UNREADABLE = "unreadable image"
    TOO_LARGE = "image over the pixel limit"
    ODD_SIZE = "image of another size"


# Training refuses these; they cost nothing to find. The others are for `check` to say.
REFUSED = (Kind.NO_FILE, Kind.OUTSIDE_ROOT, Kind.NO_KEYPOINTS, Kind.UNLISTED)


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes:
        kind: What.
        file: Where it stands, relative to the dataset folder.
        row: Number of the row in the file, from 1; None where the file as a whole is meant.
        name: The image's name in the index, or as written where it has none.
        detail: More of it, for reading.
    """

    kind: Kind
    file: str
    row: int | None
    name: str
    detail: str = ""

    def __str__(self) -> str:
        row = "" if self.row is None else f", row {self.row}"
        name = self.name if self.name.isprintable() else repr(self.name)  # it may be anything that a list holds
        whose = "" if name == self.file else f"{name}: "
        return f"{self.file}{row}: {whose}{self.kind}" + (f" ({self.detail})" if self.detail else "")
