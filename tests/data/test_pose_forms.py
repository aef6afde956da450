"""Pose files as detectors write them."""

import json
import warnings

import numpy as np
import pytest

from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import JOINTS, MISSING
from imagpose.errors import InputError, InputWarning

SIZE = (128, 88)
POINTS = np.stack([np.linspace(8, 76, 18), np.linspace(6, 120, 18)], 1)
LEFT_WRIST = JOINTS.index("left_wrist")
COCO = [
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
]  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def read_(found, size=None):
        path = tmp_path / "pose.json"
        path.write_text(found if isinstance(found, str) else json.dumps(found), encoding="utf-8")
        return BodyPose.read(path, size)

    return read_


def triples(points, score=0.9):
    return [value for x, y in points for value in (x, y, 0 if x < 0 else score)]


def body_25(points):
    order = [*range(8), None, *range(8, 18)]  # MidHip stands after the wrists
    joints = [(5.0, 5.0) if i is None else points[i] for i in order]
    return triples([*joints, *[(3.0, 3.0)] * 6])


def coco(points):
    return triples([points[JOINTS.index(name)] for name in COCO])


@pytest.mark.parametrize(
    "found",
    [
        {"size": SIZE, "keypoints": POINTS.tolist()},
        {"size": SIZE, "keypoints": [[*point, 0.7] for point in POINTS.tolist()]},
        {"size": SIZE, "keypoints": triples(POINTS)},
        {"people": [{"pose_keypoints_2d": triples(POINTS)}]},
        {"people": [{"pose_keypoints_2d": triples(POINTS)}], "canvas_height": 128, "canvas_width": 88},
        {"people": [{"pose_keypoints_2d": triples(POINTS / (88, 128))}]},
        {"version": 1.3, "people": [{"pose_keypoints_2d": body_25(POINTS)}]},
        "\ufeff" + json.dumps({"size": SIZE, "keypoints": POINTS.tolist()}),
    ],
)
def test_every_form_says_the_same(read, found):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pose = read(found, SIZE)
    assert pose.size == SIZE
    np.testing.assert_allclose(pose.keypoints, POINTS, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda k: {"keypoints": k}, lambda k: [{"keypoints": k, "category_id": 1}],
    lambda k: {"images": [{"height": 128, "width": 88}], "annotations": [{"keypoints": k}]}])  # fmt: skip
def test_cocos_neck_is_the_middle_of_its_shoulders(read, wrap):
    shoulders = [JOINTS.index(f"{side}_shoulder") for side in ("left", "right")]
    expected = POINTS.copy()
    expected[JOINTS.index("neck")] = POINTS[shoulders].mean(0)
    np.testing.assert_allclose(read(wrap(coco(POINTS)), SIZE).keypoints, expected)
    hidden = POINTS.copy()
    hidden[shoulders[0]] = MISSING
    assert (read(wrap(coco(hidden)), SIZE).keypoints[JOINTS.index("neck")] == MISSING).all()


@pytest.mark.parametrize("missing", [None, [-1, -1], [0, 0], [0, 0, 0], [30, 40, 0.01]])
def test_missing_joints_are_missing_however_they_are_written(read, missing):
    joints = POINTS.tolist()
    joints[LEFT_WRIST] = missing
    keypoints = read({"size": SIZE, "keypoints": joints}).keypoints
    assert keypoints[LEFT_WRIST].tolist() == [MISSING, MISSING]
    assert (np.delete(keypoints, LEFT_WRIST, 0) >= 0).all()


def test_of_several_people_the_largest_is_taken_and_said(read):
    small = [{"pose_keypoints_2d": triples(POINTS / 4)}, {"pose_keypoints_2d": triples([(0, 0)] * 18)}]
    with pytest.warns(InputWarning, match=r"pose\.json holds 2 people; the largest is taken"):
        pose = read({"people": [*small, {"pose_keypoints_2d": triples(POINTS)}]}, SIZE)
    np.testing.assert_allclose(pose.keypoints, POINTS)


def test_joints_outside_the_frame_are_named_and_missing(read):
    joints = POINTS.tolist()
    joints[LEFT_WRIST] = [95, 40]
    with pytest.warns(InputWarning, match="outside its 128×88 frame and taken as missing: left_wrist"):
        assert (read({"size": SIZE, "keypoints": joints}).keypoints[LEFT_WRIST] == MISSING).all()


def test_numbers_that_look_relative_are_taken_so_and_said(read):
    relative = POINTS / (88, 128)
    relative[LEFT_WRIST] = [1.05, 0.5]  # a detector's joint outside of the picture
    with pytest.warns(InputWarning) as told:
        keypoints = read({"size": SIZE, "keypoints": relative.tolist()}).keypoints
    assert "no number is above 1.05, so they are taken as relative to the frame" in str(told[0].message)
    assert "taken as missing: left_wrist" in str(told[1].message)
    np.testing.assert_allclose(np.delete(keypoints, LEFT_WRIST, 0), np.delete(POINTS, LEFT_WRIST, 0), atol=1e-6)


def one_at(x, y):
    joints = POINTS.tolist()
    joints[LEFT_WRIST] = [x, y]
    return {"size": SIZE, "keypoints": joints}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"people": [{"pose_keypoints_2d": triples(POINTS)}]}, "does not say the size of its frame; add --pose_size"),
        ({"people": []}, "it holds nobody"),
        ([], "it holds nobody"),
        ({"size": SIZE, "keypoints": POINTS[:, ::-1].tolist()}, "would fit with one pair turned round"),
        ({"size": (32, 22), "keypoints": POINTS.tolist()}, "the size must be that of the picture"),
        (one_at(1e30, 1e30), "left_wrist at x 1e+30, y 1e+30, far outside"),
        (one_at(1e300, 4), "far outside"),
        ({"size": (10**6, 10**6), "keypoints": POINTS.tolist()}, "sides must be 1 to 32768 pixels"),
        ({"size": SIZE, "keypoints": [[0, 0]] * 18}, "has no visible joint"),
        ({"size": SIZE, "keypoints": POINTS.tolist()[:17]}, "17 joints without a score"),
        ({"size": (88, 128), "keypoints": POINTS.tolist()}, "would fit with one pair turned round"),
        ({"size": SIZE, "keypoints": POINTS.tolist()[:16]}, "it holds 16 joint(s), and 17, 18 or 25 are known"),
        ({"size": SIZE, "keypoints": [1.0] * 53}, "53 numbers are no x, y and score"),
        ({"size": SIZE, "keypoints": [[1, 2, 3, 4]] * 18}, "a joint of 4 numbers"),
        ({"size": SIZE, "keypoints": [["a", "b"]] * 18}, "is no pose file"),
        ({"size": SIZE, "keypoints": None}, "is no pose file"),
        ('{"size": [128, 88], "keypoints": [[NaN, 1]' + ", null" * 17 + "]}", "a number that is not finite"),
        ("[" * 10_000, "cannot be read as JSON"),
        ('"text"', "is no pose file"),
        ("3", "is no pose file"),
        ("[3]", "is no pose file"),
        ("null", "is no pose file"),
        ("", "cannot be read as JSON"),
    ],
)
def test_what_is_no_pose_is_refused_in_a_sentence(read, found, sentence):
    with pytest.raises(InputError) as raised:
        read(found)
    assert sentence in str(raised.value)
    assert "pose.json" in str(raised.value)
    assert "\n" not in str(raised.value)
