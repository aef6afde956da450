"""Closed-form intersection of parallel rays with round cones, the one solid that mannequins are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

Array = np.ndarray

_RAY = np.array([0.0, 0.0, -1.0])  # the way of all rays in the camera frame


@dataclass(frozen=True)
class RoundCone:
    """The union of all spheres whose centre and radius run linearly from one end to the other.

    Attributes:
        start: Centre of the first sphere, (3,), camera frame (x right, y up, z towards the viewer).
        end: Centre of the last sphere, (3,).
        radius_start: Radius of the first sphere, in body units.
        radius_end: Radius of the last sphere.
        forward: The direction from which angles around the axis count, (3,).
        depth: Thickness along ``forward`` relative to the width; 1 is round.
        open_end: Leave the last sphere out, which makes the hem of a skirt.
    """

    start: Array
    end: Array
    radius_start: float
    radius_end: float
    forward: Array
    depth: float = 1.0
    open_end: bool = False

    @cached_property
    def length(self) -> float:
        """From the first sphere's centre to the last one's, in body units."""
        return float(np.linalg.norm(self.end - self.start))

    @cached_property
    def to_local(self) -> Array:
        """Turns a direction of the camera frame into the solid's own, in which it is round, (3, 3)."""
        return np.diag([1.0, 1.0, 1.0 / self.depth]) @ self.frame().T

    def frame(self) -> Array:
        """Columns: the solid's own right, axis and forward directions, (3, 3)."""
        axis = self.end - self.start
        axis = axis / np.linalg.norm(axis)
        forward = self.forward - axis * (self.forward @ axis)
        forward = forward / np.linalg.norm(forward)
        return np.stack([np.cross(axis, forward), axis, forward], axis=1)


@dataclass(frozen=True)
class Hits:
    """Where rays meet a solid; arrays share the shape of the rays.

    Attributes:
        z: Height towards the viewer; -inf where the ray misses.
        share: Of the way from start to end, where the sphere's centre is that the ray meets, in [0, 1].
    """

    z: Array
    share: Array


@dataclass(frozen=True)
class Surface:
    """A solid's surface where rays meet it; arrays share the shape of the rays, ``normal`` has 3 numbers a ray.

    Attributes:
        normal: Unit normals, camera frame.
        along: Distance from the start along the axis, in body units.
        angle: Angle around the axis from ``forward``, in (-pi, pi]; positive towards the solid's right.
    """

    normal: Array
    along: Array
    angle: Array


def intersect(solid: RoundCone, x: Array, y: Array) -> Hits:
    """Meet rays that travel along -z through (x, y) with a round cone.

    In the solid's own frame, scaled so that it is round, a surface point v obeys |v - s·d| = r(s) for the s at which
    the sphere just touches it. Setting the derivative by s to zero gives D·s = d·v - e·r0 with d the axis vector,
    e = r0 - r1 and D = |d|² - e², and then D(|v|² - r0²) = (d·v - e·r0)²: a quadratic along the ray.

    Args:
        solid: The round cone.
        x: Horizontal ray positions, (h, w).
        y: Vertical ray positions, (h, w).
    """
    length, ray = solid.length, solid.to_local @ _RAY
    origin = _origin(solid, x, y)
    first, last = solid.radius_start, solid.radius_end
    slope = first - last
    scale = length * length - slope * slope
    ray_ray = float(ray @ ray)
    origin_ray = origin @ ray
    origin_origin = np.einsum("...i,...i", origin, origin)

    best = np.full(x.shape, np.inf)
    share = np.zeros(x.shape)

    def keep(t: Array, s: Array | float, valid: Array) -> None:
        closer = valid & (t < best)
        best[closer] = t[closer]
        share[closer] = s[closer] if isinstance(s, np.ndarray) else s

    with np.errstate(invalid="ignore"):
        if scale > 0:
            offset = length * origin[..., 1] - slope * first
            along_ray = length * ray[1]
            a = scale * ray_ray - along_ray * along_ray
            if a > 1e-12:
                b = scale * origin_ray - offset * along_ray
                c = scale * (origin_origin - first * first) - offset * offset
                t = (-b - np.sqrt(b * b - a * c)) / a
                s = (offset + t * along_ray) / scale
                keep(t, s, (s >= 0) & (s <= 1))
        ends = [(0.0, first)] if solid.open_end else [(0.0, first), (1.0, last)]
        for s_end, radius in ends:
            b = origin_ray - s_end * length * ray[1]
            c = origin_origin - 2 * s_end * length * origin[..., 1] + (s_end * length) ** 2 - radius * radius
            root = b * b - ray_ray * c
            keep((-b - np.sqrt(root)) / ray_ray, s_end, root >= 0)
    return Hits(-best, share)


def surface(solid: RoundCone, x: Array, y: Array, hits: Hits) -> Surface:
    """The surface that rays meet.

    Args:
        solid: The round cone.
        x: Horizontal positions of rays that meet it, of any shape.
        y: Vertical positions of them.
        hits: Where they meet it.
    """
    point = _origin(solid, x, y) - hits.z[..., None] * (solid.to_local @ _RAY)
    normal = point.copy()
    normal[..., 1] -= hits.share * solid.length
    normal = normal @ solid.to_local  # gradients transform by the transpose
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12
    return Surface(normal, point[..., 1], np.arctan2(point[..., 0], point[..., 2]))


def _origin(solid: RoundCone, x: Array, y: Array) -> Array:
    """Where rays begin, in the solid's own frame."""
    return (np.stack([x, y, np.zeros_like(x)], axis=-1) - solid.start) @ solid.to_local.T
