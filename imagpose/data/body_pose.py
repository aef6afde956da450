"""A pose by itself: keypoints with the frame they are in, as users keep it in a JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from imagpose.data.images import to_tensor
from imagpose.data.keypoints import MISSING, NUM_JOINTS, draw_pose, visible
from imagpose.errors import InputError
from imagpose.files import whole_file

Array = np.ndarray
FORM = '{"size": [height, width], "keypoints": [[x, y] or null] × 18}, in OpenPose\'s order'


@dataclass(frozen=True, eq=False)
class BodyPose:
    """Keypoints of one person.

    Attributes:
        size: (height, width) in pixels of the frame that the keypoints are in.
        keypoints: (18, 2), x then y, OpenPose's order; -1 marks a missing joint.
    """

    size: tuple[int, int]
    keypoints: Array

    @staticmethod
    def read(path: Path | str) -> BodyPose:
        """Read ``{"size": [h, w], "keypoints": [[x, y] or null] × 18}``.

        Raises:
            InputError: The file is missing or of another form, or no joint is visible.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(f"There is no pose file {path}.") from error
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read as JSON ({error}); a pose file is {FORM}.") from error
        try:
            height, width = (int(side) for side in found["size"])
            points = np.array([[MISSING] * 2 if joint is None else joint for joint in found["keypoints"]], dtype=float)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{path} is no pose file, which is {FORM}.") from error
        if min(height, width) < 1 or points.shape != (NUM_JOINTS, 2) or not np.isfinite(points).all():
            raise InputError(f"{path} holds keypoints of shape {points.shape} in {height}×{width}; expected {FORM}.")
        points[(points < 0).any(axis=1)] = MISSING
        if not (visible(points) & (points < (width, height)).all(axis=1)).any():
            raise InputError(f"{path} has no visible joint in its {height}×{width} frame; a pose needs at least one.")
        return BodyPose((height, width), points)

    def write(self, path: Path) -> None:
        """Write a file that :meth:`read` reads."""
        joints = [
            None if missing else [round(float(x), 2), round(float(y), 2)]
            for (x, y), missing in zip(self.keypoints, ~visible(self.keypoints), strict=True)
        ]
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps({"size": list(self.size), "keypoints": joints}) + "\n", encoding="utf-8")

    def map(self, size: tuple[int, int]) -> Tensor:
        """The pose map of an image that :func:`fit` brought to ``size``, (3, H, W) in [0, 1]."""
        factor, top, left = _placement(self.size, size)
        points = (self.keypoints + 0.5) * factor - 0.5 + (left, top)
        points = np.where(visible(self.keypoints)[:, None], points.clip(min=0), MISSING)
        return torch.from_numpy(draw_pose(points, size)).permute(2, 0, 1)

    def belongs_to(self, image: Image.Image) -> bool:
        """Whether the frame is the image's, or the image's at another scale."""
        height, width = self.size
        return abs(width * image.height - height * image.width) <= max(width, image.width, height, image.height)


def _placement(size: tuple[int, int], into: tuple[int, int]) -> tuple[float, int, int]:
    """Scale, top and left at which a whole frame lies centred in another."""
    factor = min(into[0] / size[0], into[1] / size[1])
    return factor, (into[0] - round(size[0] * factor)) // 2, (into[1] - round(size[1] * factor)) // 2


def fit(image: Image.Image, size: tuple[int, int]) -> Tensor:
    """Bring a picture of any shape to (height, width): scaled as a whole, its edges repeated beside it.

    Returns:
        (3, H, W) in [-1, 1].
    """
    factor, top, left = _placement((image.height, image.width), size)
    height, width = max(round(image.height * factor), 1), max(round(image.width * factor), 1)
    image = image.convert("RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    beside = (left, size[1] - width - left, top, size[0] - height - top)
    return F.pad(to_tensor(image)[None], beside, mode="replicate")[0]
