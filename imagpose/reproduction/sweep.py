"""One trained model in several ways on the same pairs: pictures, their scores, what they take, and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from imagpose.evaluation.scoring import Networks
from imagpose.evaluation.screen import show
from imagpose.evaluation.tables import Table
from imagpose.generation.canvases import Canvas
from imagpose.generation.command import draw
from imagpose.generation.loading import load
from imagpose.generation.pictures import pending
from imagpose.output.files import write_whole
from imagpose.reproduction.rows import Row, write_row
from imagpose.reproduction.timing import DISTILLED, Pipelines, Way, measure
from imagpose.reproduction.trained import Trial


def run(trial: Trial, canvases: Mapping[Way, Sequence[Canvas]], console: Console, repeats: int = 0) -> dict[str, Row]:
    """Draw in each way what is not drawn yet, score it, time all ways in turn, and write the rows.

    Pictures and their scores are made once; times are taken anew, since only those of one call may be compared.

    Args:
        trial: The model and its pairs.
        canvases: Of each way.
        console: For progress and what is missing.
        repeats: Timed batches of each way; 0 times none.

    Returns:
        By way's name.

    Raises:
        InputError: A picture is there that was made otherwise, or a file cannot be read or written.
        OSError: The disk is not as it must be.
    """
    request = trial.request
    made = {way.name: _settings(trial, way) for way in canvases}
    missing = {
        way: pending(some, made[way.name], trial.images(way.name), request.overwrite) for way, some in canvases.items()
    }
    if repeats or any(missing.values()):
        few = any(way.sampler == DISTILLED for way in canvases)
        pipelines = Pipelines(load(request), load(trial.student.chosen) if few and trial.student else None)
        for way, some in missing.items():
            if some:
                draw(pipelines.use(way), some, trial.images(way.name), request.batch_size, way.label)
    rows = trial.score(Networks.load(trial.task.protocols, trial.task.device), console, made)
    if repeats:
        costs = measure(pipelines, canvases, request.guidance, request.batch_size, repeats)
        measured = datetime.now(UTC).isoformat(timespec="seconds")
        for name, cost in costs.items():
            rows[name] = replace(rows[name], cost=cost, config={**rows[name].config, "measured": measured})
    for row in rows.values():
        write_row(row, request.results, trial.folder.name)
    return rows


def _settings(trial: Trial, way: Way) -> dict[str, Any]:
    if way.sampler == DISTILLED:
        assert trial.student is not None
        settings = trial.student.settings(way.scenario, way.steps)
    else:
        guidance = way.w(trial.request.guidance)
        model = replace(trial.model, form=way.form or trial.model.form)
        settings = model.settings(trial.request, trial.weights, way.scenario, way.steps, guidance, way.interval)
    return {**settings, "sampler": way.sampler}


def write_tables(folder: Path, table: Table, lines: str, name: str = "table") -> None:
    """Write ``table.md``, ``.tex`` and ``.csv``.

    Args:
        folder: Of the results.
        table: For the first two.
        lines: Of the CSV.
        name: Of the files.

    Raises:
        OSError: The disk is not as it must be.
    """
    for kind, text in (("md", table.markdown()), ("tex", table.latex()), ("csv", lines)):
        write_whole(folder / f"{name}.{kind}", text)


def narrowed(table: Table, columns: Sequence[int]) -> Table:
    """A table's columns of these numbers alone."""
    header, *rows = ([cells[i] for i in columns] for cells in (table.header, *table.rows))
    return Table(table.title, header, rows, table.notes)


def tell(folder: Path, table: Table, columns: Sequence[int], console: Console) -> None:
    """Show a table whose files and ``figure.png`` are written, and say where they are.

    Args:
        folder: Of the results.
        table: The whole of it.
        columns: Numbers of those that find room on a screen.
        console: The screen.
    """
    show(narrowed(table, columns), console)
    print(f"The tables are {folder / 'table'}.md, .tex and .csv, the figure is {folder / 'figure.png'}.")
