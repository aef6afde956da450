from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imagpose.data.canvases import Canvases, TestCanvases, draw_layout
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.images import read_image
from imagpose.data.keypoints import draw_pose, flip
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.errors import InputError


@given(st.integers(0, 10**6), st.integers(2, 12), st.sampled_from([2, 4, 6, 9]), st.sampled_from([0.0, 0.5, 1.0]))
def test_given_and_masked_views_never_mix(seed, views, panels, repeats):
    layout = draw_layout(np.random.default_rng(seed), views, panels, repeats)
    given_views = {p for p, g in zip(layout.panels, layout.given, strict=True) if g}
    masked_views = {p for p, g in zip(layout.panels, layout.given, strict=True) if not g}
    assert masked_views
    assert not given_views & masked_views
    assert layout.source not in masked_views
    assert not given_views or layout.source in given_views
    shown = len(given_views | masked_views | {layout.source})
    assert shown == min(views, panels + (not given_views)) if not repeats else shown >= 2


def test_mask_counts_and_places_are_uniform():
    layouts = [draw_layout(np.random.default_rng(i), 8) for i in range(4000)]
    counts = Counter(sum(not g for g in layout.given) for layout in layouts)
    assert sorted(counts) == [1, 2, 3, 4]
    assert all(abs(n / 4000 - 0.25) < 0.03 for n in counts.values())
    single = Counter(layout.given.index(False) for layout in layouts if sum(layout.given) == 3)
    assert all(abs(n / counts[1] - 0.25) < 0.06 for n in single.values())


@pytest.mark.parametrize(("repeats", "least", "most"), [(0.0, 0.0, 0.0), (0.5, 0.4, 0.6), (1.0, 1.0, 1.0)])
def test_the_canvases_of_t1_and_t2_are_drawn_as_often_as_asked(repeats, least, most):
    layouts = [draw_layout(np.random.default_rng(i), 8, 4, repeats) for i in range(4000)]
    for side, kept in ((True, 3), (False, 3)):
        several = [layout for layout in layouts if sum(g == side for g in layout.given) == kept]
        same = [
            len({p for p, g in zip(layout.panels, layout.given, strict=True) if g == side}) == 1 for layout in several
        ]
        assert least <= np.mean(same) <= most


def test_a_canvas_has_as_many_panels_as_its_address_says(mannequin_root):
    groups = list(DeepFashion(mannequin_root).identities("train").values())
    canvases = Canvases(groups, 4, 3)
    assert [len(canvases[address]["images"]) for address in (5, (5, 2), (5, 9))] == [4, 2, 9]


def test_one_view_is_not_enough():
    with pytest.raises(ValueError, match="two distinct views"):
        draw_layout(np.random.default_rng(0), 1)


def test_flips_mirror_everything_together(mannequin_root):
    index = DeepFashion(mannequin_root)
    groups = list(index.identities("train").values())
    plain, flipped = Canvases(groups, 4, 3, flips=False), Canvases(groups, 4, 3, flips=True)
    mirrored = 0
    for number in range(12):
        a, b = plain[number], flipped[number]
        assert torch.equal(a["mask"], b["mask"])
        if torch.equal(a["images"], b["images"]):
            assert torch.equal(a["poses"], b["poses"])
            continue
        mirrored += 1
        assert torch.equal(a["images"].flip(-1), b["images"])
        assert torch.equal(a["source"].flip(-1), b["source"])
        assert torch.equal((a["poses"] > 0).any(1).flip(-1), (b["poses"] > 0).any(1))
        assert not torch.equal(a["poses"].flip(-1), b["poses"])  # left is blue where right is green
    assert 2 <= mirrored <= 10


def test_items_are_a_function_of_their_number(mannequin_root):
    groups = list(DeepFashion(mannequin_root).identities("train").values())
    a, b = Canvases(groups, 4, 0)[17], Canvases(groups, 4, 0)[17]
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not torch.equal(Canvases(groups, 4, 1)[17]["images"], a["images"])


def test_t1_gives_the_source_once_and_asks_for_the_target_three_times(mannequin_root):
    index = DeepFashion(mannequin_root)
    scenario = index.scenarios()[0]
    item = TestCanvases(index.records, index.scenarios())[0]
    assert item["mask"].tolist() == [1, 0, 0, 0]
    assert torch.equal(item["images"][0], item["source"])
    assert item["images"][1:].eq(-1).all()
    assert torch.equal(item["poses"][1], item["poses"][2])
    assert torch.equal(item["poses"][2], item["poses"][3])
    points = index.records[scenario.target].keypoints_at((64, 44))
    expected = torch.from_numpy(draw_pose(points, (64, 44))).permute(2, 0, 1)
    assert torch.equal(item["poses"][1], expected)
    assert not torch.equal(item["other_source"], item["source"])
    assert flip(points, 44).shape == (18, 2)


def test_further_settings_of_the_paper_are_drawn_beside_t1(mannequin_root):
    index = DeepFashion(mannequin_root)
    scenario = index.scenarios()[0]
    item = TestCanvases(index.records, [scenario], settings=("T2", "T3"))[0]
    assert item["mask"].tolist() == [1, 0, 0, 0]
    for setting, names in (("T2", [scenario.source] * 3), ("T3", scenario.sources)):
        assert item[f"mask_{setting}"].tolist() == [1, 1, 1, 0]
        expected = [read_image(index.records[name].path) for name in names]
        assert torch.equal(item[f"images_{setting}"][:3], torch.stack(expected))
        assert (item[f"images_{setting}"][3] == -1).all()
        assert torch.equal(item[f"poses_{setting}"][3], item["poses"][1])  # the target's
    assert scenario.target not in scenario.sources
    assert len(set(scenario.sources)) == 3


@pytest.mark.parametrize(
    ("panels", "settings", "told"),
    [
        ((), (), r"data\.panels is \[\]"), ((1,), (), r"data\.panels is 1; it must be a whole number from 2 to 64"),
        ((2, 3), ("T2",), "these settings need four panels"), ((2,), ("T3",), "these settings need four panels"),
    ],
)  # fmt: skip
def test_panels_that_cannot_be_trained_or_tested_are_refused(tmp_path, panels, settings, told):
    with pytest.raises(InputError, match=told):
        PoseDataModule(tmp_path, panels=panels, test_settings=settings)


@pytest.mark.parametrize(("panels", "tested"), [((2, 4, 9), 4), ((2, 9, 6), 6), ((2, 3), 3), (9, 9)])
def test_the_fewest_panels_of_four_and_more_are_tested(tmp_path, panels, tested):
    assert PoseDataModule(tmp_path, panels=panels).test_panels == tested
