"""What each ray of a picture meets first: which solid of a body, and where on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from imagpose.data.mannequins.body import Body
from imagpose.data.mannequins.raycast import Hits, intersect, surface

Array = np.ndarray


@dataclass(frozen=True)
class Cast:
    """Rays through the pixels of a picture, several through each, and what they meet; arrays are (h, w) or (h, w, 3).

    Attributes:
        samples: Rays of a pixel in each direction.
        scale: Rays to a body unit.
        middle: What the middle of the picture shows, x and y in body units.
        owner: Number of the solid that is met first; -1 is none.
        depth: Its height towards the viewer; -inf where there is none.
        normal: Unit normals in the camera frame.
        along: Distance from the solid's start along its axis, in body units.
        angle: Angle around that axis.
    """

    samples: int
    scale: float
    middle: Array
    owner: Array
    depth: Array
    normal: Array
    along: Array
    angle: Array

    @classmethod
    def of(cls, body: Body, size: tuple[int, int]) -> Cast:
        """Look at a body.

        Args:
            body: Before the camera.
            size: Height and width of the picture in pixels; the figure fills the height.
        """
        samples = max(2, 256 // size[0])  # edges are smoothed by averaging
        height, width = size[0] * samples, size[1] * samples
        cast = cls(
            samples, height / body.height, body.middle, np.full((height, width), -1),
            np.full((height, width), -np.inf), np.zeros((height, width, 3)), np.zeros((height, width)),
            np.zeros((height, width)),
        )  # fmt: skip
        x, y = cast.rays()
        share = np.zeros((height, width))
        for index, solid in enumerate(body.solids):
            ends = np.stack([cast.to_rays(solid.start), cast.to_rays(solid.end)])
            reach = max(solid.radius_start, solid.radius_end) * cast.scale + 1
            x0, y0 = np.floor(ends.min(0) - reach).astype(int).clip(min=0)
            x1, y1 = np.ceil(ends.max(0) + reach).astype(int)
            x1, y1 = min(x1, width), min(y1, height)
            if x0 >= x1 or y0 >= y1:
                continue
            box = slice(y0, y1), slice(x0, x1)
            hits = intersect(solid, x[box], y[box])
            nearer = hits.z > cast.depth[box]
            cast.owner[box][nearer] = index
            cast.depth[box][nearer], share[box][nearer] = hits.z[nearer], hits.share[nearer]
        for index, met in cast.met():  # what is hidden needs no surface
            seen = surface(body.solids[index], x.flat[met], y.flat[met], Hits(cast.depth.flat[met], share.flat[met]))
            cast.normal.reshape(-1, 3)[met] = seen.normal
            cast.along.flat[met], cast.angle.flat[met] = seen.along, seen.angle
        return cast

    def rays(self) -> tuple[Array, Array]:
        """Where rays go through, x and y in body units, (h, w) each."""
        height, width = self.owner.shape
        x = (np.arange(width) + 0.5 - width / 2) / self.scale + self.middle[0]
        y = self.middle[1] - (np.arange(height) + 0.5 - height / 2) / self.scale
        x, y = np.meshgrid(x, y)
        return x, y

    def met(self) -> Iterator[tuple[int, Array]]:
        """Each solid that is met, by number, and the rays that meet it first, as places in the flattened arrays."""
        owner = self.owner.ravel()
        rays = np.flatnonzero(owner >= 0)
        rays = rays[np.argsort(owner[rays], kind="stable")]
        solids, first = np.unique(owner[rays], return_index=True)
        yield from zip(solids.tolist(), np.split(rays, first[1:]), strict=True)

    def points(self) -> Array:
        """Where rays meet the body, in the camera frame, (h, w, 3); nonsense where they meet nothing."""
        return np.stack([*self.rays(), np.where(self.owner >= 0, self.depth, 0.0)], axis=-1)

    def to_rays(self, points: Array) -> Array:
        """Where points of the camera frame, (…, 3), lie: x then y, (…, 2), in rays from the upper left."""
        height, width = self.owner.shape
        x = (points[..., 0] - self.middle[0]) * self.scale + width / 2
        return np.stack([x, (self.middle[1] - points[..., 1]) * self.scale + height / 2], axis=-1)
