"""A small network that looks at a square window of a picture and finds figures, and the joints of the middle one."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from imagpose.data.keypoints import NUM_JOINTS

WINDOW = 64
"""Side of a window in pixels."""
CELL = 4
"""Side in pixels of what one number of a map stands for."""
_NEAR = 2  # cells around a peak whose weighted mean is the joint's place


class Seen(NamedTuple):
    """What the network says of windows.

    Attributes:
        joints: Where each joint of the figure in the middle is: a map of logits, (B, 18, h, w), whose softmax over the
            cells is a distribution.
        visible: Whether it is seen at all, logits, (B, 18).
        centres: Whether a figure's box has its middle in a cell, logits, (B, h, w).
        sides: The natural logarithm of that box's height and width, relative to the window, (B, 2, h, w).
    """

    joints: Tensor
    visible: Tensor
    centres: Tensor
    sides: Tensor


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class PoseNetwork(ModelMixin, ConfigMixin):
    """Down to four by four cells, where a look at one takes in the whole window, and up again to a map's sixteen.

    Args:
        channels: Of the window at a half, a quarter, an eighth and a sixteenth of its side.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, channels: tuple[int, int, int, int] = (24, 32, 64, 96)) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = channels
        self.fine = nn.Sequential(_block(3, half, 2), _block(half, quarter, 2), _block(quarter, quarter))
        self.middle = nn.Sequential(_block(quarter, eighth, 2), _block(eighth, eighth))
        self.coarse = nn.Sequential(_block(eighth, sixteenth, 2), _block(sixteenth, sixteenth))
        self.to_middle = nn.Conv2d(sixteenth, eighth, 1)
        self.to_fine = nn.Conv2d(eighth, quarter, 1)
        self.merge = _block(quarter, quarter)
        self.maps = nn.Conv2d(quarter, NUM_JOINTS + 3, 1)
        self.visibility = nn.Parameter(torch.zeros(NUM_JOINTS, quarter))
        self.visibility_bias = nn.Parameter(torch.zeros(NUM_JOINTS))

    def forward(self, windows: Tensor) -> Seen:
        """Look at windows, (B, 3, 64, 64) in [-1, 1], 0 where a window reaches beyond its picture."""
        fine = self.fine(windows)
        middle = self.middle(fine)
        middle = middle + F.interpolate(self.to_middle(self.coarse(middle)), size=middle.shape[-2:])
        features = self.merge(fine + F.interpolate(self.to_fine(middle), size=fine.shape[-2:]))
        joints, centres, sides = self.maps(features).split((NUM_JOINTS, 1, 2), dim=1)
        # A joint's visibility is read where the joint would be.
        attention = joints.flatten(2).softmax(-1)
        there = attention @ features.flatten(2).transpose(1, 2)
        visible = (there * self.visibility).sum(-1) + self.visibility_bias
        return Seen(joints, visible, centres[:, 0], sides)


def places(maps: Tensor) -> Tensor:
    """Where joints are by their maps: the mean of the cells around each peak, weighted by their probability.

    Args:
        maps: Logits, (B, 18, h, w).

    Returns:
        x and y in pixels of the window, (B, 18, 2).
    """
    height, width = maps.shape[-2:]
    weights = maps.flatten(2).softmax(-1)
    peak = weights.argmax(-1, keepdim=True)
    cells = torch.arange(height * width, device=maps.device)
    rows, columns = cells // width, cells % width
    near = ((rows - peak // width).abs() <= _NEAR) & ((columns - peak % width).abs() <= _NEAR)
    weights = weights * near
    weights = weights / weights.sum(-1, keepdim=True)
    at = torch.stack([(weights * columns).sum(-1), (weights * rows).sum(-1)], dim=-1)
    return (at + 0.5) * CELL - 0.5


def maps_of(at: Tensor, size: tuple[int, int], spread: float = 0.8) -> Tensor:
    """The distribution over cells that stands for a place: a Gaussian, the inverse of :func:`places`.

    Args:
        at: x and y in pixels of the window, (..., 2).
        size: Rows and columns of cells.
        spread: σ in cells.

    Returns:
        (..., h, w), each map of sum 1.
    """
    height, width = size
    cells = (at + 0.5) / CELL - 0.5
    x = torch.arange(width, device=at.device) - cells[..., :1]
    y = torch.arange(height, device=at.device) - cells[..., 1:]
    bell = torch.exp(-(y[..., :, None].square() + x[..., None, :].square()) / (2 * spread**2))
    return bell / bell.sum((-2, -1), keepdim=True).clamp(min=1e-12)
