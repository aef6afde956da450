"""Image files → tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imagpose.data.pictures import read_picture
from imagpose.data.readers.index import ImageRecord

RESAMPLING = Image.Resampling.BICUBIC
"""How every picture is brought to the network's size, in training, test and generation.

Pillow's antialiased bicubic filter, which evaluators bring the truth to its size with.
"""


_SAME_SHAPE = 0.05


def read_image(path: Path) -> Tensor:
    """Read an image of a dataset as (3, H, W) in [-1, 1].

    Raises:
        InputError: The file is missing or no image, see :func:`imagpose.data.pictures.read_picture`.
    """
    return to_tensor(read_picture(path))


def open_view(record: ImageRecord, root: Path | None = None) -> Image.Image:
    """A view's picture, as training, test, generation and sheets show it.

    Where it is one of DeepFashion's low-resolution ones, 256×256 with white beside the person, its middle 176 columns
    are taken, as the field does.

    Args:
        record: The view.
        root: The dataset folder, which the file must not lie outside of; None where its links were looked at before.

    Raises:
        InputError: The file is missing, out of the root or no image.
    """
    return show_view(record, read_picture(record.path, root))


def show_view(record: ImageRecord, image: Image.Image) -> Image.Image:
    """The part of a view's whole picture that :func:`open_view` returns."""
    if left := record.border((image.height, image.width)):
        return image.crop((left, 0, image.width - left, image.height))
    return image


def read_view(record: ImageRecord, size: tuple[int, int] | None) -> tuple[Tensor, np.ndarray]:
    """Read a view, see :func:`open_view`, and its keypoints.

    Args:
        record: The view.
        size: Height and width to resize to; None leaves the picture as it is.

    Returns:
        The image, (3, H, W) in [-1, 1], and its keypoints, (18, 2) in its own pixels; -1 marks a missing joint.

    Raises:
        InputError: The file is missing or no image.
    """
    image = open_view(record)
    if size is not None:
        image = resize(image, size)
    return to_tensor(image), record.keypoints_at((image.height, image.width))


def resize(image: Image.Image, size: tuple[int, int], resampling: Image.Resampling = RESAMPLING) -> Image.Image:
    """Bring a picture to (height, width); one of that size stays as it is."""
    return image if (image.height, image.width) == size else image.resize((size[1], size[0]), resampling)


def same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two (height, width) are about of one shape, as DeepFashion's 1101×750 and 256×176 are."""
    return abs(size[0] / size[1] / (other[0] / other[1]) - 1) <= _SAME_SHAPE


def to_tensor(image: Image.Image) -> Tensor:
    """A picture as (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 127.5 - 1


def to_uint8(images: Tensor) -> np.ndarray:
    """(..., 3, H, W) in [-1, 1] → (..., H, W, 3) uint8, rounded."""
    scaled = images.detach().float().clamp(-1, 1).add(1).mul(127.5).round()
    return scaled.movedim(-3, -1).to(torch.uint8).cpu().numpy()
