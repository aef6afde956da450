"""What is missing or cut short in a folder of mannequins: told by the sizes that its manifest records.

A folder drawn by an earlier version records none; there only what is missing or empty is found.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, overload

from imagpose.data.readers.deepfashion import unflatten_name
from imagpose.data.readers.inspection import inspect
from imagpose.errors import InputError

MANIFEST = "mannequins.json"
PICTURES = "img_highres"
LISTS = (
    "train.lst", "test.lst", "fashion-annotation-train.csv", "fashion-annotation-test.csv", "fashion-pairs-train.csv",
    "fashion-pairs-test.csv", "test_scenarios.json",
)  # fmt: skip


@overload
def read_manifest(root: Path) -> dict[str, Any]: ...


@overload
def read_manifest(root: Path, begins: str) -> dict[str, Any] | None: ...


def read_manifest(root: Path, begins: str | None = None) -> dict[str, Any] | None:
    """What a folder of mannequins says of itself.

    Args:
        root: The folder.
        begins: What the manifest of a known set begins with.

    Returns:
        The manifest; None where it is cut short, and so begins: then the folder is the known set.

    Raises:
        InputError: It cannot be read.
    """
    path = root / MANIFEST
    try:
        content = path.read_bytes()
        manifest = json.loads(content)
        if not {"renderer", "spec", "images"} <= manifest.keys():
            raise ValueError("it lacks a part")
        records = manifest["images"].values(), manifest.get("lists", {}).values()
        if not all(isinstance(record, dict) for record in records[0]) or not all(type(n) is int for n in records[1]):
            raise ValueError("a part of it is of another type")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        if begins is not None and not isinstance(error, OSError) and content.startswith(begins.encode()):
            return None
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"{path} cannot be read ({reason}), so nobody knows what is drawn there; delete {root}, or name another "
            "folder."
        ) from error
    return manifest


def file_size(path: Path | str) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return os.stat(path).st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def damaged(root: Path, manifest: dict[str, Any], thoroughly: bool = False) -> list[str]:
    """Names of the pictures and lists that are missing or cut short.

    A picture of another size than the recorded one that can be decoded is somebody's own, and no damage.

    Args:
        root: The folder; 4,800 pictures take some tens of milliseconds.
        manifest: The folder's manifest.
        thoroughly: Trust no size: decode every picture, and name every list.
    """
    pictures = []
    for name, record in manifest["images"].items():
        path = f"{root}/{PICTURES}/{unflatten_name(name)}"
        size = file_size(path)
        if size == 0 or (size != (-1 if thoroughly else record.get("bytes", size)) and inspect(path).size is None):
            pictures.append(name)
    recorded = manifest.get("lists", {})
    return pictures + [name for name in LISTS if thoroughly or file_size(root / name) < recorded.get(name, 1)]


def is_part(path: Path, whole: bytes) -> bool:
    """Whether a file is missing, or holds nothing but the beginning of what it should."""
    return not path.exists() or whole.startswith(path.read_bytes())
