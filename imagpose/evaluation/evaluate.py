"""Scores a folder of generated pictures under any of the field's protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from imagpose.data.images import same_shape
from imagpose.data.readers.index import Index
from imagpose.errors import InputError
from imagpose.evaluation import scoring
from imagpose.evaluation.matching import Matches, Pair, common_size, match
from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.protocols import Protocol, Size
from imagpose.evaluation.reference import reference_statistics
from imagpose.evaluation.scoring import Measured, Networks, Sample, Score
from imagpose.evaluation.truth import Truth
from imagpose.output.progress import progress

Scores = dict[str, dict[str, Score]]
_SMALLEST, _LARGEST = 11, 2**22  # side of SSIM's window at σ 1.5; pixels, a batch of which is 1.6 GB
SQUARES = {(256, 256): (256, 176), (512, 512): (512, 352)}  # stored squeezed; what they are measured at


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
    size = task.size or SQUARES.get(theirs, theirs)
    if min(size) < _SMALLEST or size[0] * size[1] > _LARGEST:
        raise InputError(
            f"{folder} cannot be scored at {size_text(size)}: SSIM's window needs sides of {_SMALLEST} pixels, and "
            f"more than {_LARGEST:,} pixels find no room in memory; choose another --size."
        )
    truth = Truth(task.index, cropped=theirs not in SQUARES)
    fitting = [protocol for protocol in task.protocols if protocol.resamples or theirs == size]
    if not fitting:
        raise InputError(
            f"{folder} holds pictures of {size_text(theirs)}, which strict does not resample to {size_text(size)}; "
            f"add --size {size_text(theirs, 'x')} or choose another protocol."
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
            reason = f"{protocol.name} does not resample {size_text(theirs)} to {size_text(size)}."
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
    if theirs != size and SQUARES.get(theirs) != size:
        caveats.append(f"resampled from {size_text(theirs)} to {size_text(size)}.")
    shape = truth.shape[0], truth.shape[1]
    if not same_shape(shape, size):
        caveats.append(f"measured at {size_text(size)}, but the truth is {size_text(shape)}: another shape.")
    return caveats


def _marked(score: Score, reason: str) -> Score:
    if score.value is None:
        return score
    return replace(score, reason=f"{score.reason} {reason}" if score.reason else reason)


def size_text(size: Size, sign: str = "×") -> str:
    """A size (height, width) in words, 256×176."""
    return f"{size[0]}{sign}{size[1]}"
