"""A table's rows as files: ``results/<table>/rows/<experiment>-seed<k>.json``, each written whole by whoever ran it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from imagpose.data.text import is_number, parse_json
from imagpose.errors import InputError
from imagpose.evaluation.scoring import Score
from imagpose.output.files import write_whole
from imagpose.training.runs import check_name

PROGRESS = "progress.json"  # beside a run's versions: how far it is, for whoever started it
Scores = dict[str, dict[str, Score]]


@dataclass(frozen=True)
class Pairs:
    """What single pairs scored, so that two rows can be compared pair by pair.

    Attributes:
        names: ``<source> → <target>``, in order.
        identities: The person that each pair shows.
        values: Numbers by ``<protocol>/<metric>``, one a pair.
    """

    names: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What one run, or one setting of a trained model, scored on the test pairs.

    Attributes:
        experiment: The experiment's name, by which the table knows it.
        seed: The run's seed.
        scores: Scores by protocol and metric, with intervals; ``figure`` holds what only mannequins have: SSIM and
            PSNR inside the figure's box, identity@1 and pattern@1.
        pairs: The single pairs.
        samples: Generated pictures that were scored.
        data: The dataset's folder.
        drawn: Whether its people are drawn mannequins.
        steps: Optimiser steps.
        seconds: Wall time of the training, all parts of an interrupted one; None where it was not measured.
        device: The device that the run was tested on.
        peak_memory: Peak memory in bytes, of the GPU or else of the process; None where it was not measured.
        commit: Commit of the code, ``-dirty`` where it was changed; None outside of a checkout.
        config: Every option of the run.
        cost: What a result takes, by name with its unit; only where speed is what is compared.
    """

    experiment: str
    seed: int
    scores: Scores
    pairs: Pairs
    samples: int
    data: str
    drawn: bool
    steps: int | None = None
    seconds: float | None = None
    device: str = ""
    peak_memory: int | None = None
    commit: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)


def commit() -> str | None:
    """Of this code; ``-dirty`` where files differ from it."""
    folder = Path(__file__).parents[1]
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], cwd=folder, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return told.stdout.strip()


def device_name(device: str) -> str:
    """What a row says that it was measured on.

    Args:
        device: torch's name of it.
    """
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} CPU thread{'s' if threads > 1 else ''}"


def row_path(results: Path, table: str, experiment: str, seed: int) -> Path:
    """The file of a row.

    Raises:
        InputError: A name is none of a file, see :func:`imagpose.training.runs.check_name`.
    """
    check_name(table, "--table")
    check_name(experiment, "The row")
    return results / table / "rows" / f"{experiment}-seed{int(seed)}.json"


def write_row(row: Row, results: Path, table: str) -> Path:
    """Write a row's file, whole or not at all.

    Raises:
        InputError: It cannot be written.
    """
    path = row_path(results, table, row.experiment, row.seed)
    try:
        write_whole(path, json.dumps(asdict(row), indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); make room or name another --results."
        ) from error
    return path


def read_row(path: Path) -> Row:
    """The inverse of :func:`write_row`.

    Raises:
        InputError: The file is no row.
    """
    try:
        plain = parse_json(path)
        scores = {
            protocol: {metric: Score.parse(score) for metric, score in of.items()}
            for protocol, of in plain.pop("scores").items()
        }
        row = Row(**{**plain, "scores": scores, "pairs": Pairs(**plain["pairs"])})
        _check(row)
        check_name(row.experiment, path)  # plots and comparisons are named after it
        return row
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is no row of a table ({error}); delete it, and the row is run again.") from error


def _check(row: Row) -> None:
    """Raise a ValueError where a field is not what a table takes it for."""
    if not row.scores:
        raise ValueError("it has no scores")
    texts: tuple[Any, ...] = (row.experiment, row.data, row.device, *row.pairs.names, *row.pairs.identities)
    numbers = (row.seed, row.samples, *row.cost.values(), *chain.from_iterable(row.pairs.values.values()))
    perhaps = (value for value in (row.steps, row.seconds, row.peak_memory) if value is not None)
    if odd := [text for text in texts if not isinstance(text, str)]:
        raise ValueError(f"{str(odd[0])[:80]} stands where a text should")
    if odd := [number for number in (*numbers, *perhaps) if not is_number(number)]:
        raise ValueError(f"{str(odd[0])[:80]!r} stands where a number should")
    if not isinstance(row.drawn, bool) or not isinstance(row.config, dict):
        raise ValueError("its drawn or its config is of another type")
    if {len(row.pairs.names)} != {len(row.pairs.identities), *map(len, row.pairs.values.values())}:
        raise ValueError("its pairs have not as many names as people and scores")


def read_rows(results: Path, table: str, experiments: Sequence[str]) -> dict[str, list[Row]]:
    """All seeds of each experiment that is there, in the order of their seeds."""
    folder = results / table / "rows"
    found = {
        name: sorted((read_row(path) for path in folder.glob(f"{name}-seed*.json")), key=lambda row: row.seed)
        for name in experiments
    }
    return {name: rows for name, rows in found.items() if rows}
