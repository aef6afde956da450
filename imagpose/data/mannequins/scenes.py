"""What six cameras make of a mannequin: place, light, colour cast, blur, and boxes as a detector draws them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from imagpose.data.keypoints import MISSING, visible
from imagpose.data.mannequins.drawing import busy_backdrop, draw
from imagpose.data.mannequins.people import Person, draw_joint_angles

Array = np.ndarray
_FINE = 2  # pixels a side that are drawn for one, so that the figure's edge blends into the place
_WIDE = 0.76  # width of the drawing, in heights: whatever a box can show
_PLACE_HEIGHTS = 3  # width of a camera's place, in heights of a box


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes:
        azimuths: From which people are seen, in degrees; one of them, with the other way round now and then.
        elevation: How much from above, in degrees.
        gain: What it makes of the three colours of white.
        gamma: Of its response; above 1 is darker.
        saturation: 1 keeps the colours, 0 is grey.
        blur: Deviation in pixels of a box 64 high.
        noise: Deviation in 0-255.
        place: Seed of its wall, floor and what stands there.
    """

    azimuths: tuple[float, ...]
    elevation: float
    gain: tuple[float, float, float]
    gamma: float
    saturation: float
    blur: float
    noise: float
    place: int


CAMERAS = (
    Camera((0, 20), 4, (1.0, 1.0, 0.98), 1.0, 0.9, 0.3, 3, 1),
    Camera((180, 160), 8, (0.78, 0.85, 1.05), 1.3, 0.75, 0.5, 5, 2),
    Camera((90, 60), 12, (1.12, 0.98, 0.72), 0.9, 0.85, 0.4, 4, 3),
    Camera((-90, -120), 6, (0.6, 0.66, 0.6), 1.15, 0.6, 0.7, 7, 4),
    Camera((30, -30), 16, (1.2, 1.15, 1.05), 0.75, 0.65, 0.6, 4, 5),
    Camera((135, -45), 10, (0.72, 0.92, 0.78), 1.1, 0.5, 0.9, 6, 6),
)
"""Six, as Market-1501 has; what they see of one person differs more than two people do for one of them."""
_OTHER_WAY, _OCCLUDED, _FEET_CUT = 0.25, 0.25, 0.3


def photograph(
    person: Person, camera: Camera, rng: np.random.Generator, size: tuple[int, int], cut: bool = False
) -> tuple[Array, Array]:
    """Somebody before a camera, in a box.

    Args:
        person: Body and clothes.
        camera: Which camera.
        rng: Draws the pose, the place and the box.
        size: Height and width of the box in pixels.
        cut: Whether the box misses most of the person, as junk does.

    Returns:
        The picture, (H, W, 3) of bytes, and its keypoints, (18, 2) in its pixels: -1 where a joint is hidden, behind
        an occluder or out of the box.
    """
    height, width = size[0] * _FINE, size[1] * _FINE
    turn = 180 if rng.random() < _OTHER_WAY else 0
    pose = draw_joint_angles(rng, float(rng.choice(camera.azimuths)) + turn)
    pose = replace(pose, elevation=camera.elevation + float(rng.uniform(-2, 2)))
    # The figure's height in the box, and where it stands: a detector's boxes are loose, tight or shifted.
    scale = float(rng.uniform(0.82, 1.06))
    tall = round(height * scale)
    drawing = draw(person, pose, (tall, round(tall * _WIDE)))
    top = (height - tall) / 2 + height * rng.uniform(-0.05, 0.05)
    left = (width - drawing.image.shape[1]) / 2 + width * rng.uniform(-0.14, 0.14)
    if rng.random() < _FEET_CUT:
        top += height * rng.uniform(0.06, 0.18)
    if cut:
        top += height * rng.choice([-1, 1]) * rng.uniform(0.45, 0.7)
        left += width * rng.choice([-1, 1]) * rng.uniform(0.2, 0.6)
    top, left = round(top), round(left)
    picture = _place(camera, rng, (height, width))
    keypoints = np.where(visible(drawing.keypoints)[:, None], drawing.keypoints + np.array([left, top]), MISSING)
    _paste(picture, drawing.image, drawing.silhouette, top, left)
    if rng.random() < _OCCLUDED:
        box = _occlude(picture, rng)
        keypoints[_inside(keypoints, box)] = MISSING
    keypoints[~_inside(keypoints, (0, 0, height, width))] = MISSING
    found = (keypoints + 0.5) / _FINE - 0.5
    return _seen(picture, camera, rng, size), np.where(visible(keypoints)[:, None], found.clip(min=0), MISSING)


def background_box(camera: Camera, rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """A camera's place with nobody in it, (H, W, 3) of bytes; arguments as of :func:`photograph`."""
    return _seen(_place(camera, rng, (size[0] * _FINE, size[1] * _FINE)), camera, rng, size)


def _place(camera: Camera, rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """A part of a camera's place, wherever somebody walks."""
    height, width = size
    whole = busy_backdrop(height, _PLACE_HEIGHTS * height, np.random.default_rng([camera.place, 34]))
    left = int(rng.integers(whole.shape[1] - width + 1))
    return whole[:, left : left + width].copy()


def _paste(picture: Array, figure: Array, covers: Array, top: int, left: int) -> None:
    """Put a figure into a picture; what lies outside is cut off."""
    height, width = picture.shape[:2]
    rows = slice(max(top, 0), min(top + figure.shape[0], height))
    columns = slice(max(left, 0), min(left + figure.shape[1], width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    picture[rows, columns] = np.where(covers[part][..., None], figure[part], picture[rows, columns])


def _occlude(picture: Array, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Put something before the person: a post at a side, or a thing before the legs; returns its box."""
    height, width = picture.shape[:2]
    if rng.random() < 0.5:
        across = int(width * rng.uniform(0.12, 0.3))
        left = int(rng.integers(width - across))
        box = (0, left, height, left + across)
    else:
        box = (int(height * rng.uniform(0.55, 0.8)), 0, height, int(width * rng.uniform(0.6, 1)))
    picture[box[0] : box[2], box[1] : box[3]] = rng.uniform(30, 220, 3)
    return box


def _inside(keypoints: Array, box: tuple[int, int, int, int]) -> Array:
    top, left, bottom, right = box
    x, y = keypoints.T
    return visible(keypoints) & (x >= left) & (x < right - 0.5) & (y >= top) & (y < bottom - 0.5)


def _seen(picture: Array, camera: Camera, rng: np.random.Generator, size: tuple[int, int]) -> Array:
    """What the camera makes of a picture drawn finely."""
    pooled = picture.reshape(size[0], _FINE, size[1], _FINE, 3).mean((1, 3)) / 255
    start, end = rng.uniform(0.85, 1.1, 2)
    light = rng.uniform(0.8, 1.15) * np.linspace(start, end, size[1])[None, :, None]
    grey = pooled.mean(-1, keepdims=True)
    coloured = (grey + camera.saturation * (pooled - grey)) * light * np.array(camera.gain)
    response = coloured.clip(0, 1) ** camera.gamma
    blurred = gaussian_filter(response, (camera.blur * size[0] / 64,) * 2 + (0,))
    noisy = blurred * 255 + rng.normal(0, camera.noise, blurred.shape)
    return noisy.round().clip(0, 255).astype(np.uint8)
