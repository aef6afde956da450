"""Scores of several seeds, differences between two rows, and whether the paper's order of two rows holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from imagpose.evaluation.intervals import Spread, seeds_to_decide, summarise_seeds
from imagpose.evaluation.scoring import Score
from imagpose.reproduction.rows import Row

FEWEST_PEOPLE = 10  # that an order is decided by
Verdict = Literal[
    "holds", "holds, against the paper's figure", "does not hold", "does not hold, as in the paper's figure",
    "no difference", "undecided", "not measured", "not run",
]  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """By how much one row's score is above another's.

    Attributes:
        value: Mean.
        low: Of the 95 % interval; None where nothing tells how sure it is.
        high: Likewise.
        pairs: Test pairs that both scored; 0 where the interval is over seeds.
        people: Whom they show; a bootstrap over a few of them is no interval to decide by.
        seeds: That both rows have.
        would_decide: How many seeds would have an interval without 0, where there are several and theirs has it; None
            where no number would, or nothing tells.
    """

    value: float
    low: float | None
    high: float | None
    pairs: int
    people: int = 0
    seeds: int = 1
    would_decide: int | None = None


def score(rows: Sequence[Row], protocol: str, metric: str) -> Score:
    """A row's score: of one seed as it was measured, with its bootstrap interval over people; of several their mean.

    The interval of several is over seeds and people, see :func:`imagpose.evaluation.intervals.summarise_seeds`; where
    a score is of the whole set and not of pairs, as FID is, it is Student's 95 % interval over the seeds.

    Args:
        rows: The same experiment with each seed.
        protocol: Whose score.
        metric: Its name.
    """
    found = [
        row.scores.get(protocol, {}).get(metric, Score(None, reason=f"{metric} was not measured by {protocol}."))
        for row in rows
    ]
    if len(found) == 1 or any(one.value is None for one in found):
        return next((one for one in found if one.value is None), found[0])
    values = [one.value for one in found if one.value is not None]
    key = f"{protocol}/{metric}"
    if common := _common(rows, key):
        people = _people(rows)
        of = summarise_seeds("s", _by_seed(rows, key, common), [people[name] for name in common])
        if "s_low" in of:
            return Score(float(np.mean(values)), of["s_low"], of["s_high"], found[0].n)
    spread, mean = Spread.over(values), float(np.mean(values))
    assert spread is not None  # of several
    return Score(mean, mean - spread.half(len(values)), mean + spread.half(len(values)), found[0].n)


def difference(
    ours: Sequence[Row], theirs: Sequence[Row], protocol: str, metric: str, table: Iterable[Sequence[Row]] = ()
) -> Difference | None:
    """One row's score minus another's, pair by pair: what makes a pair hard cancels out.

    Of several seeds those count that both rows have, if there are any. Pairs are those that all runs scored. The
    interval of several common seeds is over seeds and people, each seed's difference being its own
    (:func:`imagpose.evaluation.intervals.summarise_seeds`); of one seed it is a bootstrap over people: of these trained
    runs, it tells nothing of another seed, unless other rows of the table do; without a common seed there is none. A
    score of the whole set (FID) has no pairs: its interval is Student's over the seeds.

    Args:
        ours: The same experiment with each seed.
        theirs: Likewise.
        protocol: Whose score.
        metric: Its name.
        table: The rows of their table that are trained alike, these two among them, each with its seeds; they then tell
            together how much a difference differs from seed to seed
            (:meth:`imagpose.evaluation.intervals.Spread.of_differences`). Without them this one tells it alone.

    Returns:
        None where a row has no such score.
    """
    ours, theirs = _of_common_seeds(ours, theirs)
    if all(f"{protocol}/{metric}" in row.pairs.values for row in (*ours, *theirs)):
        found = gains_by_pair(ours, theirs, protocol, metric, table)
        return None if found is None else found.mean()
    mine, others = (_of_set(rows, protocol, metric) for rows in (ours, theirs))
    if not (gains := [mine[seed] - others[seed] for seed in mine if seed in others]):
        return None
    runs = [_of_set(rows, protocol, metric) for rows in table]
    seeds = sorted({seed for scores in runs for seed in scores})
    means = np.array([[scores.get(seed, np.nan) for seed in seeds] for scores in runs])
    spread = Spread.of_differences(means) if seeds else Spread.over(gains)
    mean = float(np.mean(gains))
    if spread is None:
        return Difference(mean, None, None, 0)
    half = spread.half(len(gains))
    return Difference(mean, mean - half, mean + half, 0, seeds=len(gains))


@dataclass(frozen=True)
class Gains:
    """By how much one row's scores are above another's, pair by pair.

    Attributes:
        values: (seeds, pairs); of rows without a common seed the means over theirs, as one.
        pairs: Their names.
        people: Whom they show.
        seeds: That both rows have; none where they have no common one, and then there is no interval, since a seed
            moves all rows alike.
        table: The scores of the rows of their table that are trained alike, (rows, seeds, pairs), NaN where there is no
            such run: they tell how much a difference differs from seed to seed. None lets the values tell it alone.
        averaged: Of how many differences these are the mean; no two of them have a row in common.
    """

    values: np.ndarray
    pairs: tuple[str, ...]
    people: tuple[str, ...]
    seeds: tuple[int, ...]
    table: np.ndarray | None = None
    averaged: int = 1

    @classmethod
    def mean_of(cls, several: Sequence[Gains]) -> Gains:
        """The mean of differences of one table, no two of which have a row in common.

        Args:
            several: Of the same pairs and seeds; of others those count that all have.
        """
        seeds = tuple(seed for seed in several[0].seeds if all(seed in gains.seeds for gains in several))
        names = [name for name in several[0].pairs if all(name in gains.pairs for gains in several)]
        parts = [gains.among(names) for gains in several]
        values = np.mean([part.values[[part.seeds.index(seed) for seed in seeds]] for part in parts], axis=0)
        return replace(parts[0], values=values, seeds=seeds, averaged=len(several))

    def mean(self) -> Difference:
        """Their mean, with its interval over seeds and people."""
        if not self.seeds:
            return Difference(float(self.values.mean()), None, None, len(self.pairs), len(set(self.people)))
        if self.table is None:
            spread = Spread.over(self.values.mean(1))
        elif (spread := Spread.of_differences(self.table.mean(-1))) is not None:
            spread = replace(spread, deviation=spread.deviation / self.averaged**0.5)
        found = summarise_seeds("d", self.values, self.people, spread=spread)
        low, high = found.get("d_low"), found.get("d_high")
        seeds, needed = len(self.seeds), None
        if spread is not None and low is not None and high is not None and low <= 0 <= high:
            needed = seeds_to_decide(found["d"], spread, found["d_of_people"], seeds)
        return Difference(found["d"], low, high, len(self.pairs), len(set(self.people)), seeds, needed)

    def among(self, pairs: Collection[str]) -> Gains:
        """Those of some pairs alone."""
        kept = [number for number, name in enumerate(self.pairs) if name in pairs]
        names, people = (tuple(of[number] for number in kept) for of in (self.pairs, self.people))
        table = None if self.table is None else self.table[..., kept]
        return replace(self, values=self.values[:, kept], pairs=names, people=people, table=table)

    def contrast(self, more: Collection[str], less: Collection[str]) -> Difference:
        """How much larger their mean is among some pairs than among others; a person may be in both.

        Each gain is taken from the mean of all, and weighed so that the mean of the weighed gains is the contrast: its
        interval is then that of any mean, with people's pairs resampled as a whole.
        """
        part = self.among({*more, *less})
        inside = np.array([name in more for name in part.pairs])
        share = len(part.pairs) / np.where(inside, inside.sum(), -(~inside).sum())

        def weighed(scores: np.ndarray) -> np.ndarray:
            return (scores - scores.mean(-1, keepdims=True)) * share

        table = None if part.table is None else weighed(part.table)
        return replace(part, values=weighed(part.values), table=table).mean()


def gains_by_pair(
    ours: Sequence[Row], theirs: Sequence[Row], protocol: str, metric: str, table: Iterable[Sequence[Row]] = ()
) -> Gains | None:
    """One row's scores minus another's, of the pairs that all runs scored and of the seeds that both have, if any.

    Args:
        ours: The same experiment with each seed.
        theirs: Likewise.
        protocol: Whose score.
        metric: Its name.
        table: As for :func:`difference`; those rows count that scored these pairs.

    Returns:
        None where they have no such scores of the same pairs.
    """
    key = f"{protocol}/{metric}"
    ours, theirs = _of_common_seeds(ours, theirs)
    if not (common := _common((*ours, *theirs), key)):
        return None
    mine, others = (_by_seed(rows, key, common) for rows in (ours, theirs))
    seeds = tuple(row.seed for row in ours if row.seed in {other.seed for other in theirs})
    if not seeds:
        mine, others = mine.mean(0, keepdims=True), others.mean(0, keepdims=True)
    people = _people(ours)
    whose = tuple(people[name] for name in common)
    return Gains(mine - others, tuple(common), whose, seeds, _around(table, key, common))


def _around(table: Iterable[Sequence[Row]], key: str, names: Sequence[str]) -> np.ndarray | None:
    """The scores of a table's rows, (rows, seeds, pairs), NaN where a run is not there or did not score these pairs."""
    runs = [[row for row in rows if set(names) <= set(_common([row], key))] for rows in table]
    seeds = sorted({row.seed for rows in runs for row in rows})
    if not seeds:
        return None
    scores = np.full((len(runs), len(seeds), len(names)), np.nan)
    for number, rows in enumerate(runs):
        if rows:
            scores[number, [seeds.index(row.seed) for row in rows]] = _by_seed(rows, key, names)
    return scores


