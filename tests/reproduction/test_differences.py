import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagpose.evaluation.scoring import Score
from imagpose.reproduction.differences import Gains, difference, gains_by_pair, score, verdict
from tests.reproduction.fabricated import row


def test_pairing_sees_what_two_intervals_would_not():
    worse, better = row("a", 0.60), row("b", 0.61)
    assert better.scores["strict"]["ssim_256"].low < worse.scores["strict"]["ssim_256"].value  # they overlap
    found = difference([better], [worse], "strict", "ssim_256")
    assert found.value == pytest.approx(0.01)
    assert 0 < found.low < found.value < found.high
    assert found.pairs == 40


@given(st.floats(0.2, 0.9), st.floats(0.2, 0.9))
def test_a_difference_turned_round_is_the_same(a, b):
    one, other = [row("a", a)], [row("b", b)]
    forth, back = (difference(x, y, "strict", "ssim_256") for x, y in ((one, other), (other, one)))
    assert forth.value == pytest.approx(-back.value)
    assert forth.value == pytest.approx(a - b)


def test_only_pairs_that_both_scored_count():
    long, short = row("a", 0.6), row("b", 0.6)
    del short.pairs.names[10:], short.pairs.identities[10:], short.pairs.values["strict/ssim_256"][10:]
    assert difference([long], [short], "strict", "ssim_256").pairs == 10


def test_several_seeds_are_a_mean_with_an_interval_over_them():
    seeds = [row("a", value, seed=seed) for seed, value in enumerate((0.5, 0.6, 0.7))]
    found = score(seeds, "strict", "ssim_256")
    assert found.value == pytest.approx(0.6)
    assert found.high - found.value == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=0.1)  # Student's: people hardly count
    assert score(seeds[:1], "strict", "ssim_256") == seeds[0].scores["strict"]["ssim_256"]
    for theirs, gain in (((1, 2), 0.15), ((0,), 0.0), ((9,), 0.1)):  # the seeds of both, or all if they share none
        others = [row("b", 0.5, seed=seed) for seed in theirs]
        assert difference(seeds, others, "strict", "ssim_256").value == pytest.approx(gain)
    apart = difference(seeds, others, "strict", "ssim_256")
    assert (apart.low, verdict(0.1, apart)) == (None, "undecided")  # a seed moves all rows alike


def test_what_was_not_measured_is_told():
    assert "not looked at" in score([row("a", 0.5)], "strict", "fid").reason
    assert score([row("a", 0.5)], "pcdms", "fid").reason == "fid was not measured by pcdms."
    assert difference([row("a", 0.5)], [row("b", 0.5)], "strict", "fid") is None


def test_a_verdict_needs_an_interval_without_zero():
    better = difference([row("a", 0.7)], [row("b", 0.5)], "strict", "ssim_256")
    worse = difference([row("a", 0.5)], [row("b", 0.7)], "strict", "ssim_256")
    same = difference([row("a", 0.5, noise=0.2)], [row("b", 0.5, noise=0.2)], "strict", "ssim_256")
    assert [verdict(0.01, found) for found in (better, worse, same)] == ["holds", "does not hold", "undecided"]
    assert [verdict(-0.01, found) for found in (better, worse)] == ["does not hold", "holds"]
    assert verdict(0.0, better) == "undecided"
    assert verdict(0.01, better, margin=0.005) == "holds"
    tiny = difference([row("a", 0.502, noise=0.001)], [row("b", 0.5, noise=0.001)], "strict", "ssim_256")
    assert verdict(0.01, tiny) == "holds"  # it excludes 0
    assert verdict(0.01, tiny, margin=0.005) == "no difference"  # and is not worth the name
    few = row("a", 0.7)
    del few.pairs.names[18:], few.pairs.identities[18:], few.pairs.values["strict/ssim_256"][18:]
    assert verdict(0.01, difference([few], [row("b", 0.5)], "strict", "ssim_256")) == "undecided"  # of nine people


def test_another_seed_widens_a_difference_and_people_alone_are_told_apart():
    ours = [row("a", value, seed=seed, noise=0.001) for seed, value in enumerate((0.53, 0.50, 0.56))]
    theirs = [row("b", 0.5, seed=seed, noise=0.001) for seed in range(3)]
    one = difference(ours[:1], theirs[:1], "strict", "ssim_256")
    three = difference(ours, theirs, "strict", "ssim_256")
    assert (one.seeds, three.seeds) == (1, 3)
    assert one.low > 0 > three.low  # one seed is sure of itself, the next two are not of it
    assert three.value == pytest.approx(0.03)
    assert three.would_decide == 7  # Student's: 2.571 · 0.03 / √6 = 0.031, 2.447 · 0.03 / √7 = 0.028


