"""Parts of the training pictures that keep every person, each a part of the larger ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imagpose.data.readers.market1501 import Sighting

_SEED = 0
"""Of the parts: the same in all runs, so that a generator and its pictures serve every seed."""


def subset_of(pictures: Sequence[Sighting], percentage: int) -> list[Sighting]:
    """A part of the training pictures, drawn at random, with at least one of each person (Sec. 4.3).

    One picture of each person comes first, then the others in a random order, and the part is a beginning of that. So
    20 % is a part of 40 % and so on. Where there are more people than a percentage would have pictures, one of each is
    taken.

    Args:
        pictures: All of them; their order does not matter.
        percentage: 1 to 100.

    Returns:
        The part, in the order of names.
    """
    ordered = sorted(pictures)
    shuffled = [ordered[i] for i in np.random.default_rng([_SEED, 23]).permutation(len(ordered)).tolist()]
    first = list({one.person: one for one in reversed(shuffled)}.values())
    kept = set(first)
    rest = [one for one in shuffled if one not in kept]
    count = max(round(len(ordered) * percentage / 100), len(first))
    return sorted([*first, *rest[: count - len(first)]])
