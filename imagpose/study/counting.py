"""Figure 6 from votes: R2G, G2R and Jab in percent, Luce's strengths, and who answers alike when asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import choix
import numpy as np

from imagpose.errors import InputError
from imagpose.evaluation.scoring import Score
from imagpose.study.crossed import Crossed, TooFewVotesError
from imagpose.study.questions import FAKE, REAL, Item, Key, Study
from imagpose.study.votes import Vote

Values = Mapping[tuple[int, str], float]
"""What votes count, by rater and item."""
_FEWEST = 4  # repeated questions by which a rater is judged
_PRIOR = 0.01  # of a choice: a method that nobody chose still has a strength


@dataclass(frozen=True)
class Agreement:
    """A rater's answers to what was asked twice.

    Attributes:
        asked: Questions that were answered both times.
        alike: Those that were answered alike.
        chance: How many would be by who answers at random, on average.
    """

    asked: int
    alike: int
    chance: float

    @property
    def fails(self) -> bool:
        """Whether they are alike no more often than at random."""
        return self.asked >= _FEWEST and self.alike <= self.chance


@dataclass(frozen=True)
class Counted:
    """What votes say; shares are in percent, by method.

    Attributes:
        r2g: Real pictures taken for fake, by raters who judge them beside a method's pictures.
        g2r: A method's pictures taken for real.
        jab: Votes for a method's picture as the best.
        strength: Luce's, the logarithm of its share over the geometric mean of all methods'.
        ahead: By how much the first method's Jab is above each other's.
        agreement: By rater.
        votes: Of each rater.
        asked: Questions a rater.
    """

    r2g: dict[str, Score]
    g2r: dict[str, Score]
    jab: dict[str, Score]
    strength: dict[str, Score]
    ahead: dict[str, Score]
    agreement: dict[int, Agreement]
    votes: dict[int, int]
    asked: int

    @property
    def any(self) -> bool:
        """Whether any vote counts."""
        return any(score.value is not None for of in (self.r2g, self.g2r, self.jab) for score in of.values())

    @property
    def failing(self) -> list[int]:
        """Raters who fail the repeated questions."""
        return [rater for rater, of in self.agreement.items() if of.fails]


def count(study: Study, key: Key, votes: Sequence[Vote], drop_failed: bool = False) -> Counted:
    """Count votes. Practice does not count, and of a repeated question only the first answer.

    Args:
        study: The questions.
        key: What their pictures are.
        votes: All of them.
        drop_failed: Whether raters who fail the repeated questions are left out.

    Raises:
        InputError: A vote is on none of the study's questions, or no answer to it.
    """
    items = {item.name: item for item in study.items}
    for vote in votes:
        if vote.item not in items or vote.choice not in items[vote.item].choices:
            raise InputError(
                f"Rater {vote.rater} votes {vote.choice} on {vote.item}, which this study does not ask; put the votes "
                "of this very study into its folder."
            )
    agreement = _agreement(key, items, votes)
    kept = [vote for vote in votes if not (drop_failed and agreement[vote.rater].fails)]
    best = {
        vote[:2]: key.of[vote.choice] for vote in kept if items[vote.item].kind == "best" and items[vote.item].counts
    }
    first, *others = key.methods
    return Counted(
        {method: share(alone(study, key, kept, method, REAL, FAKE)) for method in key.judged},
        {method: share(alone(study, key, kept, method, method, REAL)) for method in key.judged},
        {method: share({place: float(one == method) for place, one in best.items()}) for method in key.methods if best},
        _strengths(key.methods, best),
        {
            other: difference({place: float(one == first) - float(one == other) for place, one in best.items()})
            for other in others
            if best
        },
        agreement,
        dict(sorted(Counter(vote.rater for vote in votes).items())),
        len(study.items_of(1)),
    )


def alone(
    study: Study, key: Key, votes: Sequence[Vote], method: str, whose: str, answer: str
) -> dict[tuple[int, str], float]:
    """Whether single pictures were taken for what an answer says, by rater and item.

    Args:
        study: The questions.
        key: What their pictures are.
        votes: Of all kinds.
        method: Whose pictures the raters judge; one of ``key.judged``.
        whose: The pictures to look at: the method's, or :data:`REAL`.
        answer: Which counts as 1.
    """
    group, groups = key.judged.index(method), study.groups_of(votes)
    items = {
        item.name for item in study.items if item.counts and item.kind == "real" and key.of[item.pictures[0]] == whose
    }
    return {
        vote[:2]: float(vote.choice == answer) for vote in votes if vote.item in items and groups[vote.rater] == group
    }


def grid(values: Values) -> np.ndarray:
    """Values as (raters, items), NaN where there is no vote."""
    raters = {rater: i for i, rater in enumerate(sorted({rater for rater, _ in values}))}
    items = {item: i for i, item in enumerate(sorted({item for _, item in values}))}
    found = np.full((len(raters), len(items)), np.nan)
    for (rater, item), value in values.items():
        found[raters[rater], items[item]] = value
    return found


def share(values: Values) -> Score:
    """The percentage of ones among values, with its interval over raters and items."""
    return _score(values, Crossed.share_interval, 100)


def mean(values: Values) -> Score:
    """The mean of any numbers, likewise."""
    return _score(values, Crossed.interval, 1)


def difference(values: Values) -> Score:
    """The difference of two shares in percentage points, a mean of -1, 0 and 1, likewise."""

    def within(crossed: Crossed) -> tuple[np.ndarray, np.ndarray]:
        low, high = crossed.interval()
        return np.maximum(low, -1), np.minimum(high, 1)

    return _score(values, within, 100)


def _score(values: Values, interval: Callable[[Crossed], tuple[np.ndarray, np.ndarray]], scale: float) -> Score:
    if not values:
        return Score(None, reason="no votes")
    found = grid(values)
    try:
        crossed = Crossed.of(found)
    except TooFewVotesError as told:
        return Score(scale * float(np.nanmean(found)), n=len(values), reason=str(told))
    low, high = interval(crossed)
    return Score(scale * float(crossed.mean), scale * float(low), scale * float(high), len(values))


def _strengths(methods: Sequence[str], best: Mapping[tuple[int, str], str]) -> dict[str, Score]:
    """Luce's choice model of one chosen among all: strengths of mean 0, with intervals by the delta method."""
    if not best:
        return {}
    numbers = {method: i for i, method in enumerate(methods)}
    others = {method: tuple(i for i in range(len(methods)) if i != number) for method, number in numbers.items()}
    chosen = [(numbers[method], others[method]) for method in best.values()]
    strengths = choix.ilsr_top1(len(methods), chosen, alpha=_PRIOR)
    shares = np.exp(strengths) / np.exp(strengths).sum()
    found = {}
    for method, number in numbers.items():
        # What one vote for l adds to the strength of k, at first order: (1[k = l] - 1/n) / share of l.
        pull = ((np.arange(len(methods)) == number) - 1 / len(methods)) / shares
        moved = mean({place: float(pull[numbers[one]]) for place, one in best.items()})
        value = float(strengths[number])
        if moved.value is None or moved.low is None or moved.high is None:
            found[method] = Score(value, n=len(best), reason=moved.reason)
        else:
            half = (moved.high - moved.low) / 2
            found[method] = Score(value, value - half, value + half, len(best))
    return found


def _agreement(key: Key, items: Mapping[str, Item], votes: Sequence[Vote]) -> dict[int, Agreement]:
    said = {vote[:2]: key.of.get(vote.choice, vote.choice) for vote in votes}
    found: dict[int, Agreement] = {}
    for rater in sorted({vote.rater for vote in votes}):
        both = [
            (item, said[rater, item.name] == said[rater, item.repeats])
            for item in items.values()
            if item.repeats and (rater, item.name) in said and (rater, item.repeats) in said
        ]
        chance = sum(1 / len(item.choices) for item, _ in both)
        found[rater] = Agreement(len(both), sum(alike for _, alike in both), chance)
    return found
