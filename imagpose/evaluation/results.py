"""An evaluation's files: its scores as JSON, CSV and Markdown, each picture's numbers, and the worst pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from imagpose.data.images import open_view
from imagpose.data.readers.index import Index
from imagpose.data.text import parse_json
from imagpose.errors import InputError
from imagpose.evaluation.evaluate import Evaluation, Scores, size_text
from imagpose.evaluation.matching import read
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.scoring import Score
from imagpose.evaluation.tables import Table, score_table, to_csv
from imagpose.output.files import drop_unfinished, whole_file, write_whole
from imagpose.output.sheet import SheetRow, contact_sheet


def to_json(scores: Scores) -> str:
    """``{protocol: {metric: {value, low, high, n, reason}}}``."""
    plain = {name: {metric: asdict(score) for metric, score in of.items()} for name, of in scores.items()}
    return json.dumps(plain, indent=1, allow_nan=False) + "\n"


def from_json(path: Path) -> Scores:
    """The inverse of :func:`to_json`.

    Raises:
        InputError: The file holds something else.
    """
    try:
        plain = parse_json(path)
        if plain == {}:
            raise ValueError("it has no protocol")
        return {name: _parse(of) for name, of in plain.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is no evaluation.json ({error}); name one, or a folder of pictures.") from error


def _parse(plain: dict[str, object]) -> dict[str, Score]:
    """A protocol's scores; the paper's are always there, and what is younger than the file was not measured."""
    scores = {}
    for name, metric in METRICS.items():
        younger = name not in plain and metric.paper is None
        scores[name] = Score(None, reason=f"{name} was not measured.") if younger else Score.parse(plain[name])
    return scores


def _scores_csv(scores: Scores) -> str:
    rows = [[name, metric, *asdict(score).values()] for name, of in scores.items() for metric, score in of.items()]
    return to_csv([["protocol", "metric", "value", "low", "high", "n", "reason"], *rows])


def _images_csv(evaluation: Evaluation) -> str:
    columns = {
        f"{name}/{metric}": values
        for name, measured in evaluation.measured.items()
        for metric, values in measured.values.items()
    }
    rows = [
        [*sample.pair, sample.path.name, *(f"{values[number]:.6f}" for values in columns.values())]
        for number, sample in enumerate(evaluation.samples)
    ]
    return to_csv([["from", "to", "file", *columns], *rows])


def _worst(evaluation: Evaluation, index: Index, count: int) -> Image.Image:
    """A contact sheet of the worst pictures: by LPIPS, or by SSIM where there is none."""
    name, measured = next(iter(evaluation.measured.items()))
    metric = "lpips" if "lpips" in measured.values else "ssim_256"
    values = measured.values[metric]
    order = np.argsort(values * METRICS[metric].sign)[:count]
    rows = []
    for i in order:
        sample = evaluation.samples[i]
        shown = [Image.fromarray(read(sample.path))]
        source, truth = (open_view(index.records[name], index.root) for name in sample.pair)
        label = f"{sample.path.name}\n{name} {metric} {values[i]:.4f}, row {i + 2} of images.csv"
        rows.append(SheetRow([source], [], shown, [truth], label))
    return contact_sheet(rows)


def write(evaluation: Evaluation, out: Path, index: Index, name: str = "test", sheet: int = 12) -> Table:
    """Write an evaluation's files.

    Args:
        evaluation: What was found.
        out: Folder for ``evaluation.json``, ``.csv`` and ``.md``, ``images.csv`` and ``worst.png``.
        index: The dataset.
        name: Of what was scored, for the title.
        sheet: How many of the worst pictures to show; 0 draws no sheet.

    Returns:
        The table for the screen.

    Raises:
        InputError: The folder cannot be written.
    """
    title = f"{name} at {size_text(evaluation.size)}, {len(evaluation.samples)} pictures"
    table = score_table(title, evaluation.scores, evaluation.size)
    drop_unfinished(out)
    try:
        write_whole(out / "evaluation.json", to_json(evaluation.scores))
        write_whole(out / "evaluation.csv", _scores_csv(evaluation.scores))
        write_whole(out / "evaluation.md", table.markdown())
        write_whole(out / "images.csv", _images_csv(evaluation))
        if sheet:
            with whole_file(out / "worst.png") as unfinished:
                _worst(evaluation, index, sheet).save(unfinished, format="PNG")
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}); make room or name another --out.") from error
    return table
