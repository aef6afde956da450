"""Poses as detectors write them: OpenPose's JSON, COCO's keypoints and our own form, each as people of 18 joints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from imagpose.data.keypoints import JOINTS, MISSING, NUM_JOINTS

Array = np.ndarray
Size = tuple[int, int]

_LEAST_SCORE = 0.05  # below it OpenPose draws no joint; COCO's 0 marks a joint that was not labelled

_BODY = [
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
]  # fmt: skip
_ORDERS: dict[int, Sequence[str]] = {
    NUM_JOINTS: JOINTS,
    25: [*_BODY, *(f"foot_{i}" for i in range(6))],  # OpenPose's BODY_25
    17: [
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
        "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
        "right_ankle",
    ],  # COCO
}  # fmt: skip


class Poses(NamedTuple):
    """What a file says.

    Attributes:
        size: Height and width of the frame in pixels; None where the form does not say it.
        people: Keypoints of each person, (18, 2), x then y, OpenPose's order; -1 marks a missing joint. They are
            relative to the frame, from 0 to 1, where every number of the file is.
    """

    size: Size | None
    people: list[Array]


def read_form(found: Any) -> Poses:
    """Understand a parsed JSON file.

    - ours: ``{"size": [h, w], "keypoints": [[x, y] or [x, y, score] or null, …]}``;
    - OpenPose's: ``{"people": [{"pose_keypoints_2d": [x, y, score, …]}, …]}``, with ``canvas_height`` and
      ``canvas_width`` where an editor wrote it;
    - COCO's: ``{"images": […], "annotations": [{"keypoints": [x, y, score, …]}, …]}``, its list of results, or one
      of them.

    18 joints are in OpenPose's order, 25 in that of its BODY_25, 17, each with a score, in COCO's, whose neck is the
    middle of the shoulders. A joint is missing where it is null, negative, at (0, 0), or scored below 0.05.

    Raises:
        KeyError, TypeError, ValueError: It is none of these forms.
    """
    if isinstance(found, list):
        return Poses(None, [_person(entry["keypoints"]) for entry in found])
    if "people" in found:
        size = (found["canvas_height"], found["canvas_width"]) if "canvas_height" in found else None
        return Poses(_size(size), [_person(entry["pose_keypoints_2d"]) for entry in found["people"]])
    if "annotations" in found:
        images = found.get("images", [])
        size = (images[0]["height"], images[0]["width"]) if len(images) == 1 else None
        return Poses(_size(size), [_person(entry["keypoints"]) for entry in found["annotations"]])
    return Poses(_size(found.get("size")), [_person(found["keypoints"])])


def _size(size: Any) -> Size | None:
    if size is None:
        return None
    height, width = (int(side) for side in size)
    return height, width


def _person(joints: Any) -> Array:
    """Joints in any of the orders, nested or flat, → (18, 2)."""
    if joints and all(isinstance(value, (int, float)) for value in joints):
        if len(joints) // 3 not in _ORDERS or len(joints) % 3:
            raise ValueError(f"{len(joints)} numbers are no x, y and score of 17, 18 or 25 joints")
        joints = np.reshape(joints, (-1, 3)).tolist()
    if len(joints) == len(_ORDERS[17]) and any(joint is not None and len(joint) < 3 for joint in joints):
        raise ValueError("it holds 17 joints without a score, so they may be COCO's, or OpenPose's less the last one")
    if len(joints) not in _ORDERS:
        raise ValueError(f"it holds {len(joints)} joint(s), and 17, 18 or 25 are known")
    named = {name: _joint(joint) for name, joint in zip(_ORDERS[len(joints)], joints, strict=True)}
    if "neck" not in named:
        shoulders = np.stack([named["left_shoulder"], named["right_shoulder"]])
        named["neck"] = np.full(2, MISSING) if (shoulders == MISSING).any() else shoulders.mean(0)
    return np.stack([named[name] for name in JOINTS])


def _joint(joint: Any) -> Array:
    if joint is None:
        return np.full(2, MISSING)
    x, y, *score = (float(value) for value in joint)
    if len(score) > 1:
        raise ValueError(f"a joint of {len(score) + 2} numbers; x and y, or x, y and a score are meant")
    if not np.isfinite([x, y, *score]).all():
        raise ValueError("a number that is not finite")
    missing = x < 0 or y < 0 or x == y == 0 or (score and score[0] < _LEAST_SCORE)
    return np.array([MISSING, MISSING] if missing else [x, y])
