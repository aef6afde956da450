"""The body of a mannequin in a pose: a skeleton, and the round cones around it, in front of a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from imagpose.data.mannequins.people import Person, Pose
from imagpose.data.mannequins.raycast import RoundCone

Array = np.ndarray


@dataclass(frozen=True)
class Body:
    """A person in a pose.

    Attributes:
        solids: Round cones in the camera's frame (x right, y up, z towards the viewer), in body units.
        parts: What each of them is, ``sleeve`` say.
        joints: Points of the skeleton by name, (3,) each, in the same frame.
        head: Size of the head, 1 of a photograph's.
    """

    solids: list[RoundCone]
    parts: list[str]
    joints: dict[str, Array]
    head: float

    @classmethod
    def of(cls, person: Person, pose: Pose, head: float = 1.0) -> Body:
        """Put a person into a pose and before the pose's camera."""
        solids, parts, joints = _solids(person, pose, head)
        return cls(solids, parts, joints, head)

    @property
    def height(self) -> float:
        """Of a picture that shows the figure from head to foot, in body units."""
        return 1.72 + 0.345 * (self.head - 1)

    @property
    def middle(self) -> Array:
        """What the middle of such a picture shows, x and y."""
        heights = [self.joints[name][1] for name in ("crown", "left_toe", "right_toe", "left_ankle", "right_ankle")]
        y = (max(heights) + self.head * 0.145 + min(heights) - 0.06) / 2
        return np.array([(self.joints["root"][0] + self.joints["neck"][0]) / 2, y])

    def head_frame(self) -> Array:
        """Columns: the head's left, up and forward directions in the camera frame, (3, 3)."""
        up = self.joints["head"] - self.joints["neck"]
        up = up / np.linalg.norm(up)
        left = self.joints["left_ear"] - self.joints["right_ear"]
        left = left / np.linalg.norm(left)
        return np.stack([left, up, np.cross(left, up)], axis=1)


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


def _solids(person: Person, pose: Pose, head: float) -> tuple[list[RoundCone], list[str], dict[str, Array]]:
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
