"""Scores of several seeds, differences between two rows, and whether the paper's order of two rows holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import t

from imagpose.evaluation.intervals import summarise
from imagpose.evaluation.scoring import Score
from imagpose.reproduction.rows import Row

FEWEST_PEOPLE = 10  # that an order is decided by
Verdict = Literal[
    "holds", "holds, against the paper's figure", "does not hold", "does not hold, as in the paper's figure",
    "undecided", "undecided by construction", "not measured", "not run",
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
    """

    value: float
    low: float | None
    high: float | None
    pairs: int
    people: int = 0


def score(rows: Sequence[Row], protocol: str, metric: str) -> Score:
    """A row's score: of one seed as it was measured, with its bootstrap interval over people; of several seeds their
    mean, with Student's 95 % interval over the seeds.

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
    mean, half = _student(values)
    return Score(mean, mean - half, mean + half, found[0].n)


def difference(ours: Sequence[Row], theirs: Sequence[Row], protocol: str, metric: str) -> Difference | None:
    """One row's score minus another's, pair by pair: what makes a pair hard cancels out.

    Of several seeds those count that both rows have, if there are any. Pairs are those that all runs scored; over
    several seeds a pair's scores are averaged first. The interval is a bootstrap over people: of these trained runs, it
    tells nothing of another seed. A score of the whole set (FID) has no pairs: its interval is Student's over the
    seeds, if there are two or more.

    Returns:
        None where a row has no such score.
    """
    key = f"{protocol}/{metric}"
    if common_seeds := {row.seed for row in ours} & {row.seed for row in theirs}:
        ours, theirs = ([row for row in rows if row.seed in common_seeds] for rows in (ours, theirs))
    if all(key in row.pairs.values for row in (*ours, *theirs)):
        people = {name: who for row in ours for name, who in zip(row.pairs.names, row.pairs.identities, strict=True)}
        of_all = set.intersection(*(set(row.pairs.names) for row in (*ours, *theirs)))
        common = [name for name in people if name in of_all]
        if not common:
            return None
        gain = _by_pair(ours, key, common) - _by_pair(theirs, key, common)
        found = summarise("d", gain.tolist(), [people[name] for name in common])
        shown = len({people[name] for name in common})
        return Difference(found["d"], found.get("d_low"), found.get("d_high"), len(common), shown)
    gains = []
    for mine in ours:
        for other in theirs:
            scores = [row.scores.get(protocol, {}).get(metric) for row in (mine, other)]
            if mine.seed == other.seed and all(one is not None and one.value is not None for one in scores):
                gains.append(scores[0].value - scores[1].value)  # type: ignore[union-attr, operator]
    if not gains:
        return None
    if len(gains) == 1:
        return Difference(gains[0], None, None, 0)
    mean, half = _student(gains)
    return Difference(mean, mean - half, mean + half, 0)


def signed(found: Difference | None, digits: int = 4) -> str:
    """A difference as text, with its sign and its interval."""
    if found is None:
        return "n/a"
    bounds = "" if found.low is None else f" [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
    return f"{found.value:+.{digits}f}{bounds}"


def verdict(expected: float, found: Difference, by_construction: bool = False) -> Verdict:
    """Whether the paper's order holds.

    Args:
        expected: The paper's difference; where it is 0 there is no order.
        found: Ours.
        by_construction: Whether ours cannot decide it, whatever it is.
    """
    if by_construction:
        return "undecided by construction"
    if found.pairs and found.people < FEWEST_PEOPLE:
        return "undecided"
    if expected == 0 or found.low is None or found.high is None or found.low <= 0 <= found.high:
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


def _by_pair(rows: Sequence[Row], key: str, names: Sequence[str]) -> np.ndarray:
    values = []
    for row in rows:
        of = dict(zip(row.pairs.names, row.pairs.values[key], strict=True))
        values.append([of[name] for name in names])
    return np.mean(values, axis=0)


def _student(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half the 95 % interval."""
    spread = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return float(np.mean(values)), float(t.ppf(0.975, len(values) - 1)) * spread
