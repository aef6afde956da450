"""Intervals over raters and items: their coverage, in studies whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from imagpose.study.crossed import Crossed, TooFewVotesError

STUDIES = 1000


def studies(share: float, raters: int, items: int, of_raters: float, of_items: float, seed: int = 0) -> np.ndarray:
    """Votes of simulated studies, (studies, raters, items) of 0 and 1.

    Someone votes 1 where a sum of three normal numbers, the rater's, the item's and the vote's own, lies above a bound:
    the share of ones is then known.
    """
    rng = np.random.default_rng(seed)
    of_rater = rng.normal(0, of_raters**0.5, (STUDIES, raters, 1))
    of_item = rng.normal(0, of_items**0.5, (STUDIES, 1, items))
    rest = rng.normal(0, (1 - of_raters - of_items) ** 0.5, (STUDIES, raters, items))
    return (of_rater + of_item + rest > norm.ppf(1 - share)).astype(float)


def coverage(found: tuple[np.ndarray, np.ndarray], truth: float) -> float:
    return float(((found[0] <= truth) & (truth <= found[1])).mean())


@pytest.mark.parametrize("share", [0.585, 0.423, 0.2])
@pytest.mark.parametrize("raters", [10, 30])
@pytest.mark.parametrize(("of_raters", "of_items"), [(0.1, 0.1), (0.3, 0.1), (0.05, 0.4), (0.2, 0.2)])
def test_95_percent_intervals_cover_the_truth_in_93_to_97_percent(share, raters, of_raters, of_items):
    found = Crossed.of(studies(share, raters, 40, of_raters, of_items)).share_interval()
    assert 0.93 <= coverage(found, share) <= 0.97


def test_they_do_where_every_fifth_vote_is_missing():
    votes = studies(0.585, 15, 40, 0.15, 0.15)
    votes[np.random.default_rng(1).random(votes.shape) < 0.2] = np.nan
    assert 0.93 <= coverage(Crossed.of(votes).share_interval(), 0.585) <= 0.97


def test_intervals_of_a_difference_do():
    chosen = studies(0.4, 15, 40, 0.1, 0.1, seed=1) - studies(0.25, 15, 40, 0.1, 0.1, seed=2)
    assert 0.93 <= coverage(Crossed.of(chosen).interval(), 0.15) <= 0.97


def test_those_that_take_votes_for_independent_do_not():
    votes = studies(0.585, 20, 40, 0.1, 0.1)
    mean = votes.mean((1, 2))
    half = 1.96 * np.sqrt(mean * (1 - mean) / votes[0].size)
    assert coverage((mean - half, mean + half), 0.585) < 0.75


def test_those_that_resample_raters_and_items_at_once_are_too_wide_where_both_differ_little():
    votes = studies(0.585, 20, 40, 0.02, 0.02)[:300]
    rng = np.random.default_rng(5)
    raters, items = (rng.multinomial(n, np.full(n, 1 / n), (300, 300)) for n in (20, 40))
    means = ((raters @ votes) * items).sum(-1) / votes[0].size
    found = Crossed.of(votes).share_interval()
    low, high = np.percentile(means, [2.5, 97.5], axis=1)
    assert coverage((low, high), 0.585) > 0.97
    assert (high - low).mean() > 1.2 * (found[1] - found[0]).mean()


@pytest.mark.parametrize("share", [0.03, 0.1])
@pytest.mark.parametrize("raters", [10, 30])
@pytest.mark.parametrize("of_raters", [0.3, 0.4])
def test_of_small_shares_and_raters_who_differ_much_they_cover_91_to_94_percent(share, raters, of_raters):
    found = Crossed.of(studies(share, raters, 40, of_raters, 0.1)).share_interval()
    assert 0.905 <= coverage(found, share) <= 0.945


def test_variances_are_those_that_were_drawn():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 2, (400, 20, 1)) + rng.normal(0, 1, (400, 1, 30)) + rng.normal(0, 3, (400, 20, 30))
    values[rng.random(values.shape) < 0.3] = np.nan
    found = Crossed.of(values)
    for part, truth in ((found.of_raters, 4), (found.of_items, 1), (found.of_rest, 9)):
        assert float(part.mean()) == pytest.approx(truth, rel=0.1)
    assert float(found.variance.mean()) == pytest.approx(float(found.mean.var()), rel=0.2)


def test_votes_that_are_all_alike_have_an_interval_that_does_not_leave_0_and_1():
    for share in (0.0, 1.0):
        low, high = Crossed.of(np.full((5, 40), share)).share_interval()
        assert -1e-9 <= low < high <= 1 + 1e-9
        assert high - low > 0.3  # as five votes have


def test_a_single_rater_has_none():
    with pytest.raises(TooFewVotesError, match="two of each"):
        Crossed.of(np.ones((1, 40)))


@pytest.mark.parametrize("each", range(1, 12))
@pytest.mark.parametrize("turned", [False, True])
def test_raters_who_share_no_item_and_items_that_share_no_rater_have_none(each, turned):
    votes = np.full((2, 2 * each), np.nan)
    votes[0, :each], votes[1, each:] = np.arange(each) % 2, 1
    with pytest.raises(TooFewVotesError, match="no two votes"):
        Crossed.of(votes.T if turned else votes)
