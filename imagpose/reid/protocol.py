"""The protocol of Market-1501: CMC and mAP of features, in chunks of queries on any device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from imagpose.data.readers.market1501 import JUNK, Sighting
from imagpose.errors import InputError

RANKS = (1, 5, 10)
_SCALE = 1e9  # distances that are the same in nine digits are equal, whatever the device and its kernels
_FARTHEST = 2**62
_CHUNK = 256  # queries at once: 130 MB of distances to Market-1501's gallery


class Seen(NamedTuple):
    """Features of pictures, and who is seen by which camera.

    Attributes:
        features: (n, d), of any length, finite.
        persons: Ids, (n,) whole numbers; :data:`imagpose.data.readers.market1501.JUNK` is dropped from a gallery.
        cameras: Numbers, (n,).
    """

    features: Tensor
    persons: Tensor
    cameras: Tensor

    @classmethod
    def of(cls, features: Tensor, sightings: Sequence[Sighting]) -> Seen:
        """Of pictures by their names, on the features' device."""
        persons = torch.tensor([one.person for one in sightings], device=features.device)
        return cls(features, persons, torch.tensor([one.camera for one in sightings], device=features.device))


class Ranking(NamedTuple):
    """What each query scored.

    Attributes:
        counted: Whether the query has a match by another camera, (Q,); others are skipped.
        average_precision: Mean of the precisions at the matches, (Q,) in [0, 1]; 0 where not counted.
        first: Rank of the first match, (Q,), 1 is the best; 0 where not counted.
    """

    counted: Tensor
    average_precision: Tensor
    first: Tensor

    def values(self) -> dict[str, Tensor]:
        """A number in [0, 1] for each counted query: ``map``, and ``rank1`` and so on, whose means are the scores."""
        first = self.first[self.counted]
        hits = {f"rank{k}": (first <= k).double() for k in RANKS}
        return {"map": self.average_precision[self.counted], **hits}


def rank(query: Seen, gallery: Seen, chunk: int = _CHUNK) -> Ranking:
    """Rank the gallery for each query by cosine distance, under Market-1501's rules.

    - Gallery pictures of junk (id -1) are dropped. Distractors (id 0) stay, as wrong answers.
    - Of each query, gallery pictures of the same person *and* camera are left out.
    - A query that then has no match is skipped.
    - The average precision is the mean of the precisions at the matches; Market-1501's Matlab code integrates the
      precision-recall curve instead, which differs a little.
    - **Ties**: distances are computed in double precision and rounded to nine digits; of gallery pictures at one
      distance, wrong people come first. So no order of the gallery matters, and a feature that is the same for all
      gains nothing.

    Args:
        query: The queries.
        gallery: What is searched.
        chunk: Queries at once; the result does not depend on it.

    Raises:
        InputError: Features are not finite numbers, or of two widths.
    """
    for what, seen in (("query", query), ("gallery", gallery)):
        if not torch.isfinite(seen.features).all():
            raise InputError(f"The features of the {what} have numbers that are not finite; extract them again.")
    if query.features.shape[1] != gallery.features.shape[1]:
        raise InputError(
            f"The features of the query are {query.features.shape[1]} wide and those of the gallery "
            f"{gallery.features.shape[1]}; extract both by one network."
        )
    gallery = Seen(*(part[gallery.persons != JUNK] for part in gallery))
    unit = F.normalize(gallery.features.double(), dim=1).T
    chunks = zip(*(part.split(chunk) for part in query), strict=True)
    parts = [_rank(Seen(*some), gallery, unit) for some in chunks]
    return Ranking(*(torch.cat([part[i] for part in parts]) for i in range(3)))


def _rank(query: Seen, gallery: Seen, unit: Tensor) -> Ranking:
    cosines = F.normalize(query.features.double(), dim=1) @ unit
    same = query.persons[:, None] == gallery.persons
    left_out = same & (query.cameras[:, None] == gallery.cameras)
    # The rounded distance as a whole number, whose last bit says whether it is a match: one sort then has wrong people
    # first among those at one distance. What is left out is farther than anybody.
    keys = 2 * ((1 - cosines) * _SCALE).round().long() + (same & ~left_out)
    hits = keys.masked_fill_(left_out, _FARTHEST).sort(dim=1).values & 1
    ranks = torch.arange(1, hits.shape[1] + 1, device=hits.device)
    count = hits.sum(1)
    precisions = (hits.cumsum(1) / ranks.double() * hits).sum(1)
    counted = count > 0
    first = torch.where(counted, hits.argmax(1) + 1, 0)
    return Ranking(counted, precisions / count.clamp(min=1), first)
