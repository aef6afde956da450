"""Means with bootstrap intervals: pairs of one person are not independent, and neither are those of one training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import bootstrap, t

LEVEL = 0.95
"""Of every interval."""
_RESAMPLES = 2000

NO_INTERVAL = "No interval: all pairs show one person, and intervals are over people; score pairs of more people."


@dataclass(frozen=True)
class Spread:
    """How much a mean differs from one training seed to the next.

    Attributes:
        deviation: Standard deviation of one seed's mean.
        freedom: The degrees of freedom with which it is known.
        seeds: From how many seeds it is known, at least 2.
    """

    deviation: float
    freedom: int
    seeds: int

    @classmethod
    def over(cls, means: Sequence[float] | np.ndarray) -> Spread | None:
        """Of one mean a seed; None where there are fewer than two."""
        seeds = len(means)
        return cls(float(np.std(means, ddof=1)), seeds - 1, seeds) if seeds > 1 else None

    @classmethod
    def of_differences(cls, means: np.ndarray) -> Spread | None:
        """Of the difference between two rows of a table, from all rows that are trained alike.

        Two or three seeds say little of one difference: Student's interval of two is six times as wide as that of many
        with the same spread. Rows that are trained alike from the same seeds all tell of one spread: what is left of
        each mean when its row's level and its seed's are taken out (a two-way layout without interaction). Of two rows
        this is :meth:`over` of their differences. It takes it that the difference of any two rows differs as much as
        that of any other two; where one row differs more than the rest, its differences get too narrow an interval, and
        the others too wide a one.

        Args:
            means: (rows, seeds), NaN where there is no such run.

        Returns:
            None where they leave nothing to tell it from, as rows of one seed do.
        """
        rows, seeds = np.nonzero(~np.isnan(means))
        levels = np.hstack([np.eye(means.shape[0])[rows], np.eye(means.shape[1])[seeds]])
        there = means[rows, seeds]
        left = there - levels @ np.linalg.lstsq(levels, there)[0]
        freedom = len(there) - int(np.linalg.matrix_rank(levels)) if len(there) else 0
        if freedom == 0:
            return None
        compared = int((np.bincount(seeds) > 1).sum())
        return cls(float(np.sqrt(2 * left @ left / freedom)), freedom, compared)

    def error(self, seeds: int | np.ndarray) -> Any:
        """Standard error of the mean of so many seeds."""
        return self.deviation / np.sqrt(seeds)

    def half(self, seeds: int) -> float:
        """Half of Student's interval of the mean of so many seeds."""
        return float(t.ppf((1 + LEVEL) / 2, self.freedom) * self.error(seeds))


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


def summarise_seeds(
    name: str, values: np.ndarray, identities: Sequence[str], seed: int = 0, spread: Spread | None = None
) -> dict[str, float]:
    """As :func:`summarise`, of several trainings that were scored on the same pairs: over seeds and people alike.

    A hierarchical bootstrap. People are resampled, each with all of its pairs. Three seeds are too few for that: a
    resample of three repeats one of them in eight cases of nine, and an interval of nominal 95 % covers the truth in
    75 to 79 % where seeds are what differs most. What a resample adds for its seeds is therefore drawn from Student's t
    with the spread's degrees of freedom, times the standard error of the seeds' mean; of many seeds the two are one. If
    the spread is theirs, it then covers at least as often as it says, and more often where seeds hardly differ, since
    what differs at random is counted with people and with seeds.

    Args:
        name: Name of the metric.
        values: The metric's values, (seeds, pairs).
        identities: The person that each pair shows.
        seed: Seeds the resampling.
        spread: Of the seeds' means; None takes theirs alone.

    Returns:
        The keys of :func:`summarise`, and ``name_of_people``: half the interval over people alone. One seed without a
        spread has the interval of its people.
    """
    summary = {name: float(values.mean()), f"{name}_n": float(values.shape[1])}
    people = _people_resampled(values.mean(0).tolist(), identities, seed)
    if people is None:
        return summary
    low, high = people.confidence_interval
    of_people = {f"{name}_of_people": float(high - low) / 2}
    spread = spread or Spread.over(values.mean(1))
    if spread is not None:  # many draws for each resample of people, as the tails of t are long
        seeds = len(values)
        draws = np.random.default_rng([seed, seeds]).standard_t(spread.freedom, (50, _RESAMPLES))
        tail = 100 * (1 - LEVEL) / 2
        low, high = np.percentile(people.bootstrap_distribution + spread.error(seeds) * draws, [tail, 100 - tail])
    return {**summary, **_ends(name, low, high), **of_people}


def seeds_to_decide(value: float, spread: Spread, of_people: float, seeds: int, most: int = 1000) -> int | None:
    """How many seeds would have an interval without 0, if the mean stays and seeds go on to differ as they do.

    Args:
        value: Mean.
        spread: Of the seeds' means.
        of_people: Half the interval over people alone.
        seeds: How many there are, whose interval has 0.
        most: Beyond which it is as good as never.

    Returns:
        None where no number does, since people alone leave it open; more pairs would have to be scored.
    """
    if abs(value) <= of_people:
        return None
    numbers = np.arange(max(seeds + 1, 2), most + 1)
    freedom = spread.freedom * (numbers - 1) / (spread.seeds - 1)  # that so many would know the spread with
    of_seeds = t.ppf((1 + LEVEL) / 2, freedom) * spread.error(numbers)
    enough = numbers[np.hypot(of_seeds, of_people) < abs(value)]
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
