"""Looking at one image of a dataset; kept apart from what imports much, so that worker processes start quickly."""

from __future__ import annotations

from typing import NamedTuple

from imagpose.data.findings import Kind
from imagpose.data.pictures import PictureError, decode


class Inspected(NamedTuple):
    """What was seen of an image: its (height, width), or what is wrong with it."""

    size: tuple[int, int] | None
    kind: Kind | None = None
    detail: str = ""


def inspect(path: str) -> Inspected:
    """Decode an image to its end."""
    try:
        image = decode(path)
    except PictureError as error:
        return Inspected(None, error.kind, error.detail)
    return Inspected((image.height, image.width))
