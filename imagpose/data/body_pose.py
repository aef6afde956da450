"""A pose by itself: keypoints with the frame they are in, as users keep it in a JSON file."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from imagpose.data.images import resize, same_shape, to_tensor, to_uint8
from imagpose.data.keypoints import JOINTS, MISSING, draw_pose, rescale, visible
from imagpose.data.pose_forms import Poses, read_form
from imagpose.data.text import parse_json
from imagpose.errors import InputError, InputWarning
from imagpose.output.files import whole_file

Array = np.ndarray
FORM = (
    '{"size": [height, width], "keypoints": [[x, y] or null] × 18} in OpenPose\'s order, OpenPose\'s own JSON, or '
    "COCO's keypoints"
)
LONGEST_SIDE = 2**15  # pixels of a frame
_FARTHEST = 2  # frames from the frame; what lies beyond is no joint that left the picture
_NO_DOT = 16  # pixels; in a frame of that size nobody is two pixels tall


@dataclass(frozen=True, eq=False)
class BodyPose:
    """Keypoints of one person.

    Attributes:
        size: Height and width in pixels of the frame that the keypoints are in.
        keypoints: Joints in OpenPose's order, (18, 2), x then y; -1 marks a missing one.
    """

    size: tuple[int, int]
    keypoints: Array

    @staticmethod
    def read(path: Path | str, size: tuple[int, int] | None = None) -> BodyPose:
        """Read a pose file in any form that :func:`imagpose.data.pose_forms.read_form` understands.

        Of several people the largest is taken, and joints outside the frame are taken as missing, each with an
        :class:`InputWarning`. Numbers from 0 to 1 are relative to the frame; where a joint is outside of it some may be
        more, up to 2, which is warned of.

        Args:
            path: The JSON file.
            size: Height and width of the picture that the keypoints are of, for files that do not say it.

        Raises:
            InputError: The file is missing or of another form, its size is unknown, no joint is visible, or the numbers
                cannot be x and y of that frame.
        """
        said, people = _parse(Path(path))
        if (size := said or size) is None:
            raise InputError(f"{path} does not say the size of its frame; add --pose_size HEIGHTxWIDTH.")
        height, width = size
        if not (1 <= height <= LONGEST_SIDE and 1 <= width <= LONGEST_SIDE):
            raise InputError(f"{path} says a frame of {height}×{width}; its sides must be 1 to {LONGEST_SIDE} pixels.")
        people = [points for points in people if visible(points).any()]
        if not people:
            raise InputError(f"{path} has no visible joint in its {height}×{width} frame; a pose needs at least one.")
        if len(people) > 1:
            _warn(f"{path} holds {len(people)} people; the largest is taken.")
        points = max(people, key=extent)
        if points.max() <= 1 < min(size) or (points.max() <= _FARTHEST and min(size) >= _NO_DOT):
            if points.max() > 1:
                _warn(f"{path}: no number is above {points.max():g}, so they are taken as relative to the frame.")
            points = np.where(visible(points)[:, None], points * (width, height), MISSING)
        return BodyPose(size, _inside(points, size, path))

    def form(self) -> dict[str, Any]:
        """The content of a pose file in our form: the frame, and each joint to a hundredth of a pixel, or None."""
        joints = [
            [round(float(x), 2), round(float(y), 2)] if found else None
            for (x, y), found in zip(self.keypoints, visible(self.keypoints), strict=True)
        ]
        return {"size": list(self.size), "keypoints": joints}

    def write(self, path: Path) -> None:
        """Write a file that :meth:`read` reads."""
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(self.form()) + "\n", encoding="utf-8")

    def map(self, size: tuple[int, int]) -> Tensor:
        """The pose map of an image that :func:`fit` brought to ``size``, (3, H, W) in [0, 1]."""
        return torch.from_numpy(draw_pose(self.fitted(size).keypoints, size)).permute(2, 0, 1)

    def fitted(self, size: tuple[int, int]) -> BodyPose:
        """The same in the pixels of an image that :func:`fit` brought to ``size``, a (height, width)."""
        (vertical, horizontal), top, left = _placement(self.size, size)
        points = (self.keypoints + 0.5) * (horizontal, vertical) - 0.5 + (left, top)
        return BodyPose(size, np.where(visible(self.keypoints)[:, None], points.clip(min=0), MISSING))

    def picture(self, size: tuple[int, int]) -> Image.Image:
        """The pose map as a picture of a size (height, width)."""
        return Image.fromarray(to_uint8(self.map(size) * 2 - 1))

    def at(self, size: tuple[int, int]) -> BodyPose:
        """The same in a frame of another (height, width)."""
        return self if size == self.size else BodyPose(size, rescale(self.keypoints, self.size, size))

    def belongs_to(self, size: tuple[int, int]) -> bool:
        """Whether the frame is that of a picture of (height, width), or that at another scale."""
        height, width = self.size
        return abs(width * size[0] - height * size[1]) <= max(width, height, *size)

    def check_belongs(self, size: tuple[int, int], path: Path, picture: Path) -> None:
        """Refuse a pose whose frame is not the picture's.

        Args:
            size: (height, width) of the picture.
            path: The pose's file.
            picture: The picture's.

        Raises:
            InputError: See :meth:`belongs_to`.
        """
        if not self.belongs_to(size):
            raise InputError(
                f"{path} says a frame of {self.size[0]}×{self.size[1]} and its picture {picture} is "
                f"{size[0]}×{size[1]}; give the pose of this picture, in its own pixels."
            )


def _parse(path: Path) -> Poses:
    try:
        found = parse_json(path)
    except FileNotFoundError as error:
        raise InputError(f"There is no pose file {path}.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path} cannot be read as JSON ({reason}); a pose file is {FORM}.") from error
    try:
        poses = read_form(found)
        if not poses.people:
            raise ValueError("it holds nobody")
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError) as error:
        raise InputError(f"{path} is no pose file ({error}), which is {FORM}.") from error
    return poses


def extent(points: Array) -> float:
    """The area of the box around joints, (18, 2) in pixels; a little of it for a figure of one line."""
    found = points[visible(points)]
    return float(np.prod(np.ptp(found, axis=0) + 1e-6))


def _inside(points: Array, size: tuple[int, int], path: Path | str) -> Array:
    """The joints within the frame; the others become missing.

    Raises:
        InputError: They would be if x and y were swapped, most are not, or one is too far away to be meant.
    """
    height, width = size
    found = visible(points)
    out = found & (points >= (width, height)).any(axis=1)
    if not out.any():
        return points
    first = JOINTS[int(out.argmax())]
    place = f"{first} at x {points[out.argmax(), 0]:g}, y {points[out.argmax(), 1]:g}"
    if (points[found] < (height, width)).all():
        raise InputError(
            f"{path} has {place}, outside its {height}×{width} frame, and would fit with one pair turned round: a "
            "joint is [x, y] and the size [height, width]."
        )
    if 2 * out.sum() > found.sum():
        inside = "no visible joint" if (out == found).all() else "only few of its joints"
        raise InputError(
            f"{path} has {inside} in its {height}×{width} frame, but {place}; the size must be that of the picture "
            "that the keypoints are of."
        )
    if (points > (_FARTHEST * width, _FARTHEST * height)).any():
        raise InputError(f"{path} has {place}, far outside its {height}×{width} frame; correct the number.")
    names = ", ".join(name for name, outside in zip(JOINTS, out, strict=True) if outside)
    _warn(f"{path}: outside its {height}×{width} frame and taken as missing: {names}.")
    return np.where(out[:, None], MISSING, points)


def _warn(sentence: str) -> None:
    warnings.warn(sentence, InputWarning, stacklevel=3)


def _placement(size: tuple[int, int], into: tuple[int, int]) -> tuple[tuple[float, float], int, int]:
    """Vertical and horizontal scale, top and left at which a whole frame lies in another: one of its shape fills it, as
    in training, any other is centred."""
    factors = into[0] / size[0], into[1] / size[1]
    if same_shape(size, into):
        return factors, 0, 0
    factor = min(factors)
    return (factor, factor), (into[0] - round(size[0] * factor)) // 2, (into[1] - round(size[1] * factor)) // 2


def fit(image: Image.Image, size: tuple[int, int]) -> Tensor:
    """Bring a picture to (height, width).

    One of about that shape, as DeepFashion's 1101×750 is of about 256×176, is resized just as training does it; one of
    another shape is scaled as a whole, its edges repeated beside it.

    Returns:
        (3, H, W) in [-1, 1].
    """
    (vertical, horizontal), top, left = _placement((image.height, image.width), size)
    height, width = max(round(image.height * vertical), 1), max(round(image.width * horizontal), 1)
    beside = (left, size[1] - width - left, top, size[0] - height - top)
    return F.pad(to_tensor(resize(image.convert("RGB"), (height, width)))[None], beside, mode="replicate")[0]
