import json

import numpy as np
import pytest
from PIL import Image

from imagpose.__main__ import main
from imagpose.data.keypoints import JOINTS, visible
from imagpose.data.mannequins import people as mannequins
from imagpose.data.mannequins.drawing import draw
from imagpose.data.mannequins.folder import MANIFEST, MannequinSet, ensure, write
from imagpose.data.mannequins.raycast import Hits, RoundCone, intersect, surface
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError


def person(**changes):
    from dataclasses import replace

    return replace(mannequins.draw_person(np.random.default_rng(0)), **changes)


def pose(azimuth):
    return mannequins.Pose(azimuth, 0, 0, 0, (20, 20), (0, 0), (10, 10), (0, 0), 5, (0, 0))


def test_a_ray_meets_a_sphere_where_geometry_says():
    ball = RoundCone(np.zeros(3), np.array([0, 1e-6, 0]), 1.0, 1.0, np.array([0.0, 0, 1]))
    x = np.array([0.0, 0.6, 1.1])
    hits = intersect(ball, x, np.zeros(3))
    np.testing.assert_allclose(hits.z, [1.0, 0.8, -np.inf], atol=1e-5)
    met = surface(ball, x[:2], np.zeros(2), Hits(hits.z[:2], hits.share[:2]))
    np.testing.assert_allclose(met.normal, [[0, 0, 1], [0.6, 0, 0.8]], atol=1e-5)


def test_a_cone_is_the_union_of_its_spheres():
    cone = RoundCone(np.array([0.0, 0, 0]), np.array([0.3, -1.0, 0.4]), 0.4, 0.2, np.array([0.0, 0, 1]))
    x, y = np.meshgrid(np.linspace(-0.6, 0.8, 41), np.linspace(-1.4, 0.6, 41))
    z = intersect(cone, x, y).z
    s = np.linspace(0, 1, 2001)[:, None, None]
    centre, radius = cone.start + s[..., None] * (cone.end - cone.start), 0.4 - 0.2 * s
    inside = radius**2 - (x - centre[..., 0]) ** 2 - (y - centre[..., 1]) ** 2
    expected = np.where(inside >= 0, centre[..., 2] + np.sqrt(inside.clip(min=0)), -np.inf).max(0)
    both = np.isfinite(z) & np.isfinite(expected)
    assert (np.isfinite(z) != np.isfinite(expected)).mean() < 0.01
    np.testing.assert_allclose(z[both], expected[both], atol=2e-3)


def test_a_badge_is_seen_from_the_front_alone():
    plain, badge = person(top_pattern="plain", long_hair=False), person(top_pattern="badge", long_hair=False)
    for azimuth, differs in ((0, True), (180, False)):
        a, b = draw(plain, pose(azimuth)).image, draw(badge, pose(azimuth)).image
        assert np.array_equal(a, b) != differs


@pytest.mark.parametrize("pattern", mannequins.TOP_PATTERNS[1:])
def test_every_pattern_shows(pattern):
    plain = draw(person(top_pattern="plain"), pose(0)).image.astype(int)
    assert np.abs(draw(person(top_pattern=pattern), pose(0)).image - plain).max() > 60


def test_keypoints_lie_on_the_figure_and_hidden_faces_are_missing():
    front, back = draw(person(), pose(0)), draw(person(long_hair=True), pose(180))
    for x, y in np.rint(front.keypoints[visible(front.keypoints)]).astype(int):
        assert front.silhouette[y, x]
    nose = JOINTS.index("nose")
    assert visible(front.keypoints)[nose]
    assert not visible(back.keypoints)[nose]


def test_the_person_faces_the_viewer():
    points = draw(person(), pose(0)).keypoints
    assert points[JOINTS.index("right_shoulder")][0] < points[JOINTS.index("left_shoulder")][0]
    points = draw(person(), pose(180)).keypoints
    assert points[JOINTS.index("right_shoulder")][0] > points[JOINTS.index("left_shoulder")][0]


