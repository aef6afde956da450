"""BlazePose through MediaPipe: 33 points of each person, of which 17 are ours, and the neck between the shoulders."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from PIL import Image

from imagpose.data.keypoints import JOINTS, MISSING
from imagpose.data.pose_detector import Found, found, largest_first
from imagpose.errors import InputError
from imagpose.models.weights import File
from imagpose.pose.optional import library

Array = np.ndarray
NAME = "blazepose"
POINTS = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_shoulder": 11, "right_shoulder": 12,
    "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23, "right_hip": 24,
    "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
}  # fmt: skip
"""Which of BlazePose's 33 points each joint is; the neck is none of them."""
_FILES = ("pose_landmarker_full.task", "pose_landmarker_heavy.task", "pose_landmarker_lite.task")
_PAGE = "ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker"
_SURE = 0.5  # of a joint, as MediaPipe draws it
_MOST = 16  # people of a picture


class BlazePoseDetector:
    """MediaPipe's pose landmarker, opened for each photograph: one that is left open cannot close when Python ends.

    Args:
        opened: Opens a ``PoseLandmarker`` of MediaPipe.
        as_image: Makes MediaPipe's picture of pixels, (H, W, 3) uint8.
    """

    def __init__(self, opened: Callable[[], AbstractContextManager[Any]], as_image: Callable[[Array], Any]) -> None:
        self.opened, self.as_image = opened, as_image

    @staticmethod
    def load(device: str = "cpu", name: str = NAME) -> BlazePoseDetector:
        """The bundle of a weights folder: pose_landmarker_full.task, the heavy or the lite one.

        Args:
            device: Not looked at; MediaPipe computes on the CPU.
            name: Of the folder or a hub id, see :func:`imagpose.models.weights.places`.

        Raises:
            InputError: MediaPipe or the file cannot be had, or is not as it must be.
        """
        mediapipe, vision = library("mediapipe", "blazepose"), library("mediapipe.tasks.python.vision", "blazepose")
        options = library("mediapipe.tasks.python.core.base_options", "blazepose")
        file = File(name, _FILES)
        if (path := file.path()) is None:
            try:
                path = file.fetch()
            except InputError as error:
                raise InputError(f"{str(error).rstrip('.')}; the file is {_FILES[0]} of {_PAGE}.") from error
        try:
            bundle = options.BaseOptions(model_asset_buffer=path.read_bytes())
            wanted = vision.PoseLandmarkerOptions(base_options=bundle, num_poses=_MOST)
            with vision.PoseLandmarker.create_from_options(wanted):
                pass  # a file that is none is told now
        except (OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(f"{path} cannot be used by MediaPipe ({reason}); download it again.") from error
        return BlazePoseDetector(
            lambda: vision.PoseLandmarker.create_from_options(wanted),
            lambda pixels: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels),
        )

    def detect(self, picture: Image.Image) -> list[Found]:
        """Find everybody, see :class:`imagpose.data.pose_detector.PoseDetector`."""
        size = (picture.height, picture.width)
        with self.opened() as landmarker:
            seen = landmarker.detect(self.as_image(np.array(picture.convert("RGB"))))
        return largest_first(found(*openpose(_values(person), size), size, _SURE) for person in seen.pose_landmarks)


def _values(person: Any) -> Array:
    """x and y relative to the picture and how sure it is that a point is in sight, (33, 3)."""
    return np.array([(point.x, point.y, min(point.visibility or 0.0, point.presence or 0.0)) for point in person])


def openpose(points: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """BlazePose's points as joints in OpenPose's order.

    Args:
        points: x and y from 0 to 1 of the picture, beyond it where a point has left it, and a score, (33, 3).
        size: Height and width of the picture in pixels.

    Returns:
        x and y in pixels, (18, 2), and scores, (18,). The neck is the middle of the shoulders and as sure as the less
        sure one of them.
    """
    pixels = points[:, :2] * (size[1], size[0]) - 0.5
    joints, scores = np.full((len(JOINTS), 2), MISSING), np.zeros(len(JOINTS))
    for joint, point in POINTS.items():
        joints[JOINTS.index(joint)], scores[JOINTS.index(joint)] = pixels[point], points[point, 2]
    shoulders = [JOINTS.index("left_shoulder"), JOINTS.index("right_shoulder")]
    joints[JOINTS.index("neck")], scores[JOINTS.index("neck")] = joints[shoulders].mean(0), scores[shoulders].min()
    return joints, scores
