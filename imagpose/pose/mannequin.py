"""A detector of our own that knows the embedded mannequins: it ships, and needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.ops import nms

from imagpose.data.keypoints import FLIP_ORDER
from imagpose.data.pose_detector import Found, box_of, found, largest_first
from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.pose.network import CELL, WINDOW, PoseNetwork, places
from imagpose.pose.windows import Window

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

    At a figure it looks as it is and in the mirror, and takes the mean of both.

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
        people = self._people(picture, self._figures(picture))
        return _each_once(largest_first(self._people(picture, [box_of(one.pose) for one in people])))

    def _figures(self, picture: Image.Image) -> list[Box]:
        """Boxes of what may be figures in the whole picture, the surest first."""
        window = Window.of_whole(picture)
        seen = self.network(window.cut(picture)[None].to(self.network.device))
        sure = seen.centres.sigmoid()
        peaks = sure * (sure == F.max_pool2d(sure[None], 3, 1, 1)[0])
        scores, cells = peaks.flatten().topk(_MOST)
        sides = seen.sides[0].flatten(1).clamp(max=0.5).exp().cpu().numpy() * window.side
        cell = window.side * CELL / WINDOW
        boxes = []
        for at in cells[scores >= _SURE].tolist():
            row, column = divmod(at, peaks.shape[-1])
            x, y = window.left + (column + 0.5) * cell, window.top + (row + 0.5) * cell
            height, width = sides[:, at]
            boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
        return boxes

    def _people(self, picture: Image.Image, boxes: Sequence[Box]) -> list[Found]:
        """The figure in the middle of each box; fewer where there is none."""
        if not boxes:
            return []
        windows = [Window.around(*box, MARGIN) for box in boxes]
        cut = torch.stack([window.cut(picture) for window in windows]).to(self.network.device)
        seen, mirrored = self.network(cut), self.network(cut.flip(-1))  # left and right are told apart best by both
        order = list(FLIP_ORDER)
        at = places((seen.joints + mirrored.joints[:, order].flip(-1)) / 2).cpu().numpy()
        sure = ((seen.visible + mirrored.visible[:, order]) / 2).sigmoid().cpu().numpy()
        size = (picture.height, picture.width)
        people = (
            found(window.to_picture(points), scores, size, _SURE)
            for window, points, scores in zip(windows, at, sure, strict=True)
        )
        return [one for one in people if one is not None]


def _each_once(people: Sequence[Found]) -> list[Found]:
    """People, the largest first, less those that lie over a larger one."""
    if not people:
        return []
    boxes = torch.tensor([box_of(one.pose) for one in people], dtype=torch.float64)
    largest_first = -torch.arange(len(people), dtype=torch.float64)
    return [people[i] for i in nms(boxes, largest_first, _OVERLAP).tolist()]
