"""Does the generated person wear the right clothes? Asked of mannequins, whose every alternative can be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imagpose.data.mannequins.people import TOP_PATTERNS
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.index import Index
from imagpose.data.workers import allotted, spread

Array = np.ndarray
_LINEUP = 40  # people to tell apart in identity@1: chance is 2.5 %


@dataclass(frozen=True)
class Case:
    """One generated pair.

    Attributes:
        root: The mannequin folder.
        target: Name of the target image, which says who should be seen in which pose.
        lineup: Names of one image of each person to tell apart, the target's person among them.
        images: Candidates to judge, by name, each (H, W, 3) uint8.
    """

    root: Path
    target: str
    lineup: tuple[str, ...]
    images: dict[str, Array]


@dataclass(frozen=True)
class Verdict:
    """Of each judged image, whether the right person, and the right pattern, is nearest."""

    identity: dict[str, bool]
    pattern: dict[str, bool]


def nearest(image: Array, truth: Array, rivals: Sequence[Array], region: Array) -> bool:
    """Whether the truth has the strictly lowest squared RGB error over a region; a tie is a failure.

    Args:
        image: The generated picture, (H, W, 3) uint8.
        truth: The true picture, of the same form.
        rivals: The pictures it might be taken for, of the same form.
        region: Which pixels are compared, (H, W) booleans.
    """

    def error(other: Array) -> float:
        return float(np.square(image[region].astype(float) - other[region]).mean())

    own = error(truth)
    return all(own < error(rival) for rival in rivals)


@dataclass(frozen=True)
class Rivals:
    """What a pair's generated pictures might be taken for.

    Attributes:
        truth: The true picture, (H, W, 3) uint8.
        silhouette: Where its figure is, (H, W) booleans.
        people: Others in its pose.
        union: Where any of all these figures is.
        patterns: The person in every other pattern of the same colours that does not look the same from this side, as a
            badge does from behind.
    """

    truth: Array
    silhouette: Array
    people: list[Array]
    union: Array
    patterns: list[Array]

    @classmethod
    def of(cls, case: Case) -> Rivals:
        """Draw them."""
        wardrobe = Wardrobe.of(case.root)
        person = wardrobe.person(case.target)
        truth = wardrobe.draw(person, case.target)
        others = [wardrobe.draw(o, case.target) for name in case.lineup if (o := wardrobe.person(name)) != person]
        union = np.logical_or.reduce([truth.silhouette, *(other.silhouette for other in others)])
        patterns = [
            wardrobe.draw(person.wearing(p), case.target).image for p in TOP_PATTERNS if p != person.top_pattern
        ]
        patterns = [image for image in patterns if not np.array_equal(image, truth.image)]
        return cls(truth.image, truth.silhouette, [other.image for other in others], union, patterns)


def judge(case: Case) -> Verdict:
    """Judge one pair's images.

    identity@1: among the line-up drawn in the target's pose, the person itself must be nearest, over the union of all
    silhouettes. pattern@1: among the same person in every pattern of the same colours, the true pattern must be
    nearest, over the silhouette; one that looks the same from this side is no rival.
    """
    of = Rivals.of(case)
    return Verdict(
        {k: nearest(v, of.truth, of.people, of.union) for k, v in case.images.items()},
        {k: nearest(v, of.truth, of.patterns, of.silhouette) for k, v in case.images.items()},
    )


def cases(index: Index, shown: Iterable[tuple[str, dict[str, Array]]], seed: int) -> list[Case]:
    """Pairs to judge, each before the target's person and others of the test split.

    Args:
        index: The index of a mannequin folder.
        shown: For each pair the target's name, and the images to judge by their names.
        seed: Seeds the choice of who stands beside the person.
    """
    lineup: dict[str, str] = {}
    for name in index.splits["test"]:
        lineup.setdefault(index.records[name].identity, name)
    order = np.random.default_rng([seed, 7]).permutation(list(lineup)).tolist()
    found = []
    for target, images in shown:
        own = index.records[target].identity
        others = [lineup[identity] for identity in order if identity != own][: _LINEUP - 1]
        found.append(Case(index.root, target, (target, *others), images))
    return found


def judge_all(cases: Sequence[Case]) -> list[Verdict]:
    """Judge pairs on the cores that this process has, in order."""
    return list(spread(judge, cases, allotted()))
