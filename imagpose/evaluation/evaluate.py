"""Scores a folder of generated pictures under any of the field's protocols, and keeps the scores in files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from imagpose.data.images import open_view, same_shape
from imagpose.data.readers.index import Index
from imagpose.data.text import parse_json
from imagpose.errors import InputError
from imagpose.evaluation import scoring
from imagpose.evaluation.matching import Matches, Pair, common_size, match, read
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.protocols import Protocol, Size
from imagpose.evaluation.reference import reference_statistics
from imagpose.evaluation.scoring import Measured, Networks, Sample, Score
from imagpose.evaluation.tables import Table, score_table, to_csv
from imagpose.evaluation.truth import Truth
from imagpose.output.files import drop_unfinished, whole_file, write_whole
from imagpose.output.progress import progress
from imagpose.output.sheet import SheetRow, contact_sheet

Scores = dict[str, dict[str, Score]]
_SMALLEST, _LARGEST = 11, 2**22  # side of SSIM's window at σ 1.5; pixels, a batch of which is 1.6 GB
_SQUARES = {(256, 256): (256, 176), (512, 512): (512, 352)}  # stored squeezed; what they are measured at


@dataclass(frozen=True)
class Evaluation:
    """A folder's scores.

    Attributes:
        size: That they were measured at.
        scores: By protocol, ``pcdms (best of 4)`` beside ``pcdms``, and metric.
        samples: The pictures.
        measured: Their single numbers by protocol.
    """

    size: Size
    scores: Scores
    samples: list[Sample]
    measured: dict[str, Measured]


@dataclass(frozen=True)
class Task:
    """What to evaluate against, and how.

    Attributes:
        index: The dataset.
        pairs: Its pairs.
        protocols: Those to measure by.
        size: To measure at; None takes the pictures'.
        allow_partial: Go on where pairs have no picture.
        best_of: Score several samples of a pair.
        device: To compute on.
    """

    index: Index
    pairs: list[Pair]
    protocols: list[Protocol]
    size: Size | None
    allow_partial: bool
    best_of: bool
    device: str


def evaluate_folder(folder: Path, task: Task, networks: Networks, console: Console) -> Evaluation:
    """Score a folder.

    Args:
        folder: Of generated pictures.
        task: How.
        networks: For LPIPS and FID.
        console: For progress and what is missing.

    Raises:
        InputError: A file, the set of files or their size is not as it must be.
    """
    matches = _complete(folder, task, console)
    samples, groups = _samples(matches, task.index)
    theirs = common_size([sample.path for sample in samples])
    size = task.size or _SQUARES.get(theirs, theirs)
    if min(size) < _SMALLEST or size[0] * size[1] > _LARGEST:
        raise InputError(
            f"{folder} cannot be scored at {_times(size)}: SSIM's window needs sides of {_SMALLEST} pixels, and more "
            f"than {_LARGEST:,} pixels find no room in memory; choose another --size."
        )
    truth = Truth(task.index, cropped=theirs not in _SQUARES)
    fitting = [protocol for protocol in task.protocols if protocol.resamples or theirs == size]
    if not fitting:
        raise InputError(
            f"{folder} holds pictures of {_times(theirs)}, which strict does not resample to {_times(size)}; "
            f"add --size {_times(theirs, 'x')} or choose another protocol."
        )
    train = [task.index.records[name].path for name in task.index.splits["train"]]
    missing = {**networks.missing, **_without_reference(train, networks)}
    referring = [protocol for protocol in fitting if protocol.network not in missing]
    with progress(f"Scoring {folder.name}", len(samples), "pictures", console=console) as advance:
        measured = scoring.measure(samples, fitting, size, networks, task.device, advance, truth)
    with progress("Reference of FID", len(train), "images", shown=False, console=console) as advance:
        references = reference_statistics(referring, train, size, networks, task.device, advance, truth)

    caveats = _caveats(matches, truth.read(samples[0].truth), theirs, size)
    scores: Scores = {}
    for protocol in task.protocols:
        if protocol not in fitting:
            reason = f"{protocol.name} does not resample {_times(theirs)} to {_times(size)}."
            scores[protocol.name] = dict.fromkeys(METRICS, Score(None, reason=reason))
            continue
        found = measured[protocol.name]
        for label, chosen in _choices(protocol, found, groups).items():
            reference = references.get(protocol.name)
            scores[label] = scoring.summarise_protocol(protocol, found, samples, chosen, reference, missing)
            for reason in caveats:
                scores[label] = {metric: _marked(score, reason) for metric, score in scores[label].items()}
    return Evaluation(size, scores, samples, measured)


def _complete(folder: Path, task: Task, console: Console) -> Matches:
    """A folder's pictures, if they are all there or need not be."""
    matches = match(folder, task.pairs)
    if matches.extra:
        console.print(
            f"{len(matches.extra)} pictures in {folder} show no pair of the list, {matches.extra[0].name} first."
        )
    if matches.missing:
        source, target = matches.missing[0]
        pairs = len(matches.outputs) + len(matches.missing)
        told = f"{folder} has no picture of {len(matches.missing)} of {pairs} pairs, {source} → {target} first"
        if not matches.outputs:
            inner = f"; name {folder / 'images'} instead" if (folder / "images").is_dir() else "; generate them"
            raise InputError(f"{told}{inner}.")
        if not task.allow_partial:
            raise InputError(f"{told}; generate them, or add --allow_partial to score what is there.")
        console.print(f"{told}.")
    counts = {len(samples) for samples in matches.outputs.values()}
    if counts != {1} and not task.best_of:
        raise InputError(f"{folder} holds several samples of a pair; keep one, or add --best_of to score both ways.")
    if len(counts) > 1:
        raise InputError(
            f"{folder} holds {min(counts)} samples of some pairs and {max(counts)} of others; make them equal."
        )
    return matches


