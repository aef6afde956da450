"""Which layout a dataset folder has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.readers.index import Index
from imagpose.data.readers.market1501 import Market1501
from imagpose.data.readers.records import Name
from imagpose.errors import InputError

LAYOUTS: dict[str, type[Index]] = {
    "deepfashion": DeepFashion,
    "market1501": Market1501,
}
"""The readers by the name of their layout, as the option ``data.layout`` says it; the first is the default."""

if TYPE_CHECKING:
    LayoutName = str
else:
    LayoutName = Literal[tuple(LAYOUTS)]


def parse_name(text: str) -> Name | None:
    """Understand an image's name of any dataset, in any spelling; None where it is none."""
    return next((name for reader in LAYOUTS.values() if (name := reader.parse(text)) is not None), None)


def open_index(root: Path, layout: LayoutName | None = None) -> Index:
    """Index a dataset folder.

    Args:
        root: The folder.
        layout: The folder's layout; None tells it by the folders in it, see :attr:`Index.folders`.

    Raises:
        InputError: It might be of several layouts, or is malformed.
    """
    if layout is not None:
        return LAYOUTS[layout](root)
    fitting = [reader for reader in LAYOUTS.values() if any((root / folder).is_dir() for folder in reader.folders)]
    if len(fitting) > 1:
        titles = " and of ".join(reader.title for reader in fitting)
        raise InputError(f"{root} holds folders of {titles}; say which by the option layout.")
    reader = fitting[0] if fitting else next(iter(LAYOUTS.values()))
    return reader(root)
