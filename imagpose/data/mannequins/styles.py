"""How a mannequin is drawn once its surfaces are known: as a photograph, a cartoon or a pencil sketch.

A style changes how things look and how large the head is; who stands how, and where the patterns lie, it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import binary_dilation

Array = np.ndarray
Style = Literal["photograph", "cartoon", "sketch"]
FIRST_STYLE: Style = "photograph"
"""Of sets that say none."""

_NOTHING = -10.0  # depth of the background, in body units: behind everybody
_FOLD = 0.05  # body units between two surfaces that a line parts
_INK, _PENCIL, _PAPER = np.array([26.0, 22, 34]), np.array([58.0, 56, 62]), np.array([246.0, 242, 230])
_TONES = 0.5  # of the paper's white that black cloth takes in pencil
_LUMINANCE = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Layers:
    """What is seen at each sample of a picture.

    Attributes:
        paint: Colours without light, (H, W, 3) in 0–255, of the backdrop where there is no figure.
        light: How much falls there, (H, W) in [0, 1]; 1 on the backdrop.
        figure: Where there is a figure at all, (H, W) booleans.
        lines: Where the outline is drawn, (H, W) booleans.
    """

    paint: Array
    light: Array
    figure: Array
    lines: Array


def _photograph(seen: Layers) -> Array:
    return seen.paint * seen.light[..., None]


def _cartoon(seen: Layers) -> Array:
    """Two flat shades and an outline."""
    flat = seen.paint * np.where(seen.light > 0.7, 1.0, 0.84)[..., None]
    return np.where(seen.lines[..., None], _INK, flat)


def _sketch(seen: Layers) -> Array:
    """Pencil lines around shapes and patterns on paper, and a light tone for what is dark."""
    darkness = 1 - seen.paint @ _LUMINANCE / 255
    tone = _PAPER * (1 - _TONES * np.where(seen.figure, darkness, darkness / 2 - 0.05).clip(0, 1))[..., None]
    drawn = seen.lines | _grown(_jumps(seen.paint @ _LUMINANCE, 24.0) & seen.figure, 1 / 250)
    return np.where(drawn[..., None], _PENCIL, tone)


def outline(depth: Array, width: float) -> Array:
    """Where one thing stands before another, (H, W) booleans.

    Args:
        depth: Height of the surface towards the viewer in body units, (H, W); -inf where there is none.
        width: Of the pen, a share of the picture's height; 0 draws nothing.
    """
    if not width:
        return np.zeros(depth.shape, dtype=bool)
    return _grown(_jumps(np.maximum(depth, _NOTHING), _FOLD), width)


def _jumps(values: Array, least: float) -> Array:
    """Samples whose right or lower neighbour differs by more, (H, W) booleans."""
    found = np.zeros(values.shape, dtype=bool)
    found[:, :-1] |= np.abs(np.diff(values, axis=1)) > least
    found[:-1] |= np.abs(np.diff(values, axis=0)) > least
    return found


def _grown(lines: Array, width: float) -> Array:
    """Lines of one sample, drawn with a round pen."""
    radius = width * len(lines) / 2 + 0.5
    reach = np.arange(-int(radius), int(radius) + 1)
    return binary_dilation(lines, np.hypot(*np.meshgrid(reach, reach)) <= radius)


@dataclass(frozen=True)
class Look:
    """What makes a style.

    Attributes:
        render: Colours of every sample, (H, W, 3) in 0–255.
        backdrop: RGB in 0–255, where the background is plain.
        pen: Width of the outline, a share of the picture's height; 0 is none.
        head: Size of the head, 1 is the body's own.
        eyes: Whether the face has any.
    """

    render: Callable[[Layers], Array]
    backdrop: tuple[int, int, int]
    pen: float = 0.0
    head: float = 1.0
    eyes: bool = False


LOOKS: dict[Style, Look] = {
    "photograph": Look(_photograph, (237, 237, 237)),
    "cartoon": Look(_cartoon, (196, 226, 240), pen=1 / 110, head=1.55, eyes=True),
    "sketch": Look(_sketch, (255, 255, 255), pen=1 / 150),
}
"""The styles by name."""
