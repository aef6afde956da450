"""``imagpose study power``: how many raters it takes to find a difference."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import nct, norm, t

from imagpose.errors import InputError
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import Table
from imagpose.options.ranges import Percent, SeveralItems, check_arguments
from imagpose.study.crossed import LEVEL, Crossed, TooFewVotesError

MOST = 1000
"""Raters beyond which is not looked."""
COMPARISONS = {"one share against a fixed number": 1.0, "two methods, each with raters and items of its own": 2.0}
"""By how much the difference's variance is larger than a share's."""


@dataclass(frozen=True, kw_only=True)
class PowerRequest:
    """A difference to find.

    Attributes:
        difference: In percentage points, between shares such as R2G, G2R or Jab.
        share: Of which it is a difference, in percent.
        questions: Of each rater.
        power: With what probability it shall be found, in percent, at the 5 % level.
        rater_part: How much of a vote's variance is the rater's, in percent.
        item_part: How much is the item's, in percent.
        study: A study whose votes say the share and both parts instead: of the first judged method's G2R.
    """

    difference: Percent = 5.0
    share: Percent = 50.0
    questions: SeveralItems = 40
    power: Percent = 80.0
    rater_part: Percent = 10.0
    item_part: Percent = 10.0
    study: Path | None = None

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")
        if self.rater_part + self.item_part >= 100:
            raise InputError(
                f"--rater_part and --item_part are {self.rater_part:g} and {self.item_part:g} % of a vote's variance, "
                "which leave nothing for the vote itself; together they must be below 100."
            )
        if self.power <= 100 * (1 - LEVEL):
            raise InputError(f"--power is {self.power:g}; it must be above 5, at which nothing but chance is found.")


def power(request: PowerRequest) -> None:
    """Say how many raters a difference needs, and where the number of items sets a limit that no rater lifts.

    Raises:
        InputError: The study cannot be read, or has too few votes to say how raters and items vary.
    """
    share, parts = _of_study(request.study) if request.study else _assumed(request)
    rows = []
    for name, times in COMPARISONS.items():
        found = raters_for(request.difference / 100, share, parts, request.questions, request.power / 100, times)
        least = _times(request.power / 100) * np.sqrt(times * parts[1] / request.questions)
        items = int(times * parts[1] * (_times(request.power / 100) * 100 / request.difference) ** 2) + 1
        rows.append(
            [name, str(found) if found else f"none up to {MOST:,}", f"{100 * least:.1f} points", str(max(items, 2))]
        )
    header = ["to compare", "raters each", f"least difference on {request.questions} items", "least items"]
    total = sum(parts)
    notes = [
        f"Of a share of {100 * share:.1f} %: raters make {100 * parts[0] / total:.0f} % of a vote's variance, items "
        f"{100 * parts[1] / total:.0f} %, {'as the votes say' if request.study else 'as was assumed'}.",
        "However many raters there are, the same items stay: below the least difference more raters find nothing, and "
        "more items do. Below the least items no number of raters suffices.",
    ]
    title = f"Raters for a difference of {request.difference:g} points at {request.power:g} % power"
    show(Table(title, header, rows, notes), wide_console())


def raters_for(
    difference: float, share: float, parts: tuple[float, float, float], items: int, wanted: float, times: float = 1.0
) -> int | None:
    """The fewest raters with whom a difference is found often enough, by a two-sided test at the 5 % level.

    Args:
        difference: As a fraction.
        share: Likewise.
        parts: Variances of a vote: the rater's, the item's, the rest, see :mod:`imagpose.study.crossed`.
        items: Of each rater.
        wanted: The probability of finding it.
        times: The difference's variance over a share's.

    Returns:
        Their number, at least 2; None if :data:`MOST` are too few.
    """

    def power_of(raters: int) -> float:
        plan = Crossed.planned(share, parts, raters, items)
        freedom = float(plan.freedom) * times  # of a sum of two such variances
        bound = t.ppf((1 + LEVEL) / 2, freedom)
        return float(nct.sf(bound, freedom, difference / np.sqrt(times * float(plan.variance))))

    enough = bisect_left(range(2, MOST + 1), wanted, key=power_of) + 2
    return enough if enough <= MOST else None


def _times(wanted: float) -> float:
    """How many standard errors a difference must be to be found so often."""
    return float(norm.ppf((1 + LEVEL) / 2) + norm.ppf(wanted))


def _assumed(request: PowerRequest) -> tuple[float, tuple[float, float, float]]:
    share = request.share / 100
    raters, items = request.rater_part / 100, request.item_part / 100
    spread = share * (1 - share)
    return share, (spread * raters, spread * items, spread * (1 - raters - items))


def _of_study(folder: Path) -> tuple[float, tuple[float, float, float]]:
    from imagpose.study.needs import needed

    needed("choix")
    from imagpose.study.counting import alone, grid
    from imagpose.study.questions import REAL, VOTES, read_key, read_study
    from imagpose.study.votes import Votes

    study = read_study(folder)
    key = read_key(folder, study)
    found = grid(alone(study, key, Votes(folder / VOTES).all(), key.judged[0], key.judged[0], REAL))
    try:
        if not found.size or np.nanstd(found) == 0:
            raise TooFewVotesError("votes that are all alike")
        crossed = Crossed.of(found)
    except TooFewVotesError as told:
        raise InputError(
            f"{folder / VOTES} has too few votes on generated pictures to say how raters and items vary; give --share, "
            "--rater_part and --item_part instead of --study."
        ) from told
    return float(crossed.mean), (float(crossed.of_raters), float(crossed.of_items), float(crossed.of_rest))
