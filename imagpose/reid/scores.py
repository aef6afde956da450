"""What queries scored, with intervals over people: Rank-1, mAP and the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imagpose.data.readers.market1501 import Sighting
from imagpose.errors import InputError
from imagpose.evaluation.intervals import summarise
from imagpose.evaluation.metrics import Metric
from imagpose.evaluation.scoring import Score
from imagpose.reid.protocol import Ranking

PROTOCOL = "market1501"
"""The protocol's name in rows, see :mod:`imagpose.reid.protocol`."""
METRICS = {metric.name: metric for metric in (
    Metric("rank1", "Rank-1"), Metric("map", "mAP"), Metric("rank5", "Rank-5"), Metric("rank10", "Rank-10"),
)}  # fmt: skip
"""In [0, 1], and in tables in percent."""


def percent(score: Score) -> str:
    """A score as text, in percent with its interval."""
    if score.value is None:
        return "n/a"
    bounds = "" if score.low is None or score.high is None else f" [{100 * score.low:.1f}, {100 * score.high:.1f}]"
    return f"{100 * score.value:.1f}{bounds}"


@dataclass(frozen=True)
class Scored:
    """What the counted queries scored.

    Attributes:
        names: Of the queries.
        persons: Whom they show, as text; intervals resample people, as the queries of one are not independent.
        values: By metric, a number in [0, 1] for each query.
    """

    names: list[str]
    persons: list[str]
    values: dict[str, list[float]]

    @classmethod
    def of(cls, ranking: Ranking, query: Sequence[Sighting]) -> Scored:
        """Of a ranking of these queries.

        Raises:
            InputError: No query has a match.
        """
        counted = [one for one, counts in zip(query, ranking.counted.tolist(), strict=True) if counts]
        if not counted:
            raise InputError("No query has a match by another camera in the gallery, so there is nothing to score.")
        values = {name: of.tolist() for name, of in ranking.values().items()}
        return cls([one.name for one in counted], [str(one.person) for one in counted], values)

    def flat(self) -> dict[str, float]:
        """Means, ``_low`` and ``_high`` of their intervals and ``_n``, by name."""
        found: dict[str, float] = {}
        for metric in METRICS:
            found |= summarise(metric, self.values[metric], self.persons)
        return found

    def scores(self) -> dict[str, Score]:
        """The same as scores by metric."""
        flat = self.flat()
        return {
            name: Score(flat[name], flat.get(f"{name}_low"), flat.get(f"{name}_high"), len(self.names))
            for name in METRICS
        }
