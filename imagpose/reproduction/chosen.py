"""Which pairs a trained model is tried on: of each of some people one source and several targets."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from imagpose.data.keypoints import visible
from imagpose.data.readers.index import Index
from imagpose.errors import InputError
from imagpose.evaluation.matching import Pair

TARGETS = 3
"""Of each source: as many as IMAGPose* draws on one canvas."""
_FURTHER = 2  # views beside source and target, so that T3 has three sources


def choose(
    index: Index,
    count: int,
    seed: int,
    targets: int = TARGETS,
    further: int = _FURTHER,
    split: str = "test",
    of: Collection[str] | None = None,
) -> list[Pair]:
    """Pairs that every scenario can draw: of each of ``count`` people one source and three targets.

    The people of the pairs are taken in an order fixed by the seed, and of each one source and three of its targets,
    drawn from those in which a joint was found. A source fits that has three targets, each with two more views of the
    same identity beside source and target. Fewer people than ``count`` are taken where there are no more; a larger
    ``count`` only adds people.

    Args:
        index: The dataset.
        count: Of people.
        seed: Of the choice.
        targets: Of each source.
        further: Views that there must be beside source and target.
        split: Whose published pairs are chosen from.
        of: The people to choose from; None is all of the split.

    Returns:
        (source, target) by name, those of a source one after the other.

    Raises:
        InputError: Nobody has enough views.
    """
    views: dict[str, set[str]] = {}
    for name, record in index.records.items():
        if visible(record.keypoints).any():
            views.setdefault(record.identity, set()).add(name)
    found: dict[str, dict[str, list[str]]] = {}  # targets by person and source
    for source, target in dict.fromkeys(index.pairs(split)):
        person, there = index.records[source].person, views.get(index.records[source].identity, set())
        seen = source in there and visible(index.records[target].keypoints).any()
        if seen and source != target and len(there - {source, target}) >= further and (of is None or person in of):
            found.setdefault(person, {}).setdefault(source, []).append(target)
    pairs: list[Pair] = []
    people = sorted(found, key=lambda person: (person.rpartition("/")[2], person))  # by their numbers
    for number in np.random.default_rng([seed, 9]).permutation(len(people)).tolist():
        if len(pairs) == targets * count:
            break
        fitting = {source: some for source, some in found[people[number]].items() if len(some) >= targets}
        if fitting:
            rng = np.random.default_rng([seed, 9, number])
            source = list(fitting)[int(rng.integers(len(fitting)))]
            chosen = np.sort(rng.choice(len(fitting[source]), targets, replace=False)).tolist()
            pairs += [(source, fitting[source][i]) for i in chosen]
    if not pairs:
        raise InputError(
            f"Nobody in the {split} pairs of {index.root} has a source with {targets} targets and {further} views "
            "more; name another --data."
        )
    return pairs
