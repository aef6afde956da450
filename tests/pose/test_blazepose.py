"""BlazePose behind the contract: against a stand-in's points, and MediaPipe itself where it and its file are there."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from imagpose.data.keypoints import FLIP_ORDER, JOINTS, MISSING
from imagpose.errors import InputError
from imagpose.models.weights import File
from imagpose.pose import blazepose
from imagpose.pose.blazepose import BlazePoseDetector, openpose
from imagpose.pose.detectors import load_detector

# MediaPipe's own list, of which the 33 points are in order.
NAMES = [
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
]  # fmt: skip


def _points(shift=0.0, scale=1.0):
    numbers = np.arange(33)
    return np.stack([shift + scale * (numbers + 1) / 40, (numbers + 2) / 50, np.full(33, 0.9)], axis=1)


def _detector(*people):
    def landmark(x, y, sure):
        return SimpleNamespace(x=x, y=y, visibility=sure, presence=1.0)

    said = SimpleNamespace(pose_landmarks=[[landmark(*point) for point in person] for person in people])
    return BlazePoseDetector(lambda: nullcontext(SimpleNamespace(detect=lambda image: said)), lambda pixels: pixels)


def test_each_joint_is_the_point_of_its_name():
    joints, scores = openpose(_points(), (100, 200))
    for joint in set(JOINTS) - {"neck"}:
        x, y, _ = _points()[NAMES.index(joint)]
        assert joints[JOINTS.index(joint)] == pytest.approx([x * 200 - 0.5, y * 100 - 0.5]), joint
    assert (scores == 0.9).all()


def test_the_neck_is_between_the_shoulders_and_as_sure_as_the_less_sure_one():
    points = _points()
    points[NAMES.index("left_shoulder"), 2] = 0.2
    joints, scores = openpose(points, (100, 200))
    left, right = (joints[JOINTS.index(f"{side}_shoulder")] for side in ("left", "right"))
    assert joints[JOINTS.index("neck")] == pytest.approx((left + right) / 2)
    assert scores[JOINTS.index("neck")] == 0.2
    (found,) = _detector(points).detect(Image.new("RGB", (200, 100)))
    assert (found.pose.keypoints[JOINTS.index("neck")] == MISSING).all()


def test_a_mirrored_person_has_the_joints_of_the_other_side():
    points = _points()
    mirrored = points.copy()
    for number, name in enumerate(NAMES):
        side, _, part = name.partition("_")
        other = {"left": f"right_{part}", "right": f"left_{part}"}.get(side, name)
        other = {"mouth_left": "mouth_right", "mouth_right": "mouth_left"}.get(name, other)
        mirrored[NAMES.index(other)] = points[number]
    mirrored[:, 0] = 1 - mirrored[:, 0]
    joints, _ = openpose(points, (100, 200))
    flipped, _ = openpose(mirrored, (100, 200))
    expected = joints[list(FLIP_ORDER)]
    expected[:, 0] = 199 - expected[:, 0]
    assert flipped == pytest.approx(expected)


def test_several_people_come_largest_first_and_what_left_the_picture_is_missing():
    found = _detector(_points(scale=0.3), _points(scale=1.0), _points(shift=2.0)).detect(Image.new("RGB", (200, 100)))
    assert len(found) == 2  # the third is out of the picture
    assert np.ptp(found[0].pose.keypoints[:, 0]) > np.ptp(found[1].pose.keypoints[:, 0])
    points = _points()
    points[NAMES.index("right_ankle"), 1] = 1.3
    (one,) = _detector(points).detect(Image.new("RGB", (200, 100)))
    assert (one.pose.keypoints[JOINTS.index("right_ankle")] == MISSING).all()


def test_nobody():
    assert _detector().detect(Image.new("RGB", (200, 100))) == []


# MediaPipe itself ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install 'imagpose[pose]'")
    if File(blazepose.NAME, blazepose._FILES).path() is None:
        pytest.skip(f"there is no {blazepose._FILES[0]} in weights/{blazepose.NAME}")
    return load_detector("blazepose")


def test_a_real_photograph(real):
    """The astronaut of scikit-image, whose face and shoulders anybody can point at."""
    photograph = pytest.importorskip("skimage.data").astronaut()
    (found,) = real.detect(Image.fromarray(photograph))
    at = {joint: found.pose.keypoints[JOINTS.index(joint)] for joint in JOINTS}
    assert at["nose"] == pytest.approx([223, 127], abs=12)
    assert at["right_eye"] == pytest.approx([205, 103], abs=12)
    assert at["left_eye"] == pytest.approx([247, 112], abs=12)
    assert at["right_shoulder"] == pytest.approx([112, 240], abs=30)
    assert (at["left_knee"] == MISSING).all()  # below the picture
    assert found.score > 0.8


def test_an_empty_picture_shows_nobody(real):
    assert real.detect(Image.new("RGB", (300, 200), "white")) == []


def test_a_damaged_file_is_told(tmp_path):
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install 'imagpose[pose]'")
    (tmp_path / "pose_landmarker_full.task").write_bytes(b"no bundle")
    with pytest.raises(InputError, match=r"pose_landmarker_full\.task cannot be used by MediaPipe"):
        load_detector("blazepose", weights=str(tmp_path))


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match=r"mediapipe|pose_landmarker_full\.task"):
        load_detector("blazepose", weights=str(tmp_path / "nothing"))
