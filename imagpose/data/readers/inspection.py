"""Looking at one image of a dataset; kept apart from what imports much, so that worker processes start quickly."""

from __future__ import annotations

from typing import NamedTuple

from imagpose.data.pictures import PictureError, decoded_size
from imagpose.data.readers.findings import Kind


class Inspected(NamedTuple):
    """What was seen of an image: its (height, width), or what is wrong with it."""

    size: tuple[int, int] | None
    kind: Kind | None = None
    detail: str = ""


def inspect(path: str) -> Inspected:
    """Decode an image to its end."""
    try:
        return Inspected(decoded_size(path))
    except PictureError as error:
        return Inspected(None, error.kind, error.detail)
