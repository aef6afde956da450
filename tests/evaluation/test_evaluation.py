import numpy as np
import pytest
import torch

from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.evaluation.clothes import Case, judge, nearest
from imagpose.evaluation.intervals import summarise
from imagpose.evaluation.similarity import in_box


def test_scores_look_only_into_the_box():
    target = torch.rand(1, 3, 64, 44) * 2 - 1
    generated = target.clone()
    generated[..., :10, :] = 0.5
    inside = in_box(generated, target, torch.tensor([[12, 60, 4, 40]]))
    assert inside["ssim"].item() == pytest.approx(1, abs=1e-5)
    assert in_box(generated, target, torch.tensor([[0, 60, 4, 40]]))["ssim"].item() < 0.95


def test_psnr_by_hand():
    target = torch.zeros(1, 3, 16, 16)
    scores = in_box(target + 0.2, target, torch.tensor([[0, 16, 0, 16]]))  # 0.1 of a range of 1
    assert scores["psnr"].item() == pytest.approx(20, abs=1e-4)


def test_intervals_resample_identities_not_pairs():
    values, people = [0.0] * 50 + [1.0] * 50, ["a"] * 50 + ["b"] * 50
    summary = summarise("m", values, people)
    assert (summary["m"], summary["m_n"]) == (0.5, 100)
    assert (summary["m_low"], summary["m_high"]) == (0, 1)
    tight = summarise("m", values, [str(i) for i in range(100)])
    assert 0.38 < tight["m_low"] < 0.5 < tight["m_high"] < 0.62
    assert "m_low" not in summarise("m", [0.5, 0.7], ["a", "a"])


def test_a_tie_is_a_failure():
    truth = np.zeros((2, 2, 3), dtype=np.uint8)
    everywhere = np.ones((2, 2), dtype=bool)
    assert not nearest(truth, truth, [truth.copy()], everywhere)
    assert nearest(truth, truth, [truth + 1], everywhere)


def test_the_truth_is_recognised_and_others_are_not(mannequin_root):
    index, wardrobe = DeepFashion(mannequin_root), Wardrobe(mannequin_root)
    lineup = tuple(views[0].name for views in index.identities("test").values())
    for scenario in index.scenarios()[:6]:
        person = wardrobe.person(scenario.target)
        stranger = next(p for n in lineup if (p := wardrobe.person(n)) != person)
        other = next(p for p in ("checks", "hstripes") if p != person.top_pattern)
        images = {
            "truth": wardrobe.draw(person, scenario.target).image,
            "stranger": wardrobe.draw(stranger, scenario.target).image,
            "other pattern": wardrobe.draw(person.wearing(other), scenario.target).image,
            "grey": np.full((64, 44, 3), 128, dtype=np.uint8),
        }
        verdict = judge(Case(mannequin_root, scenario.target, lineup, images))
        assert verdict.identity["truth"]
        assert verdict.pattern["truth"]
        assert not verdict.identity["stranger"]
        assert not verdict.pattern["other pattern"]
