"""Draws a mannequin: a posed skeleton, its solids, their paint and light.

Patterns are fixed on the body, so a back view hides what a front view shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from imagpose.data.keypoints import JOINTS, MISSING
from imagpose.data.mannequins.people import TOP_PATTERNS, Person, Pose
from imagpose.data.mannequins.raycast import RoundCone, intersect
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


def _turn(axis: str, degrees: float) -> Array:
    return Rotation.from_euler(axis, degrees, degrees=True).as_matrix()


def _skeleton(person: Person, pose: Pose, head: float) -> tuple[dict[str, Array], dict[str, Array]]:
    """Joint positions in the body frame (x the person's left, y up, z forward), and each limb's forward direction."""
    w, leg = person.width, 0.37 * person.legs
    hip_height = 2 * leg + 0.08
    spine = _turn("z", pose.lean)
    root = np.array([0.0, hip_height, 0.0])

    def torso(x: float, y: float, z: float = 0.0) -> Array:
        return root + spine @ np.array([x, y, z])

    head_turn = spine @ _turn("y", pose.head_yaw)
    joints = {
        "root": root, "waist": torso(0, 0.16), "chest": torso(0, 0.40), "neck": torso(0, 0.53),
        "head": torso(0, 0.70 + 0.17 * (head - 1)),
    }  # fmt: skip
    forward = {"torso": spine @ np.array([0.0, 0.0, 1.0]), "head": head_turn @ np.array([0.0, 0.0, 1.0])}
    for name, offset in {
        "nose": (0, -0.01, 0.155), "right_eye": (-0.05, 0.03, 0.14), "left_eye": (0.05, 0.03, 0.14),
        "right_ear": (-0.14, 0.0, 0.01), "left_ear": (0.14, 0.0, 0.01),
    }.items():  # fmt: skip
        joints[name] = joints["head"] + head_turn @ (head * np.array(offset))
    for i, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
        joints[f"{side}_shoulder"] = torso(sign * 0.205 * w, 0.47)
        arm = spine @ _turn("x", -pose.arm_swing[i]) @ _turn("z", sign * pose.arm_raise[i])
        joints[f"{side}_elbow"] = joints[f"{side}_shoulder"] + arm @ np.array([0.0, -0.27, 0.0])
        forearm = arm @ _turn("x", -pose.elbow[i])
        joints[f"{side}_wrist"] = joints[f"{side}_elbow"] + forearm @ np.array([0.0, -0.24, 0.0])
        joints[f"{side}_hip"] = root + np.array([sign * 0.105 * w, 0.0, 0.0])
        thigh = _turn("x", -pose.leg_swing[i]) @ _turn("z", sign * pose.leg_spread)
        joints[f"{side}_knee"] = joints[f"{side}_hip"] + thigh @ np.array([0.0, -leg, 0.0])
        shin = thigh @ _turn("x", pose.knee[i])
        joints[f"{side}_ankle"] = joints[f"{side}_knee"] + shin @ np.array([0.0, -leg, 0.0])
        joints[f"{side}_toe"] = joints[f"{side}_ankle"] + shin @ np.array([0.0, -0.03, 0.13])
        for part, rotation in {"arm": arm, "forearm": forearm, "thigh": thigh, "shin": shin}.items():
            forward[f"{side}_{part}"] = rotation @ np.array([0.0, 0.0, 1.0])
    return joints, forward


def _body(person: Person, pose: Pose, head: float) -> tuple[list[RoundCone], list[str], dict[str, Array]]:
    """Solids in the camera frame, what each of them is, and the joints in the camera frame."""
    joints, forward = _skeleton(person, pose, head)
    # Seen from azimuth a, the person's left turns towards the viewer.
    camera = _turn("x", pose.elevation) @ _turn("y", -pose.azimuth)
    joints = {name: camera @ point for name, point in joints.items()}
    forward = {name: camera @ direction for name, direction in forward.items()}
    w = person.width
    solids: list[RoundCone] = []
    parts: list[str] = []

    def add(part: str, start: str, end: str, r0: float, r1: float, facing: str, **shape: Any) -> None:
        parts.append(part)
        solids.append(
            RoundCone(joints[start], joints[end], r0 * w, r1 * w, forward[facing], **shape),
        )

    add("top", "chest", "waist", 0.205, 0.175, "torso", depth=0.72)
    add("bottom", "waist", "root", 0.172, 0.185, "torso", depth=0.78)
    joints["neck_top"] = (joints["neck"] + joints["head"]) / 2
    add("skin", "neck", "neck_top", 0.06, 0.055, "torso")
    joints["crown"] = joints["head"] + 0.03 * (joints["head"] - joints["neck"]) / 0.17
    joints["jaw"] = joints["head"] - 0.04 * (joints["head"] - joints["neck"]) / 0.17
    add("head", "crown", "jaw", head * 0.145 / w, head * 0.13 / w, "head")
    if person.long_hair:
        joints["nape"] = joints["crown"] - head * 0.05 * forward["head"]
        joints["hair_end"] = joints["neck"] - head * 0.11 * forward["head"]
        add("hair", "nape", "hair_end", head * 0.13 / w, head * 0.10 / w, "head")
    for side in ("left", "right"):
        add("sleeve", f"{side}_shoulder", f"{side}_elbow", 0.075, 0.06, f"{side}_arm")
        add("cuff", f"{side}_elbow", f"{side}_wrist", 0.06, 0.045, f"{side}_forearm")
        joints[f"{side}_hand"] = joints[f"{side}_wrist"] + 0.25 * (joints[f"{side}_wrist"] - joints[f"{side}_elbow"])
        add("skin", f"{side}_wrist", f"{side}_hand", 0.045, 0.05, f"{side}_forearm")
        add("thigh", f"{side}_hip", f"{side}_knee", 0.10, 0.078, f"{side}_thigh")
        add("shin", f"{side}_knee", f"{side}_ankle", 0.078, 0.055, f"{side}_shin")
        add("shoe", f"{side}_ankle", f"{side}_toe", 0.062, 0.05, f"{side}_shin")
    if person.bottom == "skirt":
        middle = (joints["left_knee"] + joints["right_knee"]) / 2
        joints["hem"] = joints["root"] + 0.86 * (middle - joints["root"])
        stride = float(np.linalg.norm(joints["left_knee"] - joints["right_knee"])) / 2
        add("bottom", "root", "hem", 0.21, max(0.26, (stride + 0.13) / w), "torso", depth=0.95, open_end=True)
    return solids, parts, joints


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
    samples = max(2, 256 // size[0])  # per pixel and direction: edges are smoothed by averaging
    height, width = size[0] * samples, size[1] * samples
    solids, parts, joints = _body(person, pose, look.head)
    scale = height / (1.72 + 0.345 * (look.head - 1))
    centre = np.array([(joints["root"][0] + joints["neck"][0]) / 2, _middle_height(joints, look.head)])

    def to_pixels(point: Array) -> tuple[float, float]:
        return (point[0] - centre[0]) * scale + width / 2, (centre[1] - point[1]) * scale + height / 2

    depth = np.full((height, width), -np.inf)
    owner = np.full((height, width), -1)
    plain = np.array(look.backdrop)
    backdrop = busy_backdrop(height, width, np.random.default_rng(busy)) if busy is not None else plain
    paint, light = np.broadcast_to(backdrop, (height, width, 3)).astype(float), np.ones((height, width))
    for index, (solid, part) in enumerate(zip(solids, parts, strict=True)):
        ends = np.array([to_pixels(solid.start), to_pixels(solid.end)])
        reach = max(solid.radius_start, solid.radius_end) * scale + 1
        x0, y0 = np.floor(ends.min(0) - reach).astype(int).clip(min=0)
        x1, y1 = np.ceil(ends.max(0) + reach).astype(int)
        x1, y1 = min(x1, width), min(y1, height)
        if x0 >= x1 or y0 >= y1:
            continue
        xs = (np.arange(x0, x1) + 0.5 - width / 2) / scale + centre[0]
        ys = centre[1] - (np.arange(y0, y1) + 0.5 - height / 2) / scale
        hits = intersect(solid, *np.meshgrid(xs, ys))
        nearer = hits.z > depth[y0:y1, x0:x1]
        if not nearer.any():
            continue
        normal = hits.normal[nearer]
        in_head = normal @ _head_frame(joints) if part == "head" else None
        paint[y0:y1, x0:x1][nearer] = _paint(person, part, hits.along[nearer], hits.angle[nearer], in_head, look.eyes)
        light[y0:y1, x0:x1][nearer] = _AMBIENT + (1 - _AMBIENT) * np.clip(normal @ _LIGHT, 0, 1)
        depth[y0:y1, x0:x1][nearer] = hits.z[nearer]
        owner[y0:y1, x0:x1][nearer] = index

    figure, lines = np.isfinite(depth), outline(depth, look.pen)
    colours = look.render(Layers(paint, light, figure, lines))
    pooled = colours.reshape(size[0], samples, size[1], samples, 3).mean((1, 3))
    covered = (figure | lines).reshape(size[0], samples, size[1], samples).any((1, 3))
    keypoints = np.full((len(JOINTS), 2), MISSING)
    for j, name in enumerate(JOINTS):
        x, y = to_pixels(joints[name])
        column, row = int(x), int(y)
        if not (0 <= x < width and 0 <= y < height):
            continue
        margin = _COVER.get(name.split("_")[-1], np.inf)
        limb = name.endswith(("elbow", "wrist"))  # a limb that points at the viewer does not hide its own joints
        hidden = depth[row, column] > joints[name][2] + margin
        if hidden and not (limb and parts[owner[row, column]] in ("sleeve", "cuff", "skin")):
            continue
        keypoints[j] = x / samples - 0.5, y / samples - 0.5
    return Drawing(np.clip(np.rint(pooled), 0, 255).astype(np.uint8), covered, keypoints)


# How far in front of a joint (in body units) a surface must lie to hide it from a detector. Face points sit on the
# surface; an elbow or wrist is missed behind the torso; shoulders, hips and legs are inferred by any detector.
_COVER = {"nose": 0.04, "eye": 0.04, "ear": 0.06, "elbow": 0.16, "wrist": 0.14}


def _middle_height(joints: dict[str, Array], head: float) -> float:
    heights = [joints[name][1] for name in ("crown", "left_toe", "right_toe", "left_ankle", "right_ankle")]
    return (max(heights) + head * 0.145 + min(heights) - 0.06) / 2


def _head_frame(joints: dict[str, Array]) -> Array:
    """Columns: the head's left, up and forward directions in the camera frame, (3, 3)."""
    up = joints["head"] - joints["neck"]
    up = up / np.linalg.norm(up)
    left = joints["left_ear"] - joints["right_ear"]
    left = left / np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)], axis=1)
