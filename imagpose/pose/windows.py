"""Square windows of a picture: what the network looks at, and where its pixels lie in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imagpose.pose.network import WINDOW

Array = np.ndarray


@dataclass(frozen=True)
class Window:
    """A square of a picture, which may reach beyond it.

    Attributes:
        left: x of its left edge, in pixels of the picture; the first pixel's left edge is 0.
        top: y of its upper edge.
        side: In pixels of the picture.
    """

    left: float
    top: float
    side: float

    @staticmethod
    def of_whole(picture: Image.Image) -> Window:
        """The smallest one that holds a picture, which is in its middle."""
        side = float(max(picture.size))
        return Window((picture.width - side) / 2, (picture.height - side) / 2, side)

    @staticmethod
    def around(left: float, top: float, right: float, bottom: float, margin: float) -> Window:
        """The one around the middle of a box, its side longer than the box's longer one by a factor."""
        side = max(right - left, bottom - top, 1.0) * margin
        return Window((left + right - side) / 2, (top + bottom - side) / 2, side)

    def cut(self, picture: Image.Image) -> Tensor:
        """What is seen, (3, 64, 64) in [-1, 1], 0 beyond the picture."""
        box = (self.left, self.top, self.left + self.side, self.top + self.side)
        inside = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], picture.width), min(box[3], picture.height))
        seen = torch.zeros(3, WINDOW, WINDOW)
        scale = WINDOW / self.side
        x0, y0 = round((inside[0] - self.left) * scale), round((inside[1] - self.top) * scale)
        x1, y1 = round((inside[2] - self.left) * scale), round((inside[3] - self.top) * scale)
        if x1 <= x0 or y1 <= y0:
            return seen
        part = picture.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box=inside)
        seen[:, y0:y1, x0:x1] = torch.from_numpy(np.array(part.convert("RGB"))).permute(2, 0, 1) / 127.5 - 1
        return seen

    def to_picture(self, points: Array) -> Array:
        """x and y of pixels of the window as those of the picture, (..., 2)."""
        scaled: Array = (points + 0.5) * (self.side / WINDOW) - 0.5 + (self.left, self.top)
        return scaled
