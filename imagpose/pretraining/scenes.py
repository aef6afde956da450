"""Lays figures that are cut out of a plain background into scenes of any place, size, background and frame."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from imagpose.data.keypoints import FLIP_ORDER
from imagpose.pose.network import WINDOW

_FEWEST = 4  # joints in sight of a figure that can be found
_ALIKE, _APART = 0.1, 0.3  # difference in colour from the background, of 2: where a figure begins, and covers a pixel


class Scenes(NamedTuple):
    """A batch of windows, each with two figures at most.

    Attributes:
        windows: (B, 3, 64, 64) in [-1, 1], 0 beyond the picture.
        joints: The first figure's, x and y in pixels of the window, (B, 18, 2).
        visible: Which of them are seen, (B, 18).
        close: Windows with the first figure, or nobody, in the middle: those to learn joints from, (B,).
        boxes: Around the joints in sight of either figure, x, y of the middle, width and height, (B, 2, 4).
        present: Whether there is that figure, (B, 2).
    """

    windows: Tensor
    joints: Tensor
    visible: Tensor
    close: Tensor
    boxes: Tensor
    present: Tensor


class _Laid(NamedTuple):
    layer: Tensor  # (B, 4, 64, 64), colours and how much of a pixel they cover
    joints: Tensor  # (B, 18, 2)
    visible: Tensor  # (B, 18)


def compose(pictures: Tensor, keypoints: Tensor, generator: torch.Generator) -> Scenes:
    """Draw a scene of each picture's figure; behind every fourth one stands another.

    Most of the windows are close to the figure, as a detector looks at one that it has found; one in seven is as a
    whole photograph, with figures from an eighth of the window's side on, anywhere.

    Args:
        pictures: Of one figure each, before a plain background, (B, 3, H, W) in [-1, 1].
        keypoints: Its joints, (B, 18, 2) in pixels, negative where one is missing.
        generator: Draws everything; it is on the CPU, as the pictures are.
    """
    batch = len(pictures)

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand((batch, *shape), generator=generator) * (high - low) + low

    close = draw(0, 1) < 0.85
    nobody = draw(0, 1) < 0.04
    size = torch.where(close, draw(0.68, 0.92), torch.exp(draw(math.log(0.12), 0.0))) * WINDOW
    middle = torch.where(close[:, None], draw(-0.06, 0.06, 2), draw(-0.45, 0.45, 2)) * WINDOW + WINDOW / 2
    turn = draw(-1, 1) * math.radians(6)
    cut = torch.cat([pictures, _covered(pictures)], dim=1)
    front = _lay(cut, keypoints, size, middle, turn, draw(0.9, 1.1), draw(0, 1) < 0.5)
    aside = torch.sign(draw(-1, 1)) * draw(0.4, 1.0) * size
    beside = middle + torch.stack([aside, draw(-0.15, 0.15) * size], dim=1)
    some = slice(0, batch, 4)
    behind = _lay(cut.roll(1, 0)[some], keypoints.roll(1, 0)[some], (size * draw(0.7, 1.3))[some], beside[some],
                  turn[some] * 0, draw(0.9, 1.1)[some], (draw(0, 1) < 0.5)[some])  # fmt: skip

    windows = _background(pictures, generator)
    windows[some] += behind.layer[:, 3:] * (behind.layer[:, :3] - windows[some])
    windows += front.layer[:, 3:] * ~nobody[:, None, None, None] * (front.layer[:, :3] - windows)
    windows = (windows + 1) * draw(0.85, 1.15, 1, 1, 1) * draw(0.95, 1.05, 3, 1, 1) - 1
    noise = torch.randn(windows.shape, generator=generator) * draw(0, 0.03, 1, 1, 1)
    windows = (windows + noise).clamp(-1, 1)

    # Of the photograph, from the window's own inwards: left, top, right, bottom.
    edges = torch.where(draw(0, 1, 4) < 0.75, -1.0, draw(0, 0.3, 4)) * WINDOW
    low, high = edges[:, :2], WINDOW - 1 - edges[:, 2:]
    at = torch.arange(WINDOW)
    across = (at >= low[:, :1]) & (at <= high[:, :1])
    down = (at >= low[:, 1:]) & (at <= high[:, 1:])
    windows = windows * (down[:, None, :, None] & across[:, None, None, :])

    low, high = low.clamp(min=0)[:, None], high.clamp(max=WINDOW - 1)[:, None]
    visible = front.visible & ((front.joints >= low) & (front.joints <= high)).all(-1) & ~nobody[:, None]
    others = torch.zeros_like(visible)
    others[some] = behind.visible & ((behind.joints >= low[some]) & (behind.joints <= high[some])).all(-1)
    boxes = torch.zeros(batch, 2, 4)
    boxes[:, 0], boxes[some, 1] = _box(front.joints, visible), _box(behind.joints, others[some])
    present = torch.stack([visible.sum(1) >= _FEWEST, others.sum(1) >= _FEWEST], dim=1)
    return Scenes(windows, front.joints, visible, close, boxes, present)


def _covered(pictures: Tensor) -> Tensor:
    """How much of each pixel the figure covers, by its difference from the upper left corner, (B, 1, H, W)."""
    apart = (pictures - pictures[..., :1, :1]).abs().amax(1, keepdim=True)
    return ((apart - _ALIKE) / (_APART - _ALIKE)).clamp(0, 1)


def _lay(
    cut: Tensor, keypoints: Tensor, size: Tensor, middle: Tensor, turn: Tensor, aspect: Tensor, flipped: Tensor
) -> _Laid:
    """Turn, scale and shift figures so that the longer side of the joints' box has a size and its middle a place."""
    visible = (keypoints >= 0).all(-1)
    box = _box(keypoints, visible)
    scale = size / box[:, 2:].amax(1).clamp(min=1)
    mirror = torch.where(flipped, -1.0, 1.0)
    cos, sin = torch.cos(turn), torch.sin(turn)
    matrix = torch.stack([cos * mirror * aspect, -sin, sin * mirror * aspect, cos], dim=1).view(-1, 2, 2)
    matrix = matrix * scale[:, None, None]
    joints = (keypoints - box[:, None, :2]) @ matrix.transpose(1, 2) + middle[:, None]
    order = torch.where(flipped[:, None], torch.tensor(FLIP_ORDER), torch.arange(len(FLIP_ORDER)))
    joints, visible = joints.gather(1, order[..., None].expand(-1, -1, 2)), visible.gather(1, order)

    side = torch.arange(WINDOW, dtype=torch.float32)
    pixels = torch.stack(torch.meshgrid(side, side, indexing="xy"), dim=-1).view(1, -1, 2)
    at = (pixels - middle[:, None]) @ torch.linalg.inv(matrix).transpose(1, 2) + box[:, None, :2]
    height, width = cut.shape[-2:]
    grid = ((at + 0.5) / torch.tensor([width, height]) * 2 - 1).view(-1, WINDOW, WINDOW, 2)
    small = scale < 0.6  # what is made smaller is averaged first, as photographs are
    cut = cut.clone()
    cut[small] = F.avg_pool2d(cut[small], 3, stride=1, padding=1)
    return _Laid(F.grid_sample(cut, grid, align_corners=False), joints, visible)


def _box(joints: Tensor, seen: Tensor) -> Tensor:
    """Around the joints that are seen: x and y of the middle, width, height, (B, 4); nonsense where none is."""
    low = torch.where(seen[..., None], joints, torch.inf).amin(1)
    high = torch.where(seen[..., None], joints, -torch.inf).amax(1)
    box = torch.cat([(low + high) / 2, high - low], dim=1)
    return torch.where(seen.any(1)[:, None], box, 0.0)


def _background(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """The pictures' own plain colour, another one, or patches, shades or both of several, (B, 3, 64, 64)."""
    batch = len(pictures)

    def colours(cells: int, mode: str) -> Tensor:
        some = torch.rand((batch, 3, cells, cells), generator=generator) * 2 - 1
        return F.interpolate(some, size=(WINDOW, WINDOW), mode=mode)

    patches = colours(int(torch.randint(1, 9, (), generator=generator)), "nearest")
    shades = colours(3, "bilinear")
    shares = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0, 0.5, 0.5]])
    chosen = shares[torch.randint(0, len(shares), (batch,), generator=generator), :, None, None, None]
    return chosen[:, 0] * pictures[..., :1, :1] + chosen[:, 1] * patches + chosen[:, 2] * shades
