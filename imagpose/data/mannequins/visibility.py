"""Which of a picture's pixels other pictures of the same person show: what can be copied, and what must be invented."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imagpose.data.mannequins.body import Body
from imagpose.data.mannequins.casting import Cast
from imagpose.data.mannequins.raycast import RoundCone

Array = np.ndarray
_BEHIND = 0.03  # how far, in body units, a point may lie behind the surface that is met: half the thinnest limb


def shown(target: Body, sources: Sequence[Body], size: tuple[int, int]) -> Array:
    """Which pixels of a figure show skin or cloth that other pictures of the same person show too.

    A point of the target's surface is carried along with its solid into each source's pose. A source shows it where it
    lies within that picture, faces its camera and has no other solid before it.

    Args:
        target: The person in the pose to draw.
        sources: The same person in other poses.
        size: Height and width of all pictures in pixels.

    Returns:
        (sources, H, W) booleans: whether at least half of what a pixel shows of the figure is shown by that source;
        false where it shows nothing of it.
    """
    cast = Cast.of(target, size)
    height, width = size

    def pooled(rays: Array) -> Array:
        return rays.reshape(height, cast.samples, width, cast.samples).mean((1, 3))

    figure = pooled(cast.owner >= 0)
    seen = []
    for source in sources:
        share = pooled(_shown_rays(target, cast, source, Cast.of(source, size)))
        seen.append((figure > 0) & (share >= figure / 2))
    return np.array(seen, dtype=bool).reshape(-1, height, width)


def _shown_rays(target: Body, cast: Cast, source: Body, other: Cast) -> Array:
    """Of each ray of the target's picture, whether the source shows what it meets."""
    seen = np.zeros(cast.owner.shape, dtype=bool)
    points, normals = cast.points().reshape(-1, 3), cast.normal.reshape(-1, 3)
    height, width = other.owner.shape
    for index, rays in cast.met():
        ours, theirs = target.solids[index], source.solids[index]
        turn = theirs.frame() @ ours.frame().T
        carried = _carried(points[rays], ours, theirs)
        x, y = np.floor(other.to_rays(carried)).astype(int).T
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        faces = (normals[rays] @ turn.T)[:, 2] > 0
        met = other.depth[y.clip(0, height - 1), x.clip(0, width - 1)]
        seen.flat[rays] = inside & faces & (carried[:, 2] >= met - _BEHIND)
    return seen


def _carried(points: Array, ours: RoundCone, theirs: RoundCone) -> Array:
    """Points on a solid, (N, 3), where they are when it has moved; a skirt that opens takes them outwards."""
    local = (points - ours.start) @ ours.frame()
    along = (local[:, 1] / np.linalg.norm(ours.end - ours.start)).clip(0, 1)
    wide, now = (s.radius_start + (s.radius_end - s.radius_start) * along for s in (ours, theirs))
    outwards = (now / wide)[:, None]
    return theirs.start + (local * np.concatenate([outwards, np.ones_like(outwards), outwards], 1)) @ theirs.frame().T
