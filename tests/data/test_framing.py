"""A photograph is cut to the figure with the margins that training pictures have, its pose with it."""

import numpy as np
import pytest
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.framing import ABOVE, BELOW, BESIDE, frame_of, framed, framed_pose
from imagpose.data.keypoints import JOINTS, MISSING, visible
from imagpose.data.readers.deepfashion import DeepFashion

SIZE = (64, 44)


def _margins(pose: BodyPose) -> tuple[float, float, float]:
    """Above, below and beside a pose's joints, relative to the height of their box."""
    seen = pose.keypoints[visible(pose.keypoints)] + 0.5
    (left, top), (right, bottom) = seen.min(0), seen.max(0)
    height = bottom - top
    return top / height, (pose.size[0] - bottom) / height, min(left, pose.size[1] - right) / height


@pytest.fixture(scope="module")
def poses(mannequin_root):
    index = DeepFashion(mannequin_root)
    return [BodyPose(record.frame, record.keypoints) for record in index.records.values()]


def test_the_margins_are_those_of_the_mannequins(poses):
    above, below, beside = np.array([_margins(pose) for pose in poses]).T
    assert np.median(above) == pytest.approx(ABOVE, abs=0.01)
    assert np.median(below) == pytest.approx(BELOW, abs=0.01)
    assert np.percentile(beside, 5) == pytest.approx(BESIDE, abs=0.03)


def test_a_training_picture_is_framed_about_as_it_is(poses):
    for pose in poses:
        frame = frame_of(pose, SIZE)
        height, width = pose.size
        off = np.array([frame.left, frame.top, frame.right - width, frame.bottom - height]) / height
        assert np.abs(off).max() < 0.12
        assert np.median(np.abs(off)) < 0.06


def test_a_small_figure_anywhere_in_a_photograph_is_brought_to_the_same_place(poses):
    whole = poses[0]
    scale, shift = 0.5, np.array([333.0, 71.0])
    small = BodyPose((600, 900), np.where(visible(whole.keypoints)[:, None], whole.keypoints * scale + shift, MISSING))
    one, other = framed_pose(whole, SIZE, "figure"), framed_pose(small, SIZE, "figure")
    seen = visible(one.keypoints)
    assert (seen == visible(other.keypoints)).all()
    ratio = one.size[0] / other.size[0]
    assert ratio == pytest.approx(2, abs=0.02)
    assert one.keypoints[seen] == pytest.approx(other.keypoints[seen] * ratio, abs=2)
    assert other.size[0] / other.size[1] == pytest.approx(64 / 44, abs=0.02)


def test_picture_and_pose_are_cut_alike_and_edges_are_repeated():
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(200)[:, None], np.arange(300) // 2
    keypoints = np.full((18, 2), MISSING)
    # The arms reach the left edge, so that the frame goes beyond it.
    for joint, at in {"nose": (60, 40), "neck": (60, 70), "right_hip": (52, 120), "left_hip": (68, 120),
                      "right_wrist": (3, 90), "left_wrist": (100, 90), "right_ankle": (50, 190)}.items():  # fmt: skip
        keypoints[JOINTS.index(joint)] = at
    picture, pose = framed(Image.fromarray(pixels), BodyPose((200, 300), keypoints), SIZE, "figure")
    assert pose.size == (picture.height, picture.width)
    seen = visible(keypoints)
    for (x, y), (column, row) in zip(keypoints[seen], pose.keypoints[seen], strict=True):
        assert np.asarray(picture)[round(row), round(column)].tolist() == [int(y), int(x) // 2, 0]
    frame = frame_of(BodyPose((200, 300), keypoints), SIZE)
    assert frame.left < 0 < frame.right
    assert (np.asarray(picture)[:, : -frame.left] == np.asarray(picture)[:, -frame.left][:, None]).all()


def test_letterbox_leaves_both_as_they_are(poses):
    picture = Image.new("RGB", (176, 256))
    assert framed(picture, poses[0], SIZE, "letterbox") == (picture, poses[0])
    assert framed_pose(poses[0], SIZE, "letterbox") is poses[0]


def test_a_pose_of_another_scale_than_its_picture(poses):
    picture, pose = framed(Image.new("RGB", (44, 64)), poses[0], SIZE, "figure")
    assert pose.size == (picture.height, picture.width)
    assert picture.height == pytest.approx(64, abs=6)


@pytest.mark.parametrize("joints", [1, 2])
def test_a_pose_of_few_joints_has_a_frame(joints):
    keypoints = np.full((18, 2), MISSING)
    keypoints[:joints] = 5.0
    picture, pose = framed(Image.new("RGB", (20, 10)), BodyPose((10, 20), keypoints), SIZE, "figure")
    assert visible(pose.keypoints).sum() == joints
    assert pose.size == (picture.height, picture.width)


@pytest.mark.parametrize("at", [(19.99, 5.0), (5.0, 9.99), (19.99, 9.99), (0.0, 0.0)])
def test_a_joint_at_the_edge_has_a_frame_within_the_photograph(at):
    keypoints = np.full((18, 2), MISSING)
    keypoints[0] = at
    pose = BodyPose((10, 20), keypoints)
    frame = frame_of(pose, SIZE)
    assert (frame.left < 20, frame.top < 10, frame.right > 0, frame.bottom > 0) == (True,) * 4
    picture, inside = framed(Image.new("RGB", (20, 10), "red"), pose, SIZE, "figure")
    assert (np.asarray(picture) == (255, 0, 0)).all()
    assert visible(inside.keypoints).tolist() == visible(keypoints).tolist()


@pytest.mark.parametrize("shape", [(40, 3000), (3000, 40)])
def test_a_frame_that_would_be_huge_is_shown_at_a_smaller_scale(shape, monkeypatch):
    monkeypatch.setattr("imagpose.data.framing.WHOLE", 100_000)
    height, width = shape
    keypoints = np.full((18, 2), MISSING)
    keypoints[0], keypoints[10] = (0, 0), (width - 1, height - 1)
    picture, pose = framed(Image.new("RGB", (width, height)), BodyPose(shape, keypoints), SIZE, "figure")
    assert 80_000 < picture.width * picture.height < 110_000
    assert pose.size == (picture.height, picture.width)
    assert pose.size[0] / pose.size[1] == pytest.approx(64 / 44, abs=0.02)
    along = int(height > width)
    assert pose.keypoints[10, along] - pose.keypoints[0, along] > 0.6 * pose.size[1 - along]
