"""What an index holds: images, their names as understood, and test cases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from imagpose.data.keypoints import MISSING, rescale, visible

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of the index.

    Attributes:
        name: The dataset's name of it; for DeepFashion, the flattened one.
        file: Path of the file.
        identity: The views of one identity show the same person, in DeepFashion in the same clothes too.
        person: The name that splits, held-out parts and intervals go by. On DeepFashion the folder of a piece of
            clothing, ``MEN/Denim/id_00000080``, for bare ids stand in both parts of the published split.
        keypoints: Joints, (18, 2) in the annotation frame; -1 marks a missing one.
        frame: Height and width of the annotation frame.
    """

    name: str
    file: str
    identity: str
    person: str
    keypoints: Array
    frame: tuple[int, int]

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.file)  # made on demand: 50,000 of them would be a third of the time that an index takes

    def keypoints_at(self, size: tuple[int, int]) -> Array:
        """Keypoints in pixels of an image of ``size`` (height, width)."""
        if left := self.border(size):
            shifted = rescale(self.keypoints, self.frame, (size[0], size[1] - 2 * left))
            return np.where(visible(shifted)[:, None], shifted + np.array([left, 0]), MISSING)
        return rescale(self.keypoints, self.frame, size)

    def border(self, size: tuple[int, int]) -> int:
        """Columns on either side of an image of ``size`` that the frame leaves out.

        DeepFashion's low-resolution pictures are square, 256×256, and white beside the 256×176 that the field crops
        them to; a picture of any other shape is the frame at another scale.
        """
        height, width = self.frame
        return (height - width) // 2 if size == (height, height) else 0


@dataclass(frozen=True)
class Scenario:
    """A test case: bring the person of the sources into the pose of the target. The sources exclude the target."""

    target: str
    source: str
    sources: tuple[str, ...]


class Name(NamedTuple):
    """An image's name, understood.

    Attributes:
        name: The image's name in the index; all spellings of one image have the same.
        identity: The person it shows, and in DeepFashion in which garment.
        person: The person as splits tell people apart; in DeepFashion a piece of clothing, in all its colours.
        path: Where the layout's originals keep it, relative to the root.
    """

    name: str
    identity: str
    person: str
    path: str


class Listed(NamedTuple):
    """An image, and its row in the list that names it."""

    image: Name
    row: int
