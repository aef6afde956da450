"""Draws a mannequin: the paint and the light on a posed body.

Patterns are fixed on the body, so a back view hides what a front view shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imagpose.data.keypoints import JOINTS, MISSING
from imagpose.data.mannequins.body import Body
from imagpose.data.mannequins.casting import Cast
from imagpose.data.mannequins.people import TOP_PATTERNS, Person, Pose
from imagpose.data.mannequins.styles import LOOKS, Layers, Style, outline

Array = np.ndarray

RENDERER_VERSION = 1
_LIGHT = np.array([-0.45, 0.65, 0.62]) / np.linalg.norm([-0.45, 0.65, 0.62])
_AMBIENT = 0.62
_EYES = np.array([[-0.34, 0.16, 0.93], [0.34, 0.16, 0.93]])  # their directions in the head's frame
_EYE, _PUPIL = (0.3, (250, 250, 250)), (0.17, (26, 22, 34))  # sizes and colours


@dataclass(frozen=True)
class Drawing:
    """A drawn mannequin.

    Attributes:
        image: The picture, (H, W, 3) uint8.
        silhouette: Where the figure covers the background at all, (H, W) booleans.
        keypoints: Joints, (18, 2) floats, x then y in pixels, -1 where one is out of frame or hidden.
    """

    image: Array
    silhouette: Array
    keypoints: Array

    def save(self, path: Path) -> None:
        """Write the picture as JPEG, as all of a set are."""
        Image.fromarray(self.image).save(path, format="JPEG", quality=98, subsampling=0)


def _accented(pattern: str, along: Array, angle: Array, radius: float) -> Array:
    """Where a pattern shows its second colour; bands are wide enough for the 16 rows of latents of the embedded VAE."""
    turn = angle / (2 * np.pi)
    if pattern == "plain":
        return np.zeros(along.shape, dtype=bool)
    if pattern == "hstripes":
        return np.floor(along / 0.105) % 2 == 1
    if pattern == "vstripes":
        return np.floor(turn * 8 + 0.5) % 2 == 1
    if pattern == "checks":
        return (np.floor(along / 0.125) + np.floor(turn * 8 + 0.5)) % 2 == 1
    if pattern == "dots":
        u, v = (turn * 6) % 1 - 0.5, (along / 0.17 + 0.5) % 1 - 0.5
        return np.hypot(u * 2 * np.pi * radius / 6, v * 0.17) < 0.056
    if pattern == "diagonal":
        return np.floor(turn * 4 + along / 0.21) % 2 == 1
    if pattern == "blocks":
        return along > 0.13
    if pattern == "badge":
        return np.hypot(angle * radius, along - 0.04) < 0.085
    raise ValueError(f"unknown pattern {pattern!r}; there are {', '.join(TOP_PATTERNS)}")


def _paint(person: Person, part: str, along: Array, angle: Array, normal_head: Array | None, eyes: bool) -> Array:
    """Unshaded colours of a part's surface points, (..., 3) in 0–255."""
    skin, top, accent = (np.array(c, dtype=float) for c in (person.skin, person.top, person.top_accent))
    hair, shoes = np.array(person.hair, dtype=float), np.array(person.shoes, dtype=float)
    lower = np.array(person.bottom_colour, dtype=float)

    def choose(condition: Array, yes: Array, no: Array) -> Array:
        return np.where(condition[..., None], yes, no)

    everywhere = np.ones(along.shape, dtype=bool)
    if part == "top":
        return choose(_accented(person.top_pattern, along, angle, 0.19), accent, top)
    if part in ("sleeve", "cuff"):
        if part == "sleeve":
            covered = everywhere if person.sleeves == "long" else along < (0.16 if person.sleeves == "short" else -0.01)
        else:
            covered = everywhere if person.sleeves == "long" else ~everywhere
        banded = person.top_pattern in ("hstripes", "checks")
        cloth = choose(_accented("hstripes" if banded else "plain", along + 0.03, angle, 0.06), accent, top)
        return choose(covered, cloth, skin)
    if part == "bottom":
        return choose(_accented(person.bottom_pattern, along, angle, 0.18), np.array(person.bottom_accent), lower)
    if part in ("thigh", "shin"):
        reach = {"trousers": (9.0, 9.0), "shorts": (0.27, -9.0), "skirt": (-9.0, -9.0)}[person.bottom]
        pattern = person.bottom_pattern
        if pattern == "vstripes":  # a stripe down either side of the leg
            accented = np.abs(np.sin(angle)) > 0.8
        else:
            accented = _accented(pattern, along, angle, 0.09)
        cloth = choose(accented, np.array(person.bottom_accent, dtype=float), lower)
        return choose(along < reach[0 if part == "thigh" else 1], cloth, skin)
    if part == "head":
        assert normal_head is not None
        up, front = normal_head[..., 1], normal_head[..., 2]
        face = choose((up > 0.45) | (front < 0.05), hair, skin)
        apart = np.linalg.norm(normal_head[..., None, :] - _EYES, axis=-1).min(-1)
        for size, colour in (_EYE, _PUPIL) if eyes else ():
            face = choose(apart < size, np.array(colour, dtype=float), face)
        return face
    return choose(everywhere, {"hair": hair, "shoe": shoes, "skin": skin}[part], skin)


