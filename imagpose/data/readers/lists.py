"""Lists under other names than the published ones."""

from __future__ import annotations

import os
from pathlib import Path

_SPLITS = ("train", "test")


def spelt_otherwise(root: Path, split: str, what: str, endings: tuple[str, ...]) -> list[Path]:
    """Files right in a folder whose names tell a split and what they hold, in alphabetical order.

    Args:
        root: The dataset folder.
        split: ``train`` or ``test``; names that hold both are left out.
        what: A word of the name, in small letters, such as ``pair``.
        endings: How the names end, in small letters, such as ``.csv``.
    """
    (other,) = set(_SPLITS) - {split}
    return [
        root / name
        for name in sorted(os.listdir(root))
        if (low := name.lower()).endswith(endings) and what in low and split in low and other not in low
    ]
