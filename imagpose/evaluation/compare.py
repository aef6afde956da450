"""``imagpose compare``: the paper's tables, each printed score beside the measured ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagpose.data.mannequins.folder import is_drawn
from imagpose.errors import InputError
from imagpose.evaluation.choices import PrintedTable
from imagpose.evaluation.command import Scoring
from imagpose.evaluation.evaluate import Scores, evaluate_folder
from imagpose.evaluation.metrics import METRICS, PAPERS, compared
from imagpose.evaluation.results import from_json
from imagpose.evaluation.scoring import Networks, Score
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import PRESUMED, SIZES, Table, cell, printed, to_csv
from imagpose.output.files import write_whole

_MEASURED = compared(METRICS)
_HEADER = [
    "method", *(f"printed {metric.heading}" for metric in (METRICS[column] for column in PAPERS)),
    *(metric.heading for metric in _MEASURED),
]  # fmt: skip
NOT_RUN = "not run"


def comparison(table: str, results: dict[str, Scores], protocol: str) -> Table:
    """A table of the paper with what was measured by one protocol beside it.

    Args:
        table: A key of ``SIZES``.
        results: By method; one that the table prints is matched whatever its case, others follow below.
        protocol: Whose scores to show.
    """
    rows, notes = [], _notes(table, [protocol])
    for said, name, scores in _methods(table, results):
        if protocol not in scores:
            rows.append([*said, *[NOT_RUN] * len(_MEASURED)])
            continue
        rows.append([*said, *(cell(metric, scores[protocol][metric.name], interval=False) for metric in _MEASURED)])
        notes += _reasons(name, scores[protocol])
    size = SIZES[table]
    return Table(f"{table} at {size[0]}×{size[1]} by {protocol}", _HEADER, rows, list(dict.fromkeys(notes)))


def overview(table: str, results: dict[str, Scores], about: Sequence[str] = ()) -> Table:
    """A table of the paper for a screen: what was measured, with intervals, one line a protocol; nothing else is told.

    Args:
        table: A key of ``SIZES``.
        results: By method, as for :func:`comparison`.
        about: Notes to say first.
    """
    told = len(_HEADER) - len(_MEASURED)
    header = [*_HEADER[:told], "protocol", *_HEADER[told:]] if results else _HEADER[:told]
    rows, notes = [], [*about, *_notes(table, [name for scores in results.values() for name in scores])]
    if not results:
        notes.append("Nothing was measured; --results NAME=DIR with --data puts scores beside the printed ones.")
    for said, name, scores in _methods(table, results):
        lines = [[protocol, *(cell(m, of[m.name]) for m in _MEASURED)] for protocol, of in scores.items()]
        beside = [said, *[[""] * told] * (len(lines) - 1)]
        rows += [[*left, *right] for left, right in zip(beside, lines or [[""] * (len(header) - told)], strict=True)]
        notes += [note for of in scores.values() for note in _reasons(name, of)]
    size = SIZES[table]
    return Table(f"{table} at {size[0]}×{size[1]}", header, rows, list(dict.fromkeys(notes)))


def _methods(table: str, results: dict[str, Scores]) -> Iterator[tuple[list[str], str, Scores]]:
    """A method's name with its printed scores, what the user calls it, and its scores; those of the paper first."""
    papers = {row.method.lower(): row for row in printed(table)}
    measured = {name.lower(): (name, scores) for name, scores in results.items()}
    for key in dict.fromkeys([*papers, *measured]):
        paper, (name, scores) = papers.get(key), measured.get(key, ("", {}))
        said = [(paper.scores[column] if paper else "") or "–" for column in PAPERS]
        yield [paper.method if paper else name, *said], name, scores


def _notes(table: str, protocols: Sequence[str]) -> list[str]:
    notes = [f"Printed by: {'; '.join(dict.fromkeys(row.source for row in printed(table)))}."]
    if any(protocol.startswith(PRESUMED) for protocol in protocols):
        notes.append(f"The printed scores of IMAGPose are presumably by {PRESUMED}, their SSIM is SSIM_256.")
    return notes


def _reasons(name: str, of: dict[str, Score]) -> list[str]:
    shown = [of[metric.name] for metric in _MEASURED]
    return [score.reason if score.value is None else f"*{name}: {score.reason}" for score in shown if score.reason]


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest(Scoring):
    """Methods to compare with a table of the paper.

    Attributes:
        results: Each method's folder of pictures, or its evaluation.json of the same size: name=PATH.
        table: Of the paper.
        out: Folder of the tables.
        data: The dataset with the true pictures.
    """

    results: dict[str, Path] = field(default_factory=dict)
    table: PrintedTable = "deepfashion-256x176"
    out: Path = Path("evaluation")
    data: Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pairs is not None and self.data is None:
            raise InputError("--pairs lists pairs of a dataset, so --data must name it.")


def compare(request: ComparisonRequest) -> None:
    """Print one row a method: what the paper prints, and what its pictures score under each protocol.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    console = wide_console()
    for name, path in request.results.items():
        if not os.path.exists(path):
            raise InputError(
                f"--results {name}={path}: there is no {path}; name a folder of pictures, or the evaluation.json that "
                "imagpose evaluate wrote."
            )
    folders = {name: path for name, path in request.results.items() if path.suffix != ".json"}
    results = {name: from_json(path) for name, path in request.results.items() if name not in folders}
    if folders and request.data is None:
        raise InputError("--results names folders of pictures, so --data must name the dataset to compare with.")
    task = request.task(request.data, SIZES[request.table]) if request.data is not None else None
    if folders and task is not None:
        networks = Networks.load(task.protocols, task.device)
        for name, folder in folders.items():
            results[name] = evaluate_folder(folder, task, networks, console).scores
    # Best-of-n is a figure of its own and has its own table.
    protocols = list(dict.fromkeys(protocol for scores in results.values() for protocol in scores)) or [PRESUMED]
    drawn = f"Measured on {request.data}, drawn mannequins: not comparable with the printed scores."
    of_data = [drawn] if request.data is not None and is_drawn(request.data) else []

    tables = {protocol: comparison(request.table, results, protocol) for protocol in protocols}
    tables = {protocol: replace(table, notes=[*of_data, *table.notes]) for protocol, table in tables.items()}
    sheet = [["protocol", *_HEADER]]
    sheet += [[protocol, *row] for protocol, table in tables.items() for row in table.rows]
    path = request.out / request.table
    try:
        write_whole(path.with_suffix(".md"), "\n".join(table.markdown() for table in tables.values()))
        write_whole(path.with_suffix(".tex"), "\n".join(table.latex() for table in tables.values()))
        write_whole(path.with_suffix(".csv"), to_csv(sheet))
    except OSError as error:
        raise InputError(f"{request.out} cannot be written ({error.strerror}); name another --out.") from error
    show(overview(request.table, results, of_data), console)
    print(f"The tables are in {path}.md, .tex and .csv.")
