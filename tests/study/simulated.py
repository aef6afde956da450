"""Raters of known skill, who vote on a study's questions."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from imagpose.study.questions import FAKE, REAL, Key, Study
from imagpose.study.votes import Vote

R2G, G2R = 0.3, 0.585
LIKED = {"ours": 0.6, "other": 0.1, "third": -0.4}
"""How much more a method's picture is liked than the mean, before raters, items and chance."""
_RATER, _ITEM = 0.15, 0.15  # shares of variance


def votes(study: Study, key: Key, raters: range, rng: np.random.Generator, guessing: bool = False) -> list[Vote]:
    """All votes of raters: a latent number each, of which the rater, the question and chance have their parts.

    Args:
        study: The questions.
        key: What is shown.
        raters: Their numbers.
        rng: Of all draws.
        guessing: Whether they answer at random.
    """
    once = {item.name: item.repeats or item.name for item in study.items}
    of_item = {name: rng.normal(0, _ITEM**0.5) for name in once.values()}
    liked = {(name, method): rng.normal(0, 0.3) for name in once.values() for method in key.methods}
    found = []
    for rater in raters:
        of_rater = {answer: rng.normal(0, _RATER**0.5) for answer in (REAL, FAKE)}
        leaning = {method: rng.normal(0, 0.2) for method in key.methods}
        own = {name: rng.normal(0, (1 - _RATER - _ITEM) ** 0.5 * 0.95) for name in once.values()}
        for item in study.items_of(rater):
            name = once[item.name]
            if guessing:
                choice = item.choices[rng.integers(len(item.choices))]
            elif item.kind == "real":
                whose = key.of[item.pictures[0]]
                wrong = FAKE if whose == REAL else REAL
                share = R2G if whose == REAL else G2R
                # Asked again, a rater thinks nearly the same of a picture.
                mind = own[name] + rng.normal(0, ((1 - _RATER - _ITEM) * (1 - 0.95**2)) ** 0.5)
                mistaken = of_rater[wrong] + of_item[name] + mind > norm.ppf(1 - share)
                choice = wrong if mistaken else REAL if wrong == FAKE else FAKE
            else:
                drawn = {
                    one: LIKED[key.of[one]] + liked[name, key.of[one]] + leaning[key.of[one]] + rng.gumbel()
                    for one in item.pictures
                }
                choice = max(drawn, key=drawn.__getitem__)
            found.append(Vote(rater, item.name, choice))
    return found


def jab(methods: tuple[str, ...], draws: int = 400_000) -> dict[str, float]:
    """The share of votes that each method has as the best, of all raters and items that there could be."""
    rng = np.random.default_rng(0)
    size = (draws, len(methods))
    drawn = np.array([LIKED[one] for one in methods]) + rng.normal(0, 0.3, size) + rng.normal(0, 0.2, size)
    best = (drawn + rng.gumbel(size=size)).argmax(1)
    return {method: float((best == i).mean()) for i, method in enumerate(methods)}
