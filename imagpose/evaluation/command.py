"""``imagpose evaluate``: scores a folder of generated pictures under any of the field's protocols."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from imagpose.data.readers.layouts import open_index
from imagpose.errors import InputError
from imagpose.evaluation.choices import ProtocolChoice
from imagpose.evaluation.evaluate import Task, evaluate_folder
from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.evaluation.results import write
from imagpose.evaluation.scoring import Networks
from imagpose.evaluation.screen import show
from imagpose.options.devices import check_device
from imagpose.options.ranges import NonNegativeInt, Size, check_arguments


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What every command that scores pictures asks for: against which pairs, and how.

    Attributes:
        pairs: The pairs to score; the dataset's test pairs unless given.
        protocol: One of the field's, or all of them.
        allow_partial: Whether to score what is there where pairs have no picture, and mark the numbers.
        best_of: Whether to score numbered samples of a pair: the first, and the best apart.
        device: cpu, cuda or another of torch's; cuda where there is one unless given.
    """

    pairs: Path | None = None
    protocol: ProtocolChoice = "all"
    allow_partial: bool = False
    best_of: bool = False
    device: str | None = None

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")
        if self.device is not None:
            check_device(self.device)

    def task(self, data: Path, size: tuple[int, int] | None = None) -> Task:
        """What is to be scored against a dataset.

        Args:
            data: The dataset with the true pictures.
            size: (height, width) to measure at; None takes the pictures'.

        Raises:
            InputError: The dataset cannot be read, or has no pairs.
        """
        index = open_index(data)
        pairs = index.pairs_of(self.pairs) if self.pairs else index.pairs("test")
        if not pairs:
            raise InputError(f"{self.pairs or data} lists no pairs to score; name others with --pairs.")
        for note in index.notes:
            print(note)
        protocols = list(PROTOCOLS.values()) if self.protocol == "all" else [PROTOCOLS[self.protocol]]
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        return Task(index, pairs, protocols, size, self.allow_partial, self.best_of, device)


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest(Scoring):
    """A folder of generated pictures to score.

    Attributes:
        generated: The folder of generated pictures.
        data: The dataset with the true pictures.
        size: Measure at this height x width; the pictures' own unless given.
        out: Folder of the results.
        sheet: How many of the worst pictures to show.
    """

    generated: Path
    data: Path
    size: Size | None = None
    out: Path = Path("evaluation")
    sheet: NonNegativeInt = 12


def evaluate(request: EvaluationRequest) -> None:
    """Score a folder of generated pictures under the field's protocols.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    task = request.task(request.data, request.size)
    networks = Networks.load(task.protocols, task.device)
    evaluation = evaluate_folder(request.generated, task, networks, Console())
    table = write(evaluation, request.out, task.index, request.generated.name, request.sheet)
    show(table, Console())
    print(f"The scores are in {request.out}: evaluation.json, .csv and .md, images.csv, worst.png.")
