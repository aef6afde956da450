"""What all detectors share: names, people largest first, joints that are unsure or left the picture, and the choice."""

from pathlib import Path

import numpy as np
import pytest

from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import FLIP_ORDER, JOINTS, MISSING, NUM_JOINTS, visible
from imagpose.data.pose_detector import DETECTORS, box_of, found, largest_first
from imagpose.errors import InputError
from imagpose.pose.detectors import _HOMES, choose, load_detector, told
from imagpose.pose.pck import score_joints

SIZE = (100, 80)
SURE = np.full(NUM_JOINTS, 0.8)


def _points(side: float) -> np.ndarray:
    return np.stack([np.linspace(1, side, NUM_JOINTS), np.linspace(2, side, NUM_JOINTS)], axis=1)


def test_every_name_has_a_home():
    assert set(_HOMES) == set(DETECTORS)
    with pytest.raises(InputError, match="no pose detector 'openpose'; there are: mannequin, rtmlib, blazepose"):
        load_detector("openpose")


def test_joints_beyond_the_picture_or_unsure_are_missing():
    points, scores = _points(70), SURE.copy()
    points[2], points[3], points[4] = (-3, 10), (10, 100), (-0.4, 99.4)
    scores[5] = 0.2
    one = found(points, scores, SIZE, 0.5)
    assert visible(one.pose.keypoints).sum() == NUM_JOINTS - 3
    assert one.pose.keypoints[4].tolist() == [0, 99]  # within the edge's own pixels
    assert (one.pose.keypoints[[2, 3, 5]] == MISSING).all()
    assert one.score == pytest.approx(0.8)
    assert found(points, SURE * 3, SIZE, 0.5).score == 1


def test_what_has_fewer_than_four_joints_is_nobody():
    scores = np.where(np.arange(NUM_JOINTS) < 3, 0.9, 0.1)
    assert found(_points(70), scores, SIZE, 0.5) is None


def test_the_largest_is_first():
    people = largest_first([found(_points(20), SURE, SIZE, 0.5), None, found(_points(70), SURE, SIZE, 0.5)])
    assert [box_of(one.pose)[2] for one in people] == [70.5, 20.5]


def test_one_is_chosen_by_number():
    people = largest_first(found(_points(side), SURE, SIZE, 0.5) for side in (20, 70))
    assert choose(people, 2, Path("a.jpg"), "rtmlib") is people[1].pose
    with pytest.raises(InputError, match=r"sees 2 people in a\.jpg, so there is no --person 3"):
        choose(people, 3, Path("a.jpg"), "rtmlib")
    with pytest.raises(InputError, match=r"sees nobody in a\.jpg; name another --detector"):
        choose([], 1, Path("a.jpg"), "rtmlib")
    assert told(people, 2, "rtmlib") == (
        "18 of 18 joints of person 2 of 2, the largest being 1, found by the detector rtmlib"
    )
    assert told(people[:1], 1, "rtmlib") == "18 of 18 joints, found by the detector rtmlib"


def test_a_missing_library_is_told_with_what_to_install(monkeypatch):
    from imagpose.pose import optional

    def missing(name):
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(optional, "import_module", missing)
    for name in ("rtmlib", "blazepose"):
        with pytest.raises(InputError, match=rf"The detector {name} needs .*pip install 'imagpose\[pose\]'"):
            load_detector(name)


def test_pck_is_relative_to_the_figure():
    truth = _points(80)  # a figure whose box is 79 by 78
    missing = JOINTS.index("left_shoulder")
    truth[missing] = MISSING
    seen = visible(truth)
    near, far = (
        np.where(seen[:, None], np.add(truth, (79 * 0.05 + more, 0)), MISSING) for more in (-0.01, 0.01)
    )  # fmt: skip
    assert score_joints([truth], [BodyPose(SIZE, near)]).pck == 1
    assert score_joints([truth], [BodyPose(SIZE, far)]).pck == 0
    assert score_joints([truth, truth], [BodyPose(SIZE, near), None]).pck == 0.5
    both = score_joints([truth], [BodyPose(SIZE, near)])
    assert both.missing_recall == 1
    assert both.by_joint == [float(joint != missing) for joint in range(NUM_JOINTS)]
    told_all = np.where(seen[:, None], near, 5.0)
    assert score_joints([truth], [BodyPose(SIZE, told_all)]).missing_recall == 0
    swapped = BodyPose(SIZE, near[list(FLIP_ORDER)])  # left for right is wrong
    assert score_joints([truth], [swapped]).pck < 0.2
