"""What finds the people of a photograph: the contract that the adapters of ``imagpose.pose`` keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
from PIL import Image

from imagpose.data.body_pose import BodyPose, extent
from imagpose.data.keypoints import MISSING, visible

Array = np.ndarray
DetectorName = Literal["mannequin", "rtmlib", "blazepose"]
DETECTORS: tuple[str, ...] = get_args(DetectorName)
"""The names of what :func:`imagpose.pose.detectors.load_detector` loads."""
FOR_MANNEQUINS: DetectorName = "mannequin"
FOR_PHOTOGRAPHS: DetectorName = "rtmlib"
"""What a model that was trained on photographs is given poses by, unless told otherwise."""
FEWEST = 4
"""Joints that a person has at least; fewer are no person, but something that resembles a joint."""


class Found(NamedTuple):
    """One person of a photograph.

    Attributes:
        pose: In the photograph's own pixels.
        score: How sure the detector is of the whole of it, from 0 to 1.
    """

    pose: BodyPose
    score: float


class PoseDetector(Protocol):
    """Finds people and their joints."""

    def detect(self, picture: Image.Image) -> list[Found]:
        """Find everybody in a photograph.

        Args:
            picture: Upright RGB of any size.

        Returns:
            The people, each with at least four joints, the largest first; none where nobody is seen.
        """
        ...


def found(points: Array, scores: Array, size: tuple[int, int], least: float) -> Found | None:
    """A person of the joints that a detector tells, less those that it is not sure of or that left the picture.

    Args:
        points: Joints in OpenPose's order, (18, 2), x then y in pixels of the picture; they may lie beyond it.
        scores: How sure it is of each, (18,); what is above 1 counts as 1.
        size: Height and width of the picture in pixels.
        least: The score from which on a joint is taken.

    Returns:
        The person, whose score is the mean of its joints'; None where there are fewer than four joints.
    """
    last = np.array([size[1] - 1, size[0] - 1])
    there = (scores >= least) & ((points >= -0.5) & (points < last + 0.5)).all(-1)
    if there.sum() < FEWEST:
        return None
    keypoints = np.where(there[:, None], points.clip(0, last), MISSING)
    return Found(BodyPose(size, keypoints), float(scores[there].clip(0, 1).mean()))


def largest_first(people: Iterable[Found | None]) -> list[Found]:
    """People by the area of the box around their joints."""
    return sorted(filter(None, people), key=lambda one: extent(one.pose.keypoints), reverse=True)


def box_of(pose: BodyPose) -> tuple[float, float, float, float]:
    """The box around a person's joints: left, top, right and bottom, the first pixel's edge being 0."""
    seen = pose.keypoints[visible(pose.keypoints)] + 0.5
    (left, top), (right, bottom) = seen.min(0).tolist(), seen.max(0).tolist()
    return left, top, right, bottom
