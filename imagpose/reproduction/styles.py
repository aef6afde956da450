"""``imagpose styles``: the paper's second limitation, other styles than photographs, measured on cartoons."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from rich.console import Console

from imagpose.data.images import to_tensor, to_uint8
from imagpose.data.mannequins.folder import MannequinSet, ensure
from imagpose.data.pictures import read_picture
from imagpose.errors import InputError
from imagpose.evaluation.metrics import FIGURE
from imagpose.evaluation.scoring import Networks
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import Table, cell, to_csv
from imagpose.generation.canvases import Canvas
from imagpose.generation.command import draw
from imagpose.generation.loading import load
from imagpose.generation.model import fingerprint
from imagpose.generation.pictures import Record, pending, save
from imagpose.options.names import joined
from imagpose.options.ranges import PositiveInt
from imagpose.output.files import write_whole
from imagpose.output.sheet import lay_out
from imagpose.reproduction.chosen import TARGETS
from imagpose.reproduction.rows import Row, read_row, row_path, write_row
from imagpose.reproduction.trained import Trial, TrialRequest
from imagpose.training.runs import from_folder, newest

if TYPE_CHECKING:
    from imagpose.pipeline import ImagposePipeline

PEOPLE = MannequinSet(identities=64, seed=3)
"""24 to learn from, 4 of them for validation, and 40 who are drawn and scored; in each style the same."""
SETS = {"cartoon": replace(PEOPLE, style="cartoon"), "photograph": PEOPLE}
ARMS = {"as_they_are": "", "lora": "cartoon_lora", "full": "cartoon_full", "many": "cartoon_many"}
"""The experiment whose run is tried, by the name of its rows; the first are the demo weights themselves."""
CEILING = "vae"
"""Of the rows of the truths through the VAE, which is frozen in all arms and has seen the first style alone."""
_SAYS = {
    "as_they_are": "demo weights as they are", "lora": "a LoRA on 20 people", "full": "all weights on 20 people",
    "many": "all weights on 560 people", CEILING: "the truth through the VAE",
}  # fmt: skip
_HEADINGS = {"as_they_are": "as it is", "lora": "LoRA", "full": "all weights", "many": "many people", CEILING: "VAE"}
"""Of the sheet, where a column is as wide as a picture."""
_METRICS = ("ssim", "identity_at_1", "pattern_at_1")
_ON_SHEET = 5  # people


@dataclass(frozen=True, kw_only=True)
class StylesRequest(TrialRequest):
    """What the styles are measured on.

    Attributes:
        data: Folder of the drawn sets, one of each style.
        sources: How many people, of each of whom one source and three targets are taken.
        arms: Which to train and measure: as_they_are, lora, full, many; all unless given. What is there is kept.
        runs: Folder of all runs.
    """

    data: Path = Path("data/styles")
    sources: PositiveInt = 40
    arms: tuple[str, ...] = ()
    runs: Path = Path("runs")

    def __post_init__(self) -> None:
        super().__post_init__()
        if unknown := [arm for arm in self.arms if arm not in ARMS]:
            raise InputError(f"--arms {unknown[0]} is none of them, which are {joined(ARMS)}.")


def styles(request: StylesRequest) -> None:
    """Measure what the demo weights make of cartoons, and what 20 people in that style teach them.

    The demo weights as they are, after a LoRA on 20 people, after training all weights on them, and after training all
    on many, draw the same held-out people as cartoons, and as before, which shows what is forgotten. The truths through
    the VAE stand beside: what no training of the rest goes beyond. Runs that are missing are trained, unfinished ones
    resumed; each row is written as it ends.

    Raises:
        InputError: A file or the disk is not as it must be, or a training failed; the sentence says which.
    """
    if request.run is not None:
        raise InputError("--run is of no use here: the styles have runs of their own.")
    console, rows = wide_console(), dict[str, Row]()
    arms = [arm for arm in ARMS if not request.arms or arm in request.arms]
    drawn: dict[str, list[Canvas]] = {}
    fingerprint(request)  # a mistake is told before anything is drawn
    try:
        (request.results / "styles").mkdir(parents=True, exist_ok=True)
        for style, people in SETS.items():
            ensure(request.data / style, people)
        for arm in (*arms, CEILING):
            run = _trained(ARMS[arm], request.runs) if ARMS.get(arm) else None
            for style in SETS:
                name = f"{arm}-{style}"
                trial = Trial.of(replace(request, run=run, data=request.data / style), "styles")
                settings, drawn[style] = trial.settings("T1", None, request.guidance), trial.canvases("T1")
                made = settings if arm != CEILING else {**settings, "instead": _SAYS[CEILING]}
                missing = pending(drawn[style], made, trial.images(name), request.overwrite)
                if missing and arm == CEILING:
                    reconstruct(load(trial.request), missing, trial.images(name))
                elif missing:
                    title = f"{_SAYS[arm]}, {style}"
                    draw(load(trial.request), missing, trial.images(name), request.batch_size, title)
                rows[name] = _scored(trial, name, made, console, anew=bool(missing))
        table, lines = report(rows)
        write_whole(trial.folder / "table.md", table.markdown())
        write_whole(trial.folder / "table.csv", to_csv(lines))
        save(sheet(trial, (*arms, CEILING), drawn["cartoon"]).quantize(256), trial.folder / "panels.png", settings)
    except OSError as error:
        raise InputError(f"{request.results} cannot be written ({error.strerror}); name another --results.") from error
    show(table, console)
    print(f"Tables, rows and panels.png are in {trial.folder}, the pictures in {trial.folder / 'images'}.")


def _trained(experiment: str, runs: Path) -> Path:
    """The folder of an experiment's newest run, trained to its end first.

    Raises:
        InputError: It could not be.
    """
    found = newest(runs, experiment)
    if found is None or not found.complete:
        words = [sys.executable, "-m", "imagpose", "fit", "--exp", experiment, "--runs", str(runs)]
        if (code := subprocess.run(words, check=False).returncode) != 0:
            raise InputError(f"The training of {experiment} ended with code {code}; the same command resumes it.")
        found = newest(runs, experiment)
    assert found is not None
    return from_folder(found.folder).folder


def _scored(trial: Trial, name: str, made: Record, console: Console, anew: bool) -> Row:
    """A row, written; one that is there of the same pictures is kept."""
    path = row_path(trial.request.results, "styles", name, trial.request.seed)
    if not anew and path.exists() and (row := read_row(path)).config == trial.config(made):
        return row
    row = trial.score(Networks.load(trial.task.protocols, trial.task.device), console, {name: made})[name]
    write_row(row, trial.request.results, "styles")
    return row


def reconstruct(pipe: ImagposePipeline, canvases: Sequence[tuple[Canvas, Record]], folder: Path) -> None:
    """Write the truths as the frozen VAE decodes them, where :func:`draw` writes generated pictures.

    Args:
        pipe: Whose VAE.
        canvases: With their records.
        folder: Of the pictures.
    """
    for canvas, record in canvases:
        truths = torch.stack([to_tensor(truth) for truth in canvas.read_truths()])
        with torch.no_grad():
            decoded = pipe.synthesis.reconstruct(truths.to(pipe.device))
        for name, image in zip(canvas.outputs, to_uint8(decoded), strict=True):
            save(Image.fromarray(image), folder / name, record)


def report(rows: Mapping[str, Row]) -> tuple[Table, list[list[object]]]:
    """The table, and its lines for a CSV.

    Args:
        rows: By ``<arm>-<style>``.
    """
    body: list[list[str]] = []
    lines: list[list[object]] = [["arm", "style", "metric", "value", "low", "high"]]
    arms = list(dict.fromkeys(name.rpartition("-")[0] for name in rows))
    for arm in arms:
        cells = []
        for style in SETS:
            for metric in _METRICS:
                score = rows[f"{arm}-{style}"].scores["figure"][metric]
                cells.append(cell(FIGURE[metric], score))
                lines.append([arm, style, metric, score.value, score.low, score.high])
        body.append([_SAYS[arm], *cells])
    header = ["", *(f"{FIGURE[metric].title}, {style}s" for style in SETS for metric in _METRICS)]
    one = next(iter(rows.values()))
    steps = {arm: rows[f"{arm}-cartoon"].config["model"] for arm in arms}
    notes = [
        f"{one.samples} pairs of {len(set(one.pairs.identities))} held-out people in T1, the same people, poses and "
        f"noise in both styles; {one.config['steps']} steps, guidance {one.config['guidance']:g}; on photographs: what "
        "is forgotten. 95 % bootstrap intervals over people.",
        "Models: " + "; ".join(f"{_SAYS[arm]}: {model}" for arm, model in steps.items()) + ".",
    ]
    if {"as_they_are", "lora", "many"} <= set(arms):
        found = [rows[f"{arm}-cartoon"].scores["figure"]["ssim"].value for arm in ("as_they_are", "lora", "many")]
        none, lora, many = (float(value or 0.0) for value in found)
        if many != none:
            notes.append(f"The LoRA goes {(lora - none) / (many - none):.0%} of the way to many cartoons in SSIM.")
    return Table("Cartoons: 20 people against the second limitation", header, body, notes), lines


def sheet(trial: Trial, arms: Sequence[str], canvases: Sequence[Canvas]) -> Image.Image:
    """A few held-out people as cartoons: source, pose, each arm's picture, truth.

    Args:
        trial: Whose folder the pictures are in.
        arms: Whose pictures to show.
        canvases: Of all pairs.
    """
    some = canvases[::TARGETS][:_ON_SHEET]
    size = some[0].read_truths()[0].size

    def pictures(arm: str) -> list[list[Image.Image]]:
        folder = trial.images(f"{arm}-cartoon")
        return [[read_picture(folder / canvas.outputs[0], folder)] for canvas in some]

    columns = [
        ("source", [canvas.read_sources() for canvas in some]),
        ("pose", [[canvas.target_poses[0].picture((size[1], size[0]))] for canvas in some]),
        *((_HEADINGS[arm], pictures(arm)) for arm in arms),
        ("truth", [canvas.read_truths() for canvas in some]),
    ]
    return lay_out(columns, size)
