import numpy as np
import pytest

from imagpose.evaluation.intervals import Spread, seeds_to_decide, summarise, summarise_seeds

SEEDS, PEOPLE, EACH = 3, 40, 5
WHOSE = [f"p{i // EACH}" for i in range(PEOPLE * EACH)]


def scores(rng, of_seeds: float, of_people: float = 0.03, of_rest: float = 0.03) -> np.ndarray:
    """Of mean 0: what differs by seed, by person, and by both."""
    parts = [rng.normal(0, of_seeds, (SEEDS, 1, 1)), rng.normal(0, of_people, (1, PEOPLE, 1))]
    parts += [rng.normal(0, of_rest, (SEEDS, PEOPLE, 1)), rng.normal(0, of_rest, (SEEDS, PEOPLE, EACH))]
    return sum(parts).reshape(SEEDS, -1)


def resampled(values: np.ndarray, rng) -> tuple[float, float]:
    """Seeds resampled as people are: the interval that is not taken."""
    of_person = values.reshape(SEEDS, PEOPLE, EACH).mean(-1)
    weights = rng.multinomial(PEOPLE, np.full(PEOPLE, 1 / PEOPLE), 500) / PEOPLE
    means = np.take_along_axis(weights @ of_person.T, rng.integers(0, SEEDS, (500, SEEDS)), 1).mean(1)
    return tuple(np.percentile(means, [2.5, 97.5]))


@pytest.mark.parametrize("of_seeds", [0.0, 0.01, 0.05])
def test_seeds_and_people_together_cover_the_truth_as_often_as_they_say(of_seeds):
    rng, runs = np.random.default_rng(8), 200
    ours = theirs = 0
    for _ in range(runs):
        values = scores(rng, of_seeds)
        found = summarise_seeds("s", values, WHOSE)
        ours += found["s_low"] <= 0 <= found["s_high"]
        low, high = resampled(values, rng)
        theirs += low <= 0 <= high
    assert ours / runs >= 0.93
    if of_seeds == 0.05:
        assert theirs / runs < 0.85  # three seeds are too few to be resampled


def test_one_seed_has_the_interval_of_its_people():
    values = scores(np.random.default_rng(0), 0.01)[:1]
    alone, several = summarise("s", values[0].tolist(), WHOSE), summarise_seeds("s", values, WHOSE)
    assert {key: several[key] for key in alone} == alone
    assert "s_low" not in summarise_seeds("s", values, ["one"] * len(WHOSE))


def test_as_many_seeds_are_asked_for_as_would_decide():
    spread = Spread(0.02 * 3**0.5, freedom=2, seeds=3)
    assert seeds_to_decide(0.01, spread, 0.0, 3) == 49  # Student's: 2.011 · 0.0346 / √48 > 0.01 > 2.011 · 0.0346 / √49
    assert seeds_to_decide(-0.01, spread, 0.0, 3) == seeds_to_decide(0.01, spread, 0.0, 3)
    assert seeds_to_decide(0.01, spread, 0.009, 3) > 49
    assert seeds_to_decide(0.01, Spread(0.0, 2, 3), 0.02, 3) is None  # people alone leave it open
    assert seeds_to_decide(0.0, spread, 0.0, 3) is None
    assert seeds_to_decide(0.02, Spread(0.02, freedom=10, seeds=3), 0.0, 3) == 5  # known from six rows
    assert seeds_to_decide(0.02, Spread(0.02, freedom=2, seeds=3), 0.0, 3) == 7  # and from one difference
    assert seeds_to_decide(0.1, spread, 0.0, 6) == 7  # more than there are


def test_two_rows_tell_the_spread_of_their_difference_and_more_tell_it_together():
    rng = np.random.default_rng(0)
    rows, seeds = rng.normal(0.5, 0.1, (6, 1)), rng.normal(0, 0.2, (1, 3))
    means = rows + seeds + rng.normal(0, 0.01, (6, 3))
    two, own = Spread.of_differences(means[:2]), Spread.over(means[0] - means[1])
    assert (two.deviation, two.freedom, two.seeds) == (pytest.approx(own.deviation), 2, 3)
    assert own.half(3) == pytest.approx(4.3027 * own.deviation / 3**0.5, rel=1e-4)
    six = Spread.of_differences(means)
    left = means - means.mean(0) - means.mean(1, keepdims=True) + means.mean()
    assert (six.deviation, six.freedom) == (pytest.approx((2 * (left**2).sum() / 10) ** 0.5), 10)
    means[5, 1:] = np.nan  # one seed of a row tells of its level alone
    assert Spread.of_differences(means).freedom == Spread.of_differences(means[:5]).freedom == 8
    assert Spread.of_differences(means).deviation == pytest.approx(Spread.of_differences(means[:5]).deviation)
    wide = np.hstack([means, [[0.5], *[[np.nan]] * 5]])  # a seed that one row alone has
    assert Spread.of_differences(wide).seeds == 3
    assert Spread.of_differences(means[:, :1]) is None
    assert Spread.of_differences(np.full((2, 3), np.nan)) is None
    assert Spread.over([0.5]) is None


def test_rows_that_tell_the_spread_together_cover_the_truth_with_half_the_width():
    rng, runs = np.random.default_rng(8), 200
    hits, widths = np.zeros(2), np.zeros(2)
    for _ in range(runs):
        rows = rng.normal(0, 0.02, (6, SEEDS, 1)) + rng.normal(0, 0.03, (6, SEEDS, len(WHOSE)))
        gains = rows[0] - rows[1]
        for number, spread in enumerate((Spread.of_differences(rows.mean(-1)), None)):
            found = summarise_seeds("d", gains, WHOSE, spread=spread)
            hits[number] += found["d_low"] <= 0 <= found["d_high"]
            widths[number] += found["d_high"] - found["d_low"]
    assert (hits / runs >= 0.93).all()
    assert widths[0] < 0.65 * widths[1]
