"""What disturbs a pose or a canvas, as functions: what they change, by how much, and what they leave alone."""

from itertools import pairwise

import numpy as np
import pytest

from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import JOINTS, visible
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError
from imagpose.generation.canvases import canvases_of_pairs
from imagpose.reproduction.chosen import choose
from imagpose.reproduction.disturbances import before_busy, disagreeing, noised, swapped, thinned, with_poses
from imagpose.reproduction.robustness import strangers


def rng(number=0):
    return np.random.default_rng(number)


@pytest.fixture
def pose():
    """In the middle of its frame, far from its edges; the nose and an ear are missing."""
    points = rng(5).uniform((60, 100), (116, 156), (18, 2))
    points[[JOINTS.index("nose"), JOINTS.index("left_ear")]] = -1
    return BodyPose((256, 176), points)


@pytest.fixture(scope="module")
def canvases(mannequin_root, tmp_path_factory):
    """Of two people in T1 and T3."""
    listed = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    pairs = choose(DeepFashion(mannequin_root), 2, 0)
    listed.write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    return {scenario: list(canvases_of_pairs(mannequin_root, listed, scenario)) for scenario in ("T1", "T3")}


def poses(canvas):
    return [pose.keypoints for pose in (*canvas.source_poses, *canvas.target_poses)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_no_noise_is_the_same_bits_even_at_the_edges(pose):
    points = pose.keypoints.copy()
    points[2:6] = (0, 0), (175, 255), (175.4, 255.4), (0, 255.4)
    for of in (pose, BodyPose(pose.size, points)):
        assert noised(of, rng(), 0).keypoints.tobytes() == of.keypoints.tobytes()


def test_noise_is_one_draw_that_sigma_scales(pose):
    by = {sigma: noised(pose, rng(), sigma).keypoints - pose.keypoints for sigma in (1, 2, 5, 10)}
    assert (by[1][visible(pose.keypoints)] != 0).all()
    for sigma, moved in by.items():
        np.testing.assert_allclose(moved, sigma * by[1], atol=1e-9)
        assert (moved[~visible(pose.keypoints)] == 0).all()  # what is missing stays so
    assert not np.array_equal(by[1], noised(pose, rng(1), 1).keypoints - pose.keypoints)


def test_sigma_is_the_deviation_in_pixels_of_256_rows():
    middle = BodyPose((256, 176), np.full((18, 2), 88.0))
    moved = np.concatenate([noised(middle, rng(i), 5).keypoints - 88 for i in range(300)])
    assert moved.std() == pytest.approx(5, rel=0.03)
    assert moved.mean() == pytest.approx(0, abs=0.15)
    quarter = BodyPose((64, 44), np.full((18, 2), 22.0))
    np.testing.assert_allclose(noised(quarter, rng(), 5).keypoints - 22, (noised(middle, rng(), 5).keypoints - 88) / 4)


def test_noise_leaves_every_joint_in_the_picture_and_found(pose):
    strong = noised(pose, rng(), 500)
    assert visible(strong.keypoints).tolist() == visible(pose.keypoints).tolist()
    assert strong.keypoints.max(0).tolist() == [175, 255]


def test_a_larger_share_drops_the_same_joints_and_more(pose):
    left = {share: visible(thinned(pose, rng(), share).keypoints) for share in (0, 0.1, 0.25, 0.5, 1)}
    assert [int(16 - found.sum()) for found in left.values()] == [0, 2, 4, 8, 15]  # of 16, of which one is left
    for fewer, more in pairwise(left.values()):
        assert not (more & ~fewer).any()
    kept = thinned(pose, rng(), 0.5).keypoints
    assert np.array_equal(kept[left[0.5]], pose.keypoints[left[0.5]])  # and moves none
    assert not np.array_equal(left[0.5], visible(thinned(pose, rng(1), 0.5).keypoints))


def test_the_last_joint_stays():
    points = np.full((18, 2), -1.0)
    points[3] = 10, 20
    assert np.array_equal(thinned(BodyPose((64, 44), points), rng(), 1).keypoints, points)


def test_swapping_renames_the_sides_and_twice_nothing(pose):
    once = swapped(pose)
    for joint in ("shoulder", "wrist", "ankle", "eye", "ear"):
        left, right = JOINTS.index(f"left_{joint}"), JOINTS.index(f"right_{joint}")
        assert np.array_equal(once.keypoints[left], pose.keypoints[right])
        assert np.array_equal(once.keypoints[right], pose.keypoints[left])
    assert np.array_equal(once.keypoints[1], pose.keypoints[1])  # the neck has no side
    assert swapped(once).keypoints.tobytes() == pose.keypoints.tobytes()


def test_every_place_on_every_canvas_has_a_draw_of_its_own(canvases):
    def draw(pose, rng):
        drawn.append(rng.random())
        return pose

    drawn: list = []
    for canvas in canvases["T3"]:
        with_poses(canvas, draw)
    assert len(drawn) == len(set(drawn)) == 6 * 4  # three sources and a pose
    drawn.clear()
    with_poses(canvases["T3"][1], draw, sources=False)
    with_poses(canvases["T3"][1], draw)
    assert drawn[0] == drawn[-1]  # whichever others are changed


@pytest.mark.parametrize(("sources", "targets"), [(True, False), (False, True), (True, True)])
def test_only_what_is_asked_for_is_changed(canvases, sources, targets):
    for canvas in canvases["T1"]:
        changed = with_poses(canvas, lambda pose, _: swapped(pose), sources, targets)
        expected = [swapped(pose) if sources else pose for pose in canvas.source_poses]
        expected += [swapped(pose) if targets else pose for pose in canvas.target_poses]
        assert same(poses(changed), [pose.keypoints for pose in expected])
        for name in ("sources", "outputs", "seed", "setting", "truths", "views"):
            assert getattr(changed, name) == getattr(canvas, name)


def test_the_same_people_stand_before_busy_backgrounds(canvases, mannequin_root, tmp_path):
    wardrobe, index = Wardrobe.of(mannequin_root), DeepFashion(mannequin_root)
    one, other = (before_busy(canvas, wardrobe, tmp_path) for canvas in canvases["T1"][:2])  # of one source
    pictures = [np.asarray(canvas.read_sources()[0]).astype(int) for canvas in (one, other)]
    plain = canvases["T1"][0]
    name = plain.views[plain.sources[0]].name
    assert index.records[name].path == plain.sources[0]
    drawing = wardrobe.draw(wardrobe.person(name), name)
    outline = drawing.silhouette
    core = outline & np.roll(outline, 1, 0) & np.roll(outline, -1, 0) & np.roll(outline, 1, 1) & np.roll(outline, -1, 1)
    truth = np.asarray(plain.read_sources()[0]).astype(int)
    for picture in pictures:
        assert picture.shape == truth.shape
        assert np.abs(picture - truth)[core].mean() < 4  # JPEG
        assert np.abs(picture - truth)[~outline].mean() > 20
    assert np.abs(pictures[0] - pictures[1])[~outline].mean() > 20
    assert same(poses(one), poses(plain))
    assert (one.truths, one.outputs, one.seed) == (plain.truths, plain.outputs, plain.seed)
    assert np.array_equal(one.read_truths()[0], plain.read_truths()[0])
    written = one.sources[0].read_bytes()
    before_busy(plain, wardrobe, tmp_path)
    assert one.sources[0].read_bytes() == written  # a function of the seed


def test_sources_of_one_other_person_take_the_last_places(canvases, mannequin_root):
    index = DeepFashion(mannequin_root)
    others, of = strangers(index), {record.path: record for record in index.records.values()}
    tested = {index.records[name].person for name in index.splits["test"]}
    chosen = set()
    for canvas in canvases["T3"]:
        none, one, two = (disagreeing(canvas, others, count) for count in range(3))
        assert none.sources == canvas.sources
        assert one.sources[:2] == canvas.sources[:2]
        assert two.sources[0] == canvas.sources[0]
        assert two.sources[2] == one.sources[2]
        own, *wrong = (of[path].person for path in two.sources)
        assert wrong[0] == wrong[1] != own
        assert wrong[0] in tested
        assert len(set(two.sources)) == 3
        chosen.add(two.sources[1:])
        for changed in (one, two):
            expected = [of[path].keypoints_at((64, 44)) for path in changed.sources]
            assert same([pose.keypoints for pose in changed.source_poses], expected)
            assert same([pose.keypoints for pose in changed.target_poses], [p.keypoints for p in canvas.target_poses])
            assert [image.size for image in changed.read_sources()] == [(44, 64)] * 3
            assert (changed.truths, changed.outputs) == (canvas.truths, canvas.outputs)
    assert len(chosen) > 1


def test_nobody_else_to_take_sources_from_is_one_sentence(mannequin_root):
    index = DeepFashion(mannequin_root)
    first = index.records[index.splits["test"][0]].identity
    alone = index.without({name for name in index.splits["test"] if index.records[name].identity != first})
    with pytest.raises(InputError, match="--kinds disagree takes 2 views of another person"):
        strangers(alone)