@pytest.mark.parametrize("size", [(32, 22), (128, 88), (128, 96)])
def test_any_size(size):
    drawing = draw(person(), pose(30), size)
    assert drawing.image.shape == (*size, 3)
    assert 0.1 < drawing.silhouette.mean() < 0.6


@pytest.mark.parametrize("style", ["cartoon", "sketch"])
def test_a_style_changes_the_look_and_neither_the_pose_nor_the_patterns(style):
    someone = person(top_pattern="plain", long_hair=False)
    drawing, photograph = draw(someone, pose(30), style=style), draw(someone, pose(30))
    assert np.abs(drawing.image.astype(int) - photograph.image).mean() > 10
    assert visible(drawing.keypoints).tolist() == visible(photograph.keypoints).tolist()
    for x, y in np.rint(drawing.keypoints[visible(drawing.keypoints)]).astype(int):
        assert drawing.silhouette[y, x]
    untouched = drawing.image[~drawing.silhouette]
    assert (untouched == untouched[0]).all()  # lines are part of the figure
    for pattern in mannequins.TOP_PATTERNS[1:]:
        other = draw(someone.wearing(pattern), pose(30), style=style)
        assert np.array_equal(other.silhouette, drawing.silhouette)
        assert np.array_equal(other.keypoints, drawing.keypoints)
        assert np.abs(other.image.astype(int) - drawing.image).max() > 60


def test_a_cartoon_has_a_large_head_outlines_and_flat_colours():
    someone = person(long_hair=False, top_pattern="plain", bottom_pattern="plain")
    cartoon, photograph = (draw(someone, pose(0), (256, 176), style=style) for style in ("cartoon", "photograph"))

    def head(drawing):
        return np.ptp(np.flatnonzero(drawing.silhouette[:48].any(0)))

    def colours(drawing):
        return len(np.unique(drawing.image[drawing.silhouette], axis=0))

    assert head(cartoon) > 1.2 * head(photograph)
    assert colours(cartoon) < colours(photograph) / 2
    edge = np.roll(cartoon.silhouette & ~np.roll(cartoon.silhouette, 1, axis=1), 1, axis=1)
    assert np.median(cartoon.image[edge].mean(-1)) < 80


def test_a_sketch_is_grey_lines_on_paper():
    image = draw(person(), pose(0), (256, 176), style="sketch").image.astype(int)
    assert np.ptp(image, axis=-1).max() < 20
    assert image[0, 0].min() > 220
    assert image.min() < 70


def test_a_folder_keeps_its_style_and_the_same_people(tmp_path):
    few = {"identities": 2, "test_identities": 1, "views": 2, "test_pairs": 2, "size": (32, 22)}
    for style in ("photograph", "cartoon"):
        write(tmp_path / style, MannequinSet(style=style, **few))
    manifests = [json.loads((tmp_path / style / MANIFEST).read_text()) for style in ("photograph", "cartoon")]
    assert "style" not in manifests[0]["spec"]
    assert manifests[1]["spec"].pop("style") == "cartoon"
    assert manifests[0]["spec"] == manifests[1]["spec"]
    for name, record in manifests[0]["images"].items():
        assert {**record, "bytes": 0} == {**manifests[1]["images"][name], "bytes": 0}
    wardrobe, name = Wardrobe(tmp_path / "cartoon"), DeepFashion(tmp_path / "cartoon").splits["test"][0]
    stored = np.asarray(Image.open(DeepFashion(tmp_path / "cartoon").records[name].path)).astype(int)
    assert np.abs(stored - wardrobe.draw(wardrobe.person(name), name).image).mean() < 2  # JPEG
    with pytest.raises(InputError, match="drawn with other settings"):
        ensure(tmp_path / "cartoon", MannequinSet(**few))
    manifests[1]["spec"]["style"] = "oil"
    (tmp_path / "cartoon" / MANIFEST).write_text(json.dumps(manifests[1]))
    with pytest.raises(InputError, match="says style 'oil'; there are: photograph, cartoon, sketch"):
        Wardrobe(tmp_path / "cartoon")


