"""Decoding one image under a pixel limit; kept apart from what imports much, so that worker processes start quickly."""

from __future__ import annotations

import warnings
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from imagpose.data.findings import Kind

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")  # no decoder is tried that a dataset of photographs does not need
LARGEST = 2**25  # pixels, 100 MB when decoded; forty times DeepFashion's largest pictures


class Inspected(NamedTuple):
    """What was seen of an image: its (height, width), or what is wrong with it."""

    size: tuple[int, int] | None
    kind: Kind | None = None
    detail: str = ""


def inspect(path: str) -> Inspected:
    """Decode an image to its end."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > LARGEST:
                    detail = f"{image.height}×{image.width}, more than {LARGEST:,} pixels"
                    return Inspected(None, Kind.TOO_LARGE, detail)
                image.load()
                return Inspected((image.height, image.width))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Inspected(None, Kind.TOO_LARGE, f"more than {LARGEST:,} pixels")
    except UnidentifiedImageError:
        return Inspected(None, Kind.UNREADABLE, f"it is none of {', '.join(FORMATS)}")
    except Exception as error:  # a damaged file makes decoders raise whatever they happen to; it is told with the image
        return Inspected(None, Kind.UNREADABLE, " ".join(f"{type(error).__name__}: {error}".split()))
