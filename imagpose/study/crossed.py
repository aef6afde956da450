"""Means over raters and items: both are drawn, from people and from pictures, so both make a percentage uncertain.

A vote is μ + a + b + e: a is the rater's part, b the item's and e the rest, each of mean 0. A bootstrap over votes
takes them for independent, and its intervals are far too narrow; one that resamples raters and items at once counts e
more than once, and they are too wide where a and b are small. So the three variances are estimated by analysis of
variance, in Henderson's first form, which lets votes be missing, and the degrees of freedom of their sum are
Satterthwaite's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

LEVEL = 0.95
"""Of every interval."""


class TooFewVotesError(ValueError):
    """Nothing tells how raters and items vary, so there is no interval; the message says why."""


@dataclass(frozen=True, eq=False)
class Crossed:
    """A mean of votes of raters on items; or many such means at once, as arrays of one shape.

    Attributes:
        mean: Of all votes.
        of_raters: Variance of a, at least 0.
        of_items: Variance of b, at least 0.
        of_rest: Variance of e, at least 0.
        raters: How many.
        items: How many.
        votes: How many.
        same_rater: How many votes are of a vote's own rater, on average over votes.
        same_item: How many votes are on a vote's own item, likewise.
    """

    mean: np.ndarray
    of_raters: np.ndarray
    of_items: np.ndarray
    of_rest: np.ndarray
    raters: int
    items: int
    votes: np.ndarray
    same_rater: np.ndarray
    same_item: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Crossed:
        """Estimate mean and variances.

        Args:
            values: What votes count, (…, raters, items), NaN where there is none; every rater and item has one.

        Raises:
            TooFewVotesError: There are fewer than two raters or items, or no rater or no item has two votes.
        """
        raters, items = values.shape[-2:]
        if min(raters, items) < 2:
            raise TooFewVotesError("no interval: it is over raters and items, and needs two of each")
        cast = ~np.isnan(values)
        of_rater, of_item, votes = cast.sum(-1), cast.sum(-2), cast.sum((-2, -1))
        mean = np.nansum(values, (-2, -1)) / votes
        apart = np.where(cast, values - mean[..., None, None], 0.0)
        same_rater, same_item = (of_rater**2).sum(-1) / votes, (of_item**2).sum(-1) / votes
        # Sums of squares about the mean: between raters, between items, of all votes; and what each expects of a, b, e.
        sums = [
            (apart.sum(-1) ** 2 / of_rater).sum(-1),
            (apart.sum(-2) ** 2 / of_item).sum(-1),
            (apart**2).sum((-2, -1)),
        ]
        expected = [
            [votes - same_rater, raters - same_item, raters - 1],
            [items - same_rater, votes - same_item, items - 1],
            [votes - same_rater, votes - same_item, votes - 1],
        ]
        matrix = np.stack([np.stack([np.broadcast_to(one, mean.shape) for one in row], -1) for row in expected], -2)
        matrix = matrix.astype(float)
        if np.linalg.matrix_rank(matrix).min() < len(
            sums
        ):  # by rounding alone it may be solved, and anything comes out
            raise TooFewVotesError(
                "no interval: no two votes are of one rater, or none on one item, so neither's part can be told"
            )
        parts = np.maximum(np.linalg.solve(matrix, np.stack(sums, -1)[..., None])[..., 0], 0)
        return cls(mean, parts[..., 0], parts[..., 1], parts[..., 2], raters, items, votes, same_rater, same_item)

    @classmethod
    def planned(cls, mean: float, parts: tuple[float, float, float], raters: int, items: int) -> Crossed:
        """What is to be expected of a study in which every rater votes on every item.

        Args:
            mean: Of votes.
            parts: Variances of a, b and e.
            raters: How many.
            items: How many.
        """
        numbers = (mean, *parts, raters, items, raters * items, items, raters)
        return cls(*(one if place in (4, 5) else np.array(one, float) for place, one in enumerate(numbers)))  # type: ignore[arg-type]

    @property
    def variance(self) -> np.ndarray:
        """Of the mean."""
        return (self.of_raters * self.same_rater + self.of_items * self.same_item + self.of_rest) / self.votes

    @property
    def freedom(self) -> np.ndarray:
        """Satterthwaite's degrees of freedom of the variance, at least 1."""
        rest = self.of_rest / self.votes
        by_rater = self.of_raters * self.same_rater / self.votes + rest
        by_item = self.of_items * self.same_item / self.votes + rest
        left = np.maximum(self.votes - self.raters - self.items + 1, 1)
        squares = by_rater**2 / (self.raters - 1) + by_item**2 / (self.items - 1) + rest**2 / left
        freedom = np.divide(self.variance**2, squares, out=np.ones_like(squares), where=squares > 0)
        return np.maximum(freedom, 1.0)

    @property
    def quantile(self) -> np.ndarray:
        """Student's, of :data:`LEVEL`."""
        return t.ppf((1 + LEVEL) / 2, self.freedom)

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % interval of a mean of any numbers, a difference of shares say."""
        half = self.quantile * np.sqrt(self.variance)
        return self.mean - half, self.mean + half

    def share_interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % interval of a share, a mean of zeros and ones: Wilson's, which stays within 0 and 1.

        It counts as many independent votes as would make the variance. Where all votes are alike there is no variance,
        and as many as there are raters or items, whichever are fewer.
        """
        spread = self.mean * (1 - self.mean)
        fewest = np.full_like(spread, min(self.raters, self.items))
        independent = np.divide(spread, self.variance, out=fewest, where=(spread > 0) & (self.variance > 0))
        pull = self.quantile**2 / independent
        middle = (self.mean + pull / 2) / (1 + pull)
        half = np.sqrt(pull * (spread + pull / 4)) / (1 + pull)
        return middle - half, middle + half
