"""Means with bootstrap intervals: pairs of one person are not independent, and neither are those of one training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import bootstrap, t

LEVEL = 0.95
"""Of every interval."""
_RESAMPLES = 2000

NO_INTERVAL = "No interval: all pairs show one person, and intervals are over people; score pairs of more people."


def summarise(name: str, values: Sequence[float], identities: Sequence[str], seed: int = 0) -> dict[str, float]:
    """Mean, 95 % interval and count, as flat keys.

    Args:
        name: Name of the metric.
        values: The metric's values, one a pair.
        identities: The person that each pair shows; a person's pairs are resampled as a whole.
        seed: Seeds the resampling.

    Returns:
        ``name``, ``name_low``, ``name_high`` and ``name_n``; no interval where fewer than two identities leave none.
    """
    summary = {name: float(np.mean(values)), f"{name}_n": float(len(values))}
    people = _people_resampled(values, identities, seed)
    return summary if people is None else {**summary, **_ends(name, *people.confidence_interval)}


def summarise_seeds(name: str, values: np.ndarray, identities: Sequence[str], seed: int = 0) -> dict[str, float]:
    """As :func:`summarise`, of several trainings that were scored on the same pairs: over seeds and people alike.

    A hierarchical bootstrap. People are resampled, each with all of its pairs. Three seeds are too few for that: a
    resample of three repeats one of them in eight cases of nine, and an interval of nominal 95 % covers the truth in
    75 to 79 % where seeds are what differs most. What a resample adds for its seeds is therefore drawn from Student's t
    with one degree of freedom fewer than there are seeds, times the standard error of their means; of many seeds the
    two are one. It then covers at least as often as it says, and more often where seeds hardly differ, since what
    differs at random is counted with people and with seeds.

    Args:
        name: Name of the metric.
        values: The metric's values, (seeds, pairs).
        identities: The person that each pair shows.
        seed: Seeds the resampling.

    Returns:
        The keys of :func:`summarise`, and ``name_of_seeds`` and ``name_of_people``: the standard error over seeds, and
        half the interval over people alone. One seed has the interval of its people.
    """
    summary = {name: float(values.mean()), f"{name}_n": float(values.shape[1])}
    people = _people_resampled(values.mean(0).tolist(), identities, seed)
    if people is None:
        return summary
    low, high = people.confidence_interval
    seeds = len(values)
    error = float(np.std(values.mean(1), ddof=1)) / seeds**0.5 if seeds > 1 else 0.0
    parts = {f"{name}_of_seeds": error, f"{name}_of_people": float(high - low) / 2}
    if seeds > 1:  # many draws for each resample of people, as the tails of t are long
        draws = np.random.default_rng([seed, seeds]).standard_t(seeds - 1, (50, _RESAMPLES))
        tail = 100 * (1 - LEVEL) / 2
        low, high = np.percentile(people.bootstrap_distribution + error * draws, [tail, 100 - tail])
    return {**summary, **_ends(name, low, high), **parts}


def seeds_to_decide(value: float, of_seeds: float, of_people: float, seeds: int, most: int = 1000) -> int | None:
    """How many seeds would have an interval without 0, if the mean stays and seeds go on to differ as they do.

    Args:
        value: Mean.
        of_seeds: Standard error over seeds.
        of_people: Half the interval over people alone.
        seeds: How many there are, at least 2.
        most: Beyond which it is as good as never.

    Returns:
        None where no number does, since people alone leave it open; more pairs would have to be scored.
    """
    if abs(value) <= of_people:
        return None
    numbers = np.arange(2, most + 1)
    by_seeds = t.ppf((1 + LEVEL) / 2, numbers - 1) * of_seeds * np.sqrt(seeds / numbers)
    enough = numbers[np.hypot(by_seeds, of_people) < abs(value)]
    return int(enough[0]) if len(enough) else None


def _people_resampled(values: Sequence[float], identities: Sequence[str], seed: int) -> Any:
    """scipy's bootstrap of the mean over pairs, people resampled; None where there are fewer than two."""
    groups: dict[str, list[float]] = {}
    for value, identity in zip(values, identities, strict=True):
        groups.setdefault(identity, []).append(float(value))
    if len(groups) < 2:
        return None
    sums = np.array([sum(group) for group in groups.values()])
    counts = np.array([len(group) for group in groups.values()], dtype=float)
    return bootstrap(
        (sums, counts), lambda s, c, axis=-1: s.sum(axis) / c.sum(axis), paired=True, vectorized=True,
        n_resamples=_RESAMPLES, confidence_level=LEVEL, method="percentile", rng=np.random.default_rng(seed),
    )  # fmt: skip


def _ends(name: str, low: float, high: float) -> dict[str, float]:
    return {f"{name}_low": float(low), f"{name}_high": float(high)}
