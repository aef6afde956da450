"""How a photograph is brought to the shape of the training pictures, together with its pose."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.images import resize
from imagpose.data.keypoints import JOINTS, MISSING, visible
from imagpose.data.pictures import WHOLE

Array = np.ndarray
Framing = Literal["letterbox", "figure"]
"""``letterbox`` shows a whole photograph, its edges repeated beside it; ``figure`` what is around the figure, with the
margins that training pictures have."""

ABOVE, BELOW = 0.115, 0.087
"""From the joints' box to the upper and the lower edge, relative to the height of that box: the medians of the 4,800
pictures of the embedded mannequins, of which half lie within 0.013 of either."""
BESIDE = 0.03
"""So far at least is every joint from the left and the right edge, likewise, in 19 of 20 of these pictures."""
_TORSO = [JOINTS.index(joint) for joint in ("neck", "right_hip", "left_hip")]


class Frame(NamedTuple):
    """A part of a photograph, which may reach beyond it, in its pixels; the first pixel's edge is 0."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left


def frame_of(pose: BodyPose, size: tuple[int, int]) -> Frame:
    """What ``figure`` shows of a photograph: the torso in the middle, as in the training pictures.

    A pixel of the photograph at least is in it, however far at the edge its joints are.

    Args:
        pose: In the photograph's pixels.
        size: Height and width that the model draws; only their ratio counts.
    """
    seen = pose.keypoints[visible(pose.keypoints)] + 0.5
    (left, top), (right, bottom) = seen.min(0), seen.max(0)
    torso = pose.keypoints[_TORSO, 0] + 0.5
    middle = (torso[0] + torso[1:].mean()) / 2 if visible(pose.keypoints[_TORSO]).all() else (left + right) / 2
    figure, wide = max(bottom - top, 1.0), size[1] / size[0]
    height = (ABOVE + 1 + BELOW) * figure
    needed = 2 * (max(right - middle, middle - left) + BESIDE * figure) / wide
    if needed > height:  # the arms take more room than the height gives
        top, height = top - (needed - height) / 2, needed
    down, across = max(round(height), 1), max(round(height * wide), 1)
    y = min(max(round(top - ABOVE * figure), 1 - down), pose.size[0] - 1)
    x = min(max(round(middle - height * wide / 2), 1 - across), pose.size[1] - 1)
    return Frame(x, y, x + across, y + down)


def framed_pose(pose: BodyPose, size: tuple[int, int], framing: Framing) -> BodyPose:
    """A pose in the frame that a framing shows, see :func:`framed`."""
    if framing == "letterbox":
        return pose
    frame = frame_of(pose, size)
    inside = (pose.keypoints - (frame.left, frame.top)).clip(0, np.array(frame.size[::-1]) - 1)
    return BodyPose(frame.size, np.where(visible(pose.keypoints)[:, None], inside, MISSING))


def framed(
    picture: Image.Image, pose: BodyPose, size: tuple[int, int], framing: Framing
) -> tuple[Image.Image, BodyPose]:
    """A photograph and its pose as a model is to see them.

    Args:
        picture: RGB of any size.
        pose: In a frame of the picture's shape.
        size: Height and width that the model draws.
        framing: ``letterbox`` leaves both as they are: :func:`imagpose.data.body_pose.fit` brings them to the size.

    Returns:
        The picture and the pose in its own pixels. Where the figure's frame reaches beyond the photograph, its edges
        are repeated; where it would have more than :data:`imagpose.data.pictures.WHOLE` pixels, as around somebody who
        lies in a panorama, both are at a smaller scale.
    """
    if framing == "letterbox":
        return picture, pose
    pose = pose.at((picture.height, picture.width))
    frame = frame_of(pose, size)
    if frame.size[0] * frame.size[1] > WHOLE:
        scale = (WHOLE / (frame.size[0] * frame.size[1])) ** 0.5
        picture = resize(picture, (max(int(picture.height * scale), 1), max(int(picture.width * scale), 1)))
        pose = pose.at((picture.height, picture.width))
        frame = frame_of(pose, size)
    inside = (
        max(frame.left, 0), max(frame.top, 0), min(frame.right, picture.width), min(frame.bottom, picture.height)
    )  # fmt: skip
    part = np.asarray(picture.convert("RGB").crop(inside))
    above_and_below = (inside[1] - frame.top, frame.bottom - inside[3])
    beside = (inside[0] - frame.left, frame.right - inside[2])
    whole = np.pad(part, (above_and_below, beside, (0, 0)), mode="edge")
    return Image.fromarray(whole), framed_pose(pose, size, framing)
