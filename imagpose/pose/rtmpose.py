"""RTMPose and DWPose through rtmlib, as the paper's authors detect their keypoints."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagpose.data.keypoints import NUM_JOINTS
from imagpose.data.pose_detector import Found, found, largest_first
from imagpose.errors import InputError
from imagpose.models.weights import File
from imagpose.pose.optional import library

NAME = "yzd-v/DWPose"
_PEOPLE = ("yolox_l.onnx", "detector.onnx")
_JOINTS = ("dw-ll_ucoco_384.onnx", "pose.onnx")
_SURE = 0.3  # of a joint, as the authors of DWPose and rtmlib take it


class RTMPoseDetector:
    """YOLOX finds people, and RTMPose or DWPose the joints of each.

    Args:
        people: rtmlib's detector of people: a picture in, boxes out.
        joints: rtmlib's estimator: a picture and boxes in, joints and their scores out, OpenPose's 18 first.
    """

    def __init__(self, people: Any, joints: Any) -> None:
        self.people, self.joints = people, joints

    @staticmethod
    def load(device: str = "cpu", name: str = NAME) -> RTMPoseDetector:
        """Two ONNX files of one folder: yolox_l.onnx and dw-ll_ucoco_384.onnx, or detector.onnx and pose.onnx.

        They may be any YOLOX and any RTMPose that rtmlib reads, of 17 joints or of the whole body, and are computed at
        the size that they say.

        Args:
            device: ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
            name: Of the folder or the hub id, see :func:`imagpose.models.weights.places`.

        Raises:
            InputError: rtmlib or the files cannot be had, or are not as they must be.
        """
        tools = library("rtmlib", "rtmlib")
        people = _open(tools.YOLOX, File(name, _PEOPLE).fetch(), device)
        joints = _open(tools.RTMPose, File(name, _JOINTS).fetch(), device, to_openpose=True)
        people.model_input_size = _size(people, (640, 640))
        joints.model_input_size = _size(joints, (384, 288))[::-1]  # rtmlib says width and height here, and only here
        return RTMPoseDetector(people, joints)

    def detect(self, picture: Image.Image) -> list[Found]:
        """Find everybody, see :class:`imagpose.data.pose_detector.PoseDetector`."""
        pixels = np.ascontiguousarray(np.asarray(picture.convert("RGB"))[..., ::-1])  # rtmlib takes OpenCV's BGR
        boxes = self.people(pixels)
        if len(boxes) == 0:  # of no boxes rtmlib would take the whole picture for a person
            return []
        points, scores = self.joints(pixels, bboxes=boxes)
        size = (picture.height, picture.width)
        return largest_first(
            found(joints[:NUM_JOINTS], sure[:NUM_JOINTS], size, _SURE)
            for joints, sure in zip(points, scores, strict=True)
        )


def _open(kind: Any, path: Path, device: str, **options: Any) -> Any:
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it tells what it loads
            return kind(str(path), device=device, **options)
    except Exception as error:  # onnxruntime raises kinds of its own
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{path} cannot be used by rtmlib on {device} ({reason}); download it again.") from error


def _size(tool: Any, usual: tuple[int, int]) -> tuple[int, int]:
    """The height and width in pixels that a network's file says; the usual ones where it leaves them free."""
    height, width = tool.session.get_inputs()[0].shape[2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else usual
