"""``imagpose reid evaluate``: scores features of any method under Market-1501's protocol."""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path

from imagpose.errors import InputError
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import Table
from imagpose.options.devices import check_device
from imagpose.options.ranges import PositiveInt, check_arguments
from imagpose.output.files import write_whole
from imagpose.reid.features import read_features
from imagpose.reid.protocol import Seen, rank
from imagpose.reid.scores import METRICS, Scored, percent


@dataclass(frozen=True)
class EvaluationRequest:
    """Features to score.

    Attributes:
        features: A folder with query.npz and gallery.npz, each of features, (n, d), and names such as
            0264_c3s1_061292_02.jpg.
        json: A file for the scores too.
        chunk: Queries at once; the scores do not depend on it.
        device: cpu, cuda or another of torch's.
    """

    features: Path
    _: KW_ONLY
    json: Path | None = None
    chunk: PositiveInt = 256
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")
        check_device(self.device)


def evaluate(request: EvaluationRequest) -> None:
    """Score a folder of features under Market-1501's protocol: Rank-1, 5 and 10, and mAP, with intervals over people.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    query, queried = read_features(request.features / "query.npz")
    gallery, there = read_features(request.features / "gallery.npz")
    parts = (Seen.of(query.to(request.device), queried), Seen.of(gallery.to(request.device), there))
    scored = Scored.of(rank(*parts, request.chunk), queried)
    scores = scored.scores()
    left = len(queried) - len(scored.names)
    notes = [f"{len(scored.names):,} queries of {len(set(scored.persons)):,} people; 95 % intervals over people."]
    if left:
        notes.append(f"{left:,} queries without a match by another camera are skipped.")
    show(Table(f"{request.features}, by Market-1501's protocol", [METRICS[name].heading for name in METRICS],
               [[percent(one) for one in scores.values()]], notes), wide_console())  # fmt: skip
    if request.json is not None:
        plain = {name: asdict(score) for name, score in scores.items()}
        try:
            write_whole(request.json, json.dumps(plain, indent=1) + "\n")
        except OSError as error:
            raise InputError(f"{request.json} cannot be written ({error.strerror}); name another --json.") from error