def test_a_tables_rows_tell_together_how_much_seeds_differ():
    levels = {"a": (0.54, 0.51, 0.57), "b": (0.50, 0.50, 0.50), "c": (0.51, 0.51, 0.51), "d": (0.50, 0.50, 0.50)}
    table = [
        [row(name, value, seed=seed, noise=0.001) for seed, value in enumerate(values)]
        for name, values in levels.items()
    ]
    alone = difference(*table[:2], "strict", "ssim_256")
    of_two = difference(*table[:2], "strict", "ssim_256", table[:2])
    assert (alone.low, alone.high) == (pytest.approx(of_two.low), pytest.approx(of_two.high))
    of_four = difference(*table[:2], "strict", "ssim_256", table)
    assert alone.low < 0 < of_four.low
    assert (alone.would_decide, of_two.would_decide, of_four.would_decide) == (5, 5, None)
    one = difference(table[2][:1], table[3][:1], "strict", "ssim_256", [*table[:2], table[2][:1], table[3][:1]])
    assert one.seeds == 1
    assert one.low < 0  # what one seed alone would decide the others' spread leaves open
    assert difference(table[2][:1], table[3][:1], "strict", "ssim_256").low > 0
    short = row("e", 0.9)
    del short.pairs.names[10:], short.pairs.identities[10:], short.pairs.values["strict/ssim_256"][10:]
    with_short = difference(*table[:2], "strict", "ssim_256", [*table, [short]])
    assert with_short.low == pytest.approx(of_four.low)  # it did not score these pairs


def test_the_mean_of_two_differences_is_surer_than_each_and_of_their_common_seeds():
    levels = {"a": (0.5, 0.6, 0.4), "b": (0.5, 0.4, 0.5), "c": (0.5, 0.5, 0.6), "d": (0.4, 0.5, 0.5)}
    a, b, c, d = table = [
        [row(name, value, seed=seed, noise=0.001) for seed, value in enumerate(values)]
        for name, values in levels.items()
    ]
    one = gains_by_pair(a, b, "strict", "ssim_256", table)
    other = gains_by_pair(c, d[1:], "strict", "ssim_256", table)
    both = Gains.mean_of([one, other])
    assert both.seeds == (1, 2)
    assert both.values == pytest.approx((one.values[1:] + other.values) / 2)
    widths = [found.mean().high - found.mean().low for found in (other, both)]
    assert widths[1] == pytest.approx(widths[0] / 2**0.5, rel=0.02)  # seeds are nearly all that differs


def test_a_score_of_the_whole_set_has_the_interval_of_its_seeds():
    def runs(name: str, *values: float) -> list:
        rows = [row(name, 0.5, seed=seed) for seed in range(len(values))]
        for one, value in zip(rows, values, strict=True):
            one.scores["strict"]["fid"] = Score(value)
        return rows

    ours, theirs, third = runs("a", 10.0, 12.0, 11.0), runs("b", 13.0, 13.0, 13.0), runs("c", 9.0, 9.0, 9.0)
    found = difference(ours, theirs, "strict", "fid")
    assert (found.value, found.pairs, found.seeds) == (pytest.approx(-2.0), 0, 3)
    assert found.high - found.value == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    of_three = difference(ours, theirs, "strict", "fid", [ours, theirs, third])
    assert of_three.high - of_three.value == pytest.approx(2.7764 * (2 / 3) ** 0.5 / 3**0.5, rel=1e-4)
    assert difference(ours[:1], theirs[:1], "strict", "fid").low is None


def test_the_bootstrap_covers_the_truth_as_often_as_it_says():
    rng, hit, widths = np.random.default_rng(3), 0, []
    for _ in range(60):
        one, other = row("a", 0.5), row("b", 0.5)
        gain = np.repeat(rng.normal(0.02, 0.03, 20), 2)  # people differ, not pairs
        one.pairs.values["strict/ssim_256"] = (np.array(other.pairs.values["strict/ssim_256"]) + gain).tolist()
        found = difference([one], [other], "strict", "ssim_256")
        hit += found.low <= 0.02 <= found.high
        widths.append(found.high - found.low)
    assert hit / 60 >= 0.85
    assert np.mean(widths) == pytest.approx(2 * 1.96 * 0.03 / 20**0.5, rel=0.1)


def test_a_contrast_is_the_difference_of_two_means_and_knows_which_people_are_in_both():
    rng = np.random.default_rng(0)
    pairs, people = tuple(f"a → {i}" for i in range(60)), tuple(f"p{i // 3}" for i in range(60))
    gains = Gains(rng.normal(0.3, 0.1, (3, 60)) + np.arange(60) / 100, pairs, people, (0, 1, 2))
    more, less = pairs[40:], pairs[:15]
    found = gains.contrast(more, less)
    assert found.value == pytest.approx(gains.among(more).mean().value - gains.among(less).mean().value)
    assert (found.pairs, found.people, found.seeds) == (35, 12, 3)
    assert 0 < found.low < found.value < found.high
    # Each person has one pair in either part, and what makes a person easy is in both: it cancels out.
    easy = np.repeat(rng.normal(0, 5, 30), 2)
    odd, even = pairs[1::2], pairs[::2]
    paired = Gains((easy + np.tile([0.0, 0.1], 30))[None], pairs, tuple(f"p{i // 2}" for i in range(60)), (0,))
    assert paired.contrast(odd, even).low == pytest.approx(0.1)