def test_a_busy_background_stays_behind_the_figure():
    plain, busy = draw(person(), pose(0)), draw(person(), pose(0), busy=1)
    assert np.array_equal(plain.silhouette, busy.silhouette)
    assert not np.array_equal(plain.image[~plain.silhouette], busy.image[~plain.silhouette])


def test_drawing_is_deterministic(mannequin_root, small_set, tmp_path):
    write(tmp_path / "again", small_set)
    for path in mannequin_root.rglob("*.*"):
        assert (tmp_path / "again" / path.relative_to(mannequin_root)).read_bytes() == path.read_bytes()


def test_the_folder_is_a_deepfashion_folder(mannequin_root, small_set):
    index = DeepFashion(mannequin_root)
    assert len(index.identities("train")) == 6
    assert len(index.identities("test")) == 4
    assert not {v.person for s in ("train",) for g in index.identities(s).values() for v in g} & {
        v.person for g in index.identities("test").values() for v in g
    }
    assert len(index.pairs("train")) == 6 * 4 * 3
    for scenario in index.scenarios():
        assert scenario.target not in scenario.sources
        assert scenario.source == scenario.sources[0]
        assert {index.records[n].identity for n in scenario.sources} == {index.records[scenario.target].identity}


def test_the_wardrobe_redraws_what_is_on_disk(mannequin_root):
    index, wardrobe = DeepFashion(mannequin_root), Wardrobe(mannequin_root)
    name = index.splits["test"][0]
    drawing = wardrobe.draw(wardrobe.person(name), name)
    stored = np.asarray(Image.open(index.records[name].path)).astype(int)
    assert np.abs(stored - drawing.image).mean() < 2  # JPEG
    points = index.records[name].keypoints_at(wardrobe.size)
    assert visible(points).tolist() == visible(drawing.keypoints).tolist()
    found = visible(points)
    assert np.abs(points[found] - drawing.keypoints[found]).max() < 0.26  # rounded in a frame 4 times as large


def test_another_set_in_the_same_place_is_refused(mannequin_root, small_set, tmp_path):
    ensure(mannequin_root, small_set)
    before = json.loads((mannequin_root / MANIFEST).read_text())
    with pytest.raises(InputError, match="drawn with other settings"):
        ensure(mannequin_root, MannequinSet(seed=1))
    assert json.loads((mannequin_root / MANIFEST).read_text()) == before
    with pytest.raises(InputError, match="is no folder; put or link a dataset there"):
        ensure(tmp_path / "nowhere", None)


def test_a_ninth_view_leaves_the_first_eight_as_they_are(tmp_path):
    few = {"identities": 2, "test_identities": 1, "test_pairs": 2, "size": (32, 22)}
    for views in (8, 9):
        write(tmp_path / str(views), MannequinSet(views=views, **few))
    eight = sorted((tmp_path / "8").rglob("*.jpg"))
    assert len(eight) == 16
    for path in eight:
        assert (tmp_path / "9" / path.relative_to(tmp_path / "8")).read_bytes() == path.read_bytes()
    ninth = [path for path in (tmp_path / "9").rglob("*.jpg") if path.name.startswith("01_9_")]
    assert len(ninth) == 2
    manifests = [json.loads((tmp_path / str(views) / MANIFEST).read_text()) for views in (8, 9)]
    # Sets of nine views were drawn otherwise before, so they are another renderer's.
    assert [manifest["renderer"] for manifest in manifests] == [1, 2]
    turns = [record["pose"]["azimuth"] for name, record in manifests[1]["images"].items() if "01_9" in name]
    assert len(turns) == 2
    assert all(113 <= turn <= 157 for turn in turns)  # three quarters from behind, where none of the eight is


def test_the_command_draws_the_set_that_its_options_describe(tmp_path):
    words = ["mannequins", str(tmp_path / "few"), "--spec.identities", "3", "--spec.test_identities", "1"]
    assert main([*words, "--spec.views", "4", "--spec.test_pairs", "2"]) == 0
    assert len(list((tmp_path / "few" / "img_highres").rglob("*.jpg"))) == 12
    assert len(json.loads((tmp_path / "few" / "test_scenarios.json").read_text())) == 2
