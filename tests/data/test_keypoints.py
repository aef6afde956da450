import numpy as np
import pytest

from imagpose.data.keypoints import COLOURS, JOINTS, draw_pose, figure_box, flip, rescale, visible


@pytest.fixture
def keypoints():
    points = np.stack([np.linspace(4, 38, 18), np.linspace(3, 60, 18)], 1)
    points[JOINTS.index("left_wrist")] = -1
    return points


def test_flipping_twice_is_the_identity_and_swaps_sides(keypoints):
    flipped = flip(keypoints, 44)
    np.testing.assert_allclose(flip(flipped, 44), keypoints)
    assert flipped[JOINTS.index("right_wrist")].tolist() == [-1, -1]
    x, y = keypoints[JOINTS.index("right_hip")]
    np.testing.assert_allclose(flipped[JOINTS.index("left_hip")], [43 - x, y])


def test_a_flipped_pose_map_is_the_mirror_image_in_other_colours(keypoints):
    plain, mirrored = draw_pose(keypoints, (64, 44)), draw_pose(flip(keypoints, 44), (64, 44))
    np.testing.assert_allclose((plain > 0).any(-1), (mirrored > 0).any(-1)[:, ::-1])


def test_missing_joints_draw_no_limb(keypoints):
    alone = np.full((18, 2), -1.0)
    alone[JOINTS.index("neck")] = 20, 20
    drawn = draw_pose(alone, (64, 44))
    np.testing.assert_allclose(drawn[20, 20], COLOURS[JOINTS.index("neck")])
    assert (drawn.sum(-1) > 0).sum() < 20
    assert draw_pose(np.full((18, 2), -1.0), (64, 44)).max() == 0


def test_the_picture_is_the_same_at_every_resolution(keypoints):
    small = draw_pose(keypoints, (64, 44))
    large = draw_pose(rescale(keypoints, (64, 44), (256, 176)), (256, 176))
    pooled = large.reshape(64, 4, 44, 4, 3).mean((1, 3))
    assert np.abs(pooled - small).mean() < 0.03


def test_rescaling_keeps_what_is_missing(keypoints):
    there = rescale(keypoints, (64, 44), (256, 176))
    assert visible(there).tolist() == visible(keypoints).tolist()
    np.testing.assert_allclose(rescale(there, (256, 176), (64, 44)), keypoints)


def test_the_box_holds_the_figure(keypoints):
    top, bottom, left, right = figure_box(keypoints, (64, 44))
    assert (top, bottom) == (0, 64)
    assert left <= 4
    assert right >= 38
    assert figure_box(np.full((18, 2), -1.0), (64, 44)) == (0, 64, 0, 44)
