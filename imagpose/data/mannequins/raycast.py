"""Closed-form intersection of parallel rays with round cones, the one solid that mannequins are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


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

    def frame(self) -> Array:
        """Columns: the solid's own right, axis and forward directions, (3, 3)."""
        axis = self.end - self.start
        axis = axis / np.linalg.norm(axis)
        forward = self.forward - axis * (self.forward @ axis)
        forward = forward / np.linalg.norm(forward)
        return np.stack([np.cross(axis, forward), axis, forward], axis=1)


@dataclass(frozen=True)
class Hits:
    """Where rays meet a solid; arrays share the shape of the rays, (h, w) or (h, w, 3).

    Attributes:
        z: Height towards the viewer; -inf where the ray misses.
        normal: Unit normals, camera frame.
        along: Distance from the start along the axis, in body units.
        angle: Angle around the axis from ``forward``, in (-pi, pi]; positive towards the solid's right.
    """

    z: Array
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
    frame = solid.frame()
    to_local = np.diag([1.0, 1.0, 1.0 / solid.depth]) @ frame.T
    length = float(np.linalg.norm(solid.end - solid.start))
    origin = np.stack([x, y, np.zeros_like(x)], axis=-1) - solid.start
    origin = origin @ to_local.T
    ray = to_local @ np.array([0.0, 0.0, -1.0])
    first, last = solid.radius_start, solid.radius_end
    slope = first - last
    scale = length * length - slope * slope
    ray_ray = float(ray @ ray)
    origin_ray = origin @ ray
    origin_origin = np.einsum("...i,...i", origin, origin)

    best = np.full(x.shape, np.inf)
    best_s = np.zeros(x.shape)

    def keep(t: Array, s: Array | float, valid: Array) -> None:
        closer = valid & (t < best)
        best[closer] = t[closer]
        best_s[closer] = s[closer] if isinstance(s, np.ndarray) else s

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

    hit = np.isfinite(best)
    t = np.where(hit, best, 0.0)
    point = origin + t[..., None] * ray
    normal = point.copy()
    normal[..., 1] -= best_s * length
    normal = normal @ to_local  # gradients transform by the transpose
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12
    return Hits(
        z=np.where(hit, -t, -np.inf),
        normal=normal,
        along=point[..., 1],
        angle=np.arctan2(point[..., 0], point[..., 2]),
    )
