"""How well joints were found: PCK, the share within a distance that is relative to the figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import visible

Array = np.ndarray


@dataclass(frozen=True)
class JointScores:
    """Figures that were looked at.

    Attributes:
        right: Visible joints that were found where they are, (figures, 18); False of missing ones too.
        visible: Joints that are visible, (figures, 18).
        found: Joints that were found, rightly or not, (figures, 18).
    """

    right: Array
    visible: Array
    found: Array

    @property
    def pck(self) -> float:
        """The share of all visible joints that were found where they are."""
        return float(self.right.sum() / max(self.visible.sum(), 1))

    @property
    def by_joint(self) -> list[float]:
        """The same of each joint."""
        right: Array = self.right.sum(0) / np.maximum(self.visible.sum(0), 1)
        return [float(share) for share in right]

    @property
    def missing_recall(self) -> float:
        """The share of missing joints that were told to be missing."""
        missing = ~self.visible
        return float((missing & ~self.found).sum() / max(missing.sum(), 1))


def score_joints(truth: Sequence[Array], found: Sequence[BodyPose | None], distance: float = 0.05) -> JointScores:
    """Compare poses with the true ones.

    Args:
        truth: True joints, (18, 2) in pixels, negative where one is missing.
        found: What was found of the same figures, in the same pixels; None where nobody was.
        distance: How far from its place a joint counts as found, relative to the longer side of the box around the
            figure's true joints: PCK@0.05.
    """
    right, seen, told = [], [], []
    for true, pose in zip(truth, found, strict=True):
        there = visible(true)
        points = np.full_like(true, -1.0) if pose is None else pose.keypoints
        side = np.ptp(true[there], axis=0).max() if there.any() else 0.0
        near = np.linalg.norm(points - true, axis=-1) <= distance * side
        right.append(there & visible(points) & near)
        seen.append(there)
        told.append(visible(points))
    return JointScores(np.array(right), np.array(seen), np.array(told))
