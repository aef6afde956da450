"""A detector of our own that knows the embedded mannequins: it ships, and needs no network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from imagpose.data.body_pose import BodyPose, extent
from imagpose.data.keypoints import MISSING, visible
from imagpose.data.pose_detector import Found
from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.pose.network import CELL, WINDOW, PoseNetwork, places
from imagpose.pose.windows import Window

Array = np.ndarray
Box = tuple[float, float, float, float]
NAME = "mannequin-pose"
MARGIN = 1.25
"""Side of the window around a figure, relative to the longer side of its keypoints' box."""
_FILE = "diffusion_pytorch_model.safetensors"
_MOST = 16  # people of a picture
_SURE = 0.4  # of a figure, and of a joint
_OVERLAP = 0.5  # of two boxes, beyond which they are of one figure


class MannequinDetector:
    """Looks at the whole picture for figures, then at each figure for its joints, and once more around these.

    Figures are found that are at least about an eighth as high as the picture's longer side.

    Args:
        network: Trained.
    """

    def __init__(self, network: PoseNetwork) -> None:
        self.network = network.eval()

    @staticmethod
    def load(device: str = "cpu", name: str = NAME) -> MannequinDetector:
        """The network of a weights folder.

        Args:
            device: Torch's name of a device.
            name: Of the folder, see :func:`imagpose.models.weights.places`.

        Raises:
            InputError: There is no such folder, or it is of something else.
        """
        folder = weights.find(name)
        config = weights.read_config(folder / "config.json")
        if config.get("_class_name") != PoseNetwork.__name__:
            raise InputError(f"{folder} is of {config.get('_class_name')!r} and no PoseNetwork; name another folder.")
        network = cast(PoseNetwork, PoseNetwork.from_config({k: v for k, v in config.items() if k[0] != "_"}))
        weights.load(network, folder / _FILE)
        return MannequinDetector(network.to(device))

    @torch.no_grad()
    def detect(self, picture: Image.Image) -> list[Found]:
        """Find everybody, see :class:`imagpose.data.pose_detector.PoseDetector`."""
        picture = picture.convert("RGB")
        boxes = self._figures(picture)
        windows = [Window.around(*box, MARGIN) for box, _ in boxes]
        found = self._joints(picture, windows)
        found = self._joints(picture, [Window.around(*_box(pose), MARGIN) for pose, _ in found if visible(pose).any()])
        size = (picture.height, picture.width)
        people = [Found(BodyPose(size, pose), sure) for pose, sure in found if visible(pose).any()]
        return _each_once(sorted(people, key=lambda one: extent(one.pose.keypoints), reverse=True))

    def _figures(self, picture: Image.Image) -> list[tuple[Box, float]]:
        """Boxes of figures in the whole picture, each with how sure it is, the surest first."""
        window = Window.of_whole(picture)
        seen = self.network(window.cut(picture)[None].to(self.network.device))
        sure = seen.centres.sigmoid()
        peaks = sure * (sure == F.max_pool2d(sure[None], 3, 1, 1)[0])
        scores, cells = peaks.flatten().topk(_MOST)
        sides = seen.sides[0].flatten(1).clamp(max=0.5).exp().cpu().numpy() * window.side
        cell = window.side * CELL / WINDOW
        columns = peaks.shape[-1]
        found = []
        for score, at in zip(scores.tolist(), cells.tolist(), strict=True):
            if score >= _SURE:
                x, y = window.left + (at % columns + 0.5) * cell, window.top + (at // columns + 0.5) * cell
                height, width = sides[:, at]
                found.append(((x - width / 2, y - height / 2, x + width / 2, y + height / 2), score))
        return found

    def _joints(self, picture: Image.Image, windows: Sequence[Window]) -> list[tuple[Array, float]]:
        """The joints of the figure in the middle of each window, (18, 2) in pixels of the picture, and how sure."""
        if not windows:
            return []
        seen = self.network(torch.stack([window.cut(picture) for window in windows]).to(self.network.device))
        at, sure = places(seen.joints).cpu().numpy(), seen.visible.sigmoid().cpu().numpy()
        found = []
        for window, points, scores in zip(windows, at, sure, strict=True):
            points = window.to_picture(points)
            inside = ((points > -0.5) & (points < (picture.width - 0.5, picture.height - 0.5))).all(-1)
            there = (scores >= _SURE) & inside
            points = np.where(there[:, None], points.clip(0, (picture.width - 1, picture.height - 1)), MISSING)
            found.append((points, float(scores[there].mean()) if there.any() else 0.0))
        return found


def _box(pose: Array) -> Box:
    """Around the joints: left, top, right, bottom, in pixels of the picture, the first pixel's edge being 0."""
    seen = pose[visible(pose)] + 0.5
    (left, top), (right, bottom) = seen.min(0).tolist(), seen.max(0).tolist()
    return left, top, right, bottom


def _each_once(people: Sequence[Found]) -> list[Found]:
    """People less those that lie over a larger one."""
    kept: list[Found] = []
    for one in people:
        if all(_overlap(_box(one.pose.keypoints), _box(other.pose.keypoints)) < _OVERLAP for other in kept):
            kept.append(one)
    return kept


def _overlap(one: Box, other: Box) -> float:
    """What two boxes have in common, relative to what they cover together."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = (math.prod((box[2] - box[0], box[3] - box[1])) for box in (one, other))
    return common / max(sum(areas) - common, 1e-6)
