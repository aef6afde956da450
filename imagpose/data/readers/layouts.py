"""Which layout a dataset folder has."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from imagpose.data.readers import deepfashion, market1501
from imagpose.data.readers.deepfashion import IMAGE_FOLDERS, DeepFashion
from imagpose.data.readers.index import Index
from imagpose.data.readers.market1501 import Market1501
from imagpose.data.readers.records import Name
from imagpose.errors import InputError

LayoutName = Literal["deepfashion", "market1501"]
_LAYOUTS: dict[LayoutName, type[Index]] = {"deepfashion": DeepFashion, "market1501": Market1501}


def parse_name(text: str) -> Name | None:
    """Understand an image's name of either dataset, in any spelling; None where it is none."""
    return deepfashion.parse_name(text) or market1501.parse_name(text)


def open_index(root: Path, layout: LayoutName | None = None) -> Index:
    """Index a dataset folder.

    Args:
        root: The folder.
        layout: The folder's layout; None tells it by the folders in it: Market-1501 has ``bounding_box_train``.

    Raises:
        InputError: It might be either layout, or is malformed.
    """
    if layout is None:
        market = (root / market1501.TRAIN_FOLDER).is_dir()
        if market and any((root / folder).is_dir() for folder in IMAGE_FOLDERS):
            raise InputError(f"{root} holds folders of DeepFashion and of Market-1501; say which by the option layout.")
        layout = "market1501" if market else "deepfashion"
    return _LAYOUTS[layout](root)