def _samples(matches: Matches, index: Index) -> tuple[list[Sample], list[list[int]]]:
    """All samples, and the numbers of each pair's."""
    samples: list[Sample] = []
    groups = []
    # In the order of the files' names, as the published evaluators drop the last of them.
    for pair, paths in sorted(matches.outputs.items(), key=lambda item: item[1][0].name):
        groups.append(list(range(len(samples), len(samples) + len(paths))))
        target = index.records[pair[1]]
        samples += [Sample(pair, path, target.path, target.person) for path in paths]
    return samples, groups


def _choices(protocol: Protocol, measured: Measured, groups: list[list[int]]) -> dict[str, list[int]]:
    """Which sample of each pair counts: the first, and apart from that the best."""
    choices = {protocol.name: [group[0] for group in groups]}
    if (each := len(groups[0])) > 1:
        if "ssim_256" not in measured.values:
            raise InputError("--best_of chooses by ssim_256, for whose window these pictures are too small.")
        choices[f"{protocol.name} (best of {each})"] = scoring.best_of(measured, groups)
    return choices


def _without_reference(train: Sequence[Path], networks: Networks) -> dict[str, str]:
    """Why no network can be used, where a training image is missing."""
    absent = next((str(path) for path in train if not path.exists()), None if train else "any training image")
    if absent is None:
        return {}
    reason = f"fid is against all training images, and {absent} is missing; restore it."
    return dict.fromkeys(networks.extractors, reason)


def _caveats(matches: Matches, truth: np.ndarray, theirs: Size, size: Size) -> list[str]:
    """What must be known beside every number."""
    caveats = []
    if matches.missing:
        there = len(matches.outputs)
        caveats.append(f"partial: {there} of {there + len(matches.missing)} pairs.")
    if theirs != size and _SQUARES.get(theirs) != size:
        caveats.append(f"resampled from {_times(theirs)} to {_times(size)}.")
    shape = truth.shape[0], truth.shape[1]
    if not same_shape(shape, size):
        caveats.append(f"measured at {_times(size)}, but the truth is {_times(shape)}: another shape.")
    return caveats


def _marked(score: Score, reason: str) -> Score:
    if score.value is None:
        return score
    return replace(score, reason=f"{score.reason} {reason}" if score.reason else reason)


def _times(size: Size, sign: str = "×") -> str:
    return f"{size[0]}{sign}{size[1]}"


# Files --------------------------------------------------------------------------------------------------------------


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
    title = f"{name} at {_times(evaluation.size)}, {len(evaluation.samples)} pictures"
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
