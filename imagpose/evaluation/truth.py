"""The dataset's own pictures, as generated ones are compared with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imagpose.data.images import open_view
from imagpose.data.pictures import read_picture
from imagpose.data.readers.index import Index


class Truth:
    """Reads the pictures of a dataset.

    Assumption: beside generated squares, which are squeezed, a dataset's 256×256 files are squeezed likewise and taken
    as they are; beside pictures of any other shape they are DeepFashion's low-resolution ones and lose their white
    borders, as in training. From the files alone the two cannot be told apart.

    Args:
        index: The dataset.
        cropped: Whether white borders are cut off.
    """

    def __init__(self, index: Index, cropped: bool) -> None:
        self.root, self.cropped = index.root, cropped
        self._records = {record.path: record for record in index.records.values()}

    def read(self, path: Path) -> np.ndarray:
        """A picture, (H, W, 3) uint8.

        Raises:
            InputError: It is missing, out of the dataset's folder or no image.
        """
        if self.cropped:
            return np.asarray(open_view(self._records[path], self.root))
        return np.asarray(read_picture(path, self.root))
