"""Poses and people to begin with: drawn, so that nothing is shipped for them and the truth of each is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.mannequins.drawing import draw
from imagpose.data.mannequins.people import Person, Pose, draw_joint_angles, draw_person
from imagpose.data.pictures import Picture
from imagpose.demo.photographs import Photograph

Size = tuple[int, int]

_STANDING = Pose(
    azimuth=0, elevation=4, lean=0, head_yaw=0, arm_raise=(14, 14), arm_swing=(4, 4), elbow=(12, 12),
    leg_swing=(0, 0), leg_spread=5, knee=(2, 2),
)  # fmt: skip
_WALKING = replace(_STANDING, azimuth=70, arm_swing=(-26, 32), elbow=(20, 45), leg_swing=(24, -20), knee=(4, 26))
_POSES = {
    "Facing": _STANDING,
    "Half left": replace(_STANDING, azimuth=35, head_yaw=10),
    "Half right": replace(_STANDING, azimuth=-35, head_yaw=-10),
    "From the left": replace(_STANDING, azimuth=90),
    "From the right": replace(_STANDING, azimuth=-90),
    "From behind": replace(_STANDING, azimuth=180),
    "Walking": _WALKING,
    "Arms out": replace(_STANDING, arm_raise=(46, 46), elbow=(5, 5)),
    "Arms bent": replace(_STANDING, arm_raise=(30, 30), arm_swing=(30, 30), elbow=(85, 85)),
    "Wide stance": replace(_STANDING, arm_raise=(32, 32), leg_spread=10),
}
_SET, _FIRST = 1, 3049  # people of the set of examples/ that no shipped weights have seen
_VIEWS = {"Front": 0, "Half left": 35, "Left": 90, "Behind": 180}


def presets(size: Size) -> dict[str, BodyPose]:
    """The poses by name, in a frame of (height, width)."""
    somebody = draw_person(np.random.default_rng(0))
    somebody = replace(somebody, width=1.0, legs=1.0)
    return {name: BodyPose(size, draw(somebody, pose, size).keypoints) for name, pose in _POSES.items()}


def mannequin(number: int, size: Size, scratch: Path) -> Iterator[Photograph]:
    """A mannequin that no shipped weights have seen, from the front and then in further poses.

    Args:
        number: Who it is, from 0.
        size: (height, width) of the pictures in pixels.
        scratch: Folder for a file that is deleted at once.
    """
    seeds = [_SET, _FIRST + number]
    person = draw_person(np.random.default_rng(seeds))
    for view, (side, azimuth) in enumerate(_VIEWS.items()):
        pose = draw_joint_angles(np.random.default_rng([*seeds, view + 1]), azimuth)
        yield _photograph(f"{side}, mannequin {number + 1}", person, pose, size, scratch)


def _photograph(name: str, person: Person, pose: Pose, size: Size, scratch: Path) -> Photograph:
    drawn = draw(person, pose, size)
    image = Image.fromarray(drawn.image)
    path = scratch / "mannequin.png"
    image.save(path)
    picture = Picture(path)
    path.unlink()
    return Photograph.of(name, picture, image, [BodyPose(size, drawn.keypoints)])
