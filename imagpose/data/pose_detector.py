"""What finds the people of a photograph: the contract that the adapters of ``imagpose.pose`` keep."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from PIL import Image

from imagpose.data.body_pose import BodyPose


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
            The people, each with at least one joint, the largest first; none where nobody is seen.
        """
        ...