def _of_common_seeds(*both: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows of the seeds that both have, in their order; all rows where there is no such seed."""
    common = set.intersection(*({row.seed for row in rows} for rows in both))
    for rows in both:
        yield sorted((row for row in rows if not common or row.seed in common), key=lambda row: row.seed)


def signed(found: Difference | None, digits: int = 4) -> str:
    """A difference as text, with its sign and its interval."""
    if found is None:
        return "n/a"
    bounds = "" if found.low is None else f" [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
    return f"{found.value:+.{digits}f}{bounds}"


def verdict(expected: float, found: Difference, margin: float | None = None) -> Verdict:
    """Whether the paper's order holds.

    Args:
        expected: The paper's difference; where it is 0 there is no order.
        found: Ours.
        margin: Of the metric: an interval that lies within it on either side of 0 says that there is no difference
            worth the name, whether or not it excludes 0.
    """
    if found.pairs and found.people < FEWEST_PEOPLE:
        return "undecided"
    if found.low is None or found.high is None:
        return "undecided"
    if margin is not None and -margin < found.low and found.high < margin:
        return "no difference"
    if expected == 0 or found.low <= 0 <= found.high:
        return "undecided"
    return "holds" if (found.low > 0) == (expected > 0) else "does not hold"


def beside_figure(said: Verdict) -> Verdict:
    """The verdict on an order that the paper claims, of two rows whose own figures in the paper have the opposite one.

    Args:
        said: The verdict on the claim alone.
    """
    if said == "holds":
        return "holds, against the paper's figure"
    return "does not hold, as in the paper's figure" if said == "does not hold" else said


def _people(rows: Sequence[Row]) -> dict[str, str]:
    return {name: who for row in rows for name, who in zip(row.pairs.names, row.pairs.identities, strict=True)}


def _common(rows: Sequence[Row], key: str) -> list[str]:
    """The pairs that all rows scored, in order; none where a row has no such scores."""
    if any(key not in row.pairs.values for row in rows):
        return []
    of_all = set.intersection(*(set(row.pairs.names) for row in rows))
    return [name for name in _people(rows) if name in of_all]


def _by_seed(rows: Sequence[Row], key: str, names: Sequence[str]) -> np.ndarray:
    """Scores, (rows, pairs)."""
    of = [dict(zip(row.pairs.names, row.pairs.values[key], strict=True)) for row in rows]
    return np.array([[scores[name] for name in names] for scores in of])


def _of_set(rows: Sequence[Row], protocol: str, metric: str) -> dict[int, float]:
    """Each seed's score of the whole set; a seed without one is left out."""
    scores = {row.seed: row.scores.get(protocol, {}).get(metric) for row in rows}
    return {seed: one.value for seed, one in scores.items() if one is not None and one.value is not None}