def busy_backdrop(height: int, width: int, rng: np.random.Generator) -> Array:
    """A wall, a floor and a few coloured panels, (height, width, 3) in 0–255."""
    backdrop = np.empty((height, width, 3))
    floor = int(height * rng.uniform(0.7, 0.88))
    backdrop[:floor], backdrop[floor:] = rng.uniform(110, 240, 3), rng.uniform(70, 200, 3)
    for _ in range(int(rng.integers(3, 8))):
        y, x = int(rng.integers(0, floor)), int(rng.integers(0, width))
        h, w = int(rng.integers(height // 10, height // 3)), int(rng.integers(width // 8, width // 2))
        backdrop[y : min(y + h, floor), x : x + w] = rng.uniform(40, 250, 3)
    return backdrop * np.linspace(1.05, 0.85, height)[:, None, None]


def draw(
    person: Person,
    pose: Pose,
    size: tuple[int, int] = (64, 44),
    busy: int | None = None,
    style: Style = "photograph",
) -> Drawing:
    """Draw a person in a pose.

    Args:
        person: Body and clothes.
        pose: Joint angles and viewpoint.
        size: Height and width of the picture in pixels; the figure fills the height.
        busy: Seed of a busy background; None is a plain one.
        style: ``photograph``, ``cartoon`` or ``sketch``.
    """
    look = LOOKS[style]
    body = Body.of(person, pose, look.head)
    cast = Cast.of(body, size)
    samples, (height, width) = cast.samples, cast.owner.shape
    plain = np.array(look.backdrop)
    backdrop = busy_backdrop(height, width, np.random.default_rng(busy)) if busy is not None else plain
    paint, light = np.broadcast_to(backdrop, (height, width, 3)).astype(float), np.ones((height, width))
    painted, normals = paint.reshape(-1, 3), cast.normal.reshape(-1, 3)
    for index, rays in cast.met():
        part, normal = body.parts[index], normals[rays]
        in_head = normal @ body.head_frame() if part == "head" else None
        painted[rays] = _paint(person, part, cast.along.flat[rays], cast.angle.flat[rays], in_head, look.eyes)
        light.flat[rays] = _AMBIENT + (1 - _AMBIENT) * np.clip(normal @ _LIGHT, 0, 1)

    figure, lines = cast.owner >= 0, outline(cast.depth, look.pen)
    colours = look.render(Layers(paint, light, figure, lines))
    pooled = colours.reshape(size[0], samples, size[1], samples, 3).mean((1, 3))
    covered = (figure | lines).reshape(size[0], samples, size[1], samples).any((1, 3))
    keypoints = np.full((len(JOINTS), 2), MISSING)
    for j, name in enumerate(JOINTS):
        x, y = cast.to_rays(body.joints[name])
        column, row = int(x), int(y)
        if not (0 <= x < width and 0 <= y < height):
            continue
        margin = _COVER.get(name.split("_")[-1], np.inf)
        limb = name.endswith(("elbow", "wrist"))  # a limb that points at the viewer does not hide its own joints
        hidden = cast.depth[row, column] > body.joints[name][2] + margin
        if hidden and not (limb and body.parts[cast.owner[row, column]] in ("sleeve", "cuff", "skin")):
            continue
        keypoints[j] = x / samples - 0.5, y / samples - 0.5
    return Drawing(np.clip(np.rint(pooled), 0, 255).astype(np.uint8), covered, keypoints)


# How far in front of a joint (in body units) a surface must lie to hide it from a detector. Face points sit on the
# surface; an elbow or wrist is missed behind the torso; shoulders, hips and legs are inferred by any detector.
_COVER = {"nose": 0.04, "eye": 0.04, "ear": 0.06, "elbow": 0.16, "wrist": 0.14}
