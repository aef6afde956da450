import numpy as np
import pytest

from imagpose.evaluation.intervals import seeds_to_decide, summarise, summarise_seeds

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
    assert several["s_of_seeds"] == 0
    assert "s_low" not in summarise_seeds("s", values, ["one"] * len(WHOSE))


def test_as_many_seeds_are_asked_for_as_would_decide():
    assert seeds_to_decide(0.01, 0.02, 0.0, 3) == 49  # Student's: 2.011 · 0.0346 / √48 > 0.01 > 2.011 · 0.0346 / √49
    assert seeds_to_decide(-0.01, 0.02, 0.0, 3) == seeds_to_decide(0.01, 0.02, 0.0, 3)
    assert seeds_to_decide(0.01, 0.02, 0.009, 3) > 49
    assert seeds_to_decide(0.01, 0.0, 0.02, 3) is None  # people alone leave it open
    assert seeds_to_decide(0.0, 0.02, 0.0, 3) is None
