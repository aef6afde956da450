"""Panels ⇄ canvas: the only file that knows how V panels become one canvas and back (Sec. 3.3, Fig. 3).

Nothing in the network depends on V, which is four in the paper: the grid follows from how many panels come.

``(B, V, C, h, w)``, "views", is the form everywhere else; the canvas exists only around the UNet.
"""

from __future__ import annotations

from math import isqrt

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

Grid = tuple[int, int]
"""Rows and columns of panels."""


def grid_of(panels: int) -> Grid:
    """The most nearly square grid of V panels, no higher than wide: 1×2, 2×2, 2×3, 3×3, 4×4.

    Args:
        panels: V, at least 1.
    """
    rows = next(rows for rows in range(isqrt(panels), 0, -1) if panels % rows == 0)
    return rows, panels // rows


def tile(views: Tensor, rows: int, cols: int) -> Tensor:
    """Lay V = rows·cols panels out as one canvas, row by row.

    Args:
        views: Panels of one size, (B, V, C, h, w).

    Returns:
        Canvas, (B, C, rows·h, cols·w). ``split`` is its inverse.

    Raises:
        ValueError: V is not rows·cols.
    """
    if views.shape[1] != rows * cols:
        raise ValueError(f"{views.shape[1]} panels do not fill {rows} rows of {cols}")
    return rearrange(views, "b (r k) c h w -> b c (r h) (k w)", r=rows, k=cols)


def split(canvas: Tensor, rows: int, cols: int) -> Tensor:
    """Cut a canvas into its panels, row by row; the inverse of ``tile``.

    Args:
        canvas: The canvas, (B, C, rows·h, cols·w).

    Returns:
        Views, (B, rows·cols, C, h, w).

    Raises:
        ValueError: The canvas does not divide evenly into rows and columns.
    """
    if canvas.shape[-2] % rows or canvas.shape[-1] % cols:
        raise ValueError(f"a {canvas.shape[-2]}×{canvas.shape[-1]} canvas does not split into {rows}×{cols} panels")
    return rearrange(canvas, "b c (r h) (k w) -> b (r k) c h w", r=rows, k=cols)


def pad(images: Tensor, multiple: int, mode: str = "replicate") -> Tensor:
    """Grow images, centred, to the next multiple in height and width: padded, never resampled.

    Assumption: the paper does not say how 256×176 enters SD (a panel must be a multiple of 64); the alternative,
    resizing, would put interpolation between the model and its metrics.

    Args:
        images: Images, (..., C, H, W).
        multiple: Number of pixels; every panel must split evenly at every level of the UNet.
        mode: ``replicate`` repeats the edge (pictures), ``constant`` adds zeros (pose maps).
    """
    height, width = images.shape[-2:]
    down, across = -height % multiple, -width % multiple
    if not down and not across:
        return images
    flat = images.reshape(-1, *images.shape[-3:])
    flat = F.pad(flat, (across // 2, across - across // 2, down // 2, down - down // 2), mode=mode)
    return flat.reshape(*images.shape[:-2], *flat.shape[-2:])


def crop(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Undo :func:`pad`.

    Args:
        images: Padded images, (..., H, W).
        size: Height and width before padding.
    """
    top, left = (images.shape[-2] - size[0]) // 2, (images.shape[-1] - size[1]) // 2
    return images[..., top : top + size[0], left : left + size[1]]
