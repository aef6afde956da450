"""Scores a set of generated pictures under several protocols at once; every file is read once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imagpose.data.pictures import read_picture
from imagpose.data.text import is_number
from imagpose.errors import InputError
from imagpose.evaluation import backbones, fid
from imagpose.evaluation.intervals import NO_INTERVAL, summarise
from imagpose.evaluation.matching import Pair, read
from imagpose.evaluation.metrics import METRICS, Metric
from imagpose.evaluation.protocols import Protocol, Size
from imagpose.evaluation.truth import Truth

Array = np.ndarray
BATCH = 32


@dataclass(frozen=True)
class Sample:
    """One generated picture of a pair.

    Attributes:
        pair: Names of source and target.
        path: The picture.
        truth: The target's picture.
        identity: The person that the pair shows; intervals are over people, see ``ImageRecord.person``.
    """

    pair: Pair
    path: Path
    truth: Path
    identity: str


@dataclass(frozen=True)
class Score:
    """One number of a table.

    Attributes:
        value: The number; None where it cannot be computed.
        low: Lower end of the 95 % interval, if there is one.
        high: Upper end of that interval.
        n: Number of generated pictures behind it.
        reason: Why there is no value, or what must be known beside it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str | None = None

    @classmethod
    def mean(cls, values: Sequence[float], identities: Sequence[str]) -> Score:
        """The mean of one number a picture, with its interval over people where there are two or more.

        Args:
            values: Finite numbers.
            identities: The person that each picture shows.
        """
        found = summarise("mean", values, identities)
        return cls(found["mean"], found.get("mean_low"), found.get("mean_high"), len(values))

    @classmethod
    def parse(cls, plain: Any) -> Score:
        """A score that was written as JSON.

        Raises:
            TypeError, ValueError: It is none, such as a word in a number's place.
        """
        score = cls(**plain)
        for name, value in (("value", score.value), ("low", score.low), ("high", score.high)):
            if value is not None and not is_number(value):
                raise ValueError(f"its {name} is {str(value)[:80]!r} and no number")
        if (score.low is None) != (score.high is None):
            raise ValueError("its interval has one end")
        if not is_number(score.n) or not isinstance(score.reason, str | None):
            raise ValueError("its n is no number, or its reason no text")
        return score


@dataclass(frozen=True)
class Networks:
    """What LPIPS and FID look through.

    Attributes:
        lpips: LPIPS, if it can be had.
        extractors: FID's networks that can be had, by name.
        missing: The reason for each that cannot, by ``lpips`` or name.
    """

    lpips: torch.nn.Module | None
    extractors: dict[str, backbones.Extractor]
    missing: dict[str, str]

    @staticmethod
    def load(protocols: Sequence[Protocol], device: str) -> Networks:
        """Load what these protocols need; what cannot be had is noted with its reason."""
        missing: dict[str, str] = {}
        extractors, lpips = {}, None
        try:
            lpips = backbones.lpips_alex(device)
        except backbones.UnavailableError as error:
            missing["lpips"] = str(error)
        for name in dict.fromkeys(protocol.network for protocol in protocols):
            try:
                extractors[name] = backbones.EXTRACTORS[name][1](device)
            except backbones.UnavailableError as error:
                missing[name] = str(error)
        return Networks(lpips, extractors, missing)


@dataclass(frozen=True)
class Measured:
    """What a protocol found.

    Attributes:
        values: For each per-image metric one number a sample, NaN or infinity included.
        features: Features of FID's network, (N, d), where that is there.
        reasons: Why a metric is missing.
    """

    values: dict[str, Array]
    features: Array | None
    reasons: dict[str, str]


@torch.inference_mode()
def measure(
    samples: Sequence[Sample],
    protocols: Sequence[Protocol],
    size: Size,
    networks: Networks,
    device: str,
    advance: Callable[[int], None],
    truth: Truth | None = None,
) -> dict[str, Measured]:
    """Measure every sample by every protocol.

    Args:
        samples: What to measure, in order.
        protocols: How to measure; protocols that do not resample must fit the pictures' size.
        size: Height and width in pixels to measure at.
        networks: The networks of LPIPS and FID.
        device: The device to compute on.
        advance: Is told how many samples more are done.
        truth: Reads the true pictures; None reads them as they are.

    Raises:
        InputError: A picture cannot be read.
    """
    values: dict[str, dict[str, list[Array]]] = {protocol.name: {} for protocol in protocols}
    features: dict[str, list[Array]] = {protocol.name: [] for protocol in protocols}
    reasons: dict[str, dict[str, str]] = {protocol.name: {} for protocol in protocols}

    def show(frames: Sequence[Array]) -> Tensor:
        return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).to(device)

    with ThreadPoolExecutor() as pool, torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for batch in _batches(samples):
            generated = list(pool.map(lambda sample: read(sample.path), batch))
            truths = list(pool.map(lambda sample: read_truth(truth, sample.truth), batch))
            for protocol in protocols:
                ours = [protocol.generated(image, size) for image in generated]
                theirs = [protocol.truth(image, size) for image in truths]
                pixels = show([frame.pixels for frame in ours]), show([frame.pixels for frame in theirs])
                seen = show([frame.features for frame in ours]), show([frame.features for frame in theirs])
                of_metric = values[protocol.name]
                for metric, similarity in protocol.similarities.items():
                    try:
                        of_metric.setdefault(metric, []).append(similarity(*pixels).cpu().numpy())
                    except ValueError as error:  # a window larger than the picture
                        reasons[protocol.name][metric] = f"{metric} at {size[0]}×{size[1]}: {error}."
                if networks.lpips is not None:
                    distance = networks.lpips(*seen, normalize=protocol.lpips_normalised)
                    of_metric.setdefault("lpips", []).append(distance.flatten().cpu().numpy())
                if protocol.network in networks.extractors:
                    features[protocol.name].append(networks.extractors[protocol.network](seen[0]).cpu().numpy())
            advance(len(batch))
    return {
        name: Measured(
            {metric: np.concatenate(parts) for metric, parts in values[name].items() if metric not in reasons[name]},
            np.concatenate(features[name]) if features[name] else None,
            reasons[name],
        )
        for name in values
    }


def read_truth(truth: Truth | None, path: Path) -> Array:
    """A true picture as the dataset's reader shows it, or as it is; (H, W, 3) uint8."""
    return np.asarray(read_picture(path)) if truth is None else truth.read(path)


def _batches(samples: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    for start in range(0, len(samples), BATCH):
        yield samples[start : start + BATCH]


def summarise_protocol(
    protocol: Protocol,
    measured: Measured,
    samples: Sequence[Sample],
    chosen: Sequence[int],
    reference: fid.Statistics | None,
    missing: dict[str, str],
) -> dict[str, Score]:
    """A protocol's means and distances.

    Args:
        protocol: The protocol.
        measured: What the protocol found on all samples.
        samples: All samples.
        chosen: Which of them count, one a pair, in the order in which incomplete batches are dropped.
        reference: Statistics of FID's true pictures, if there are any.
        missing: Why LPIPS or a network is missing.
    """
    scores = {}
    known = {**measured.reasons, **({"lpips": missing["lpips"]} if "lpips" in missing else {})}
    for name, metric in METRICS.items():
        if name in measured.values:
            batch = protocol.lpips_batch if name == "lpips" else None
            scores[name] = _mean(metric, measured.values[name], samples, chosen[: fid.kept(len(chosen), batch)])
        elif name == "fid":
            scores[name] = _fid(protocol, measured, chosen, reference, missing)
        else:
            scores[name] = Score(None, reason=known.get(name, f"{name} is no part of {protocol.name}."))
    return scores


def _mean(metric: Metric, values: Array, samples: Sequence[Sample], chosen: Sequence[int]) -> Score:
    picked = values[list(chosen)].astype(float)
    if not np.isfinite(picked).all():
        first = samples[chosen[int(np.argmin(np.isfinite(picked)))]].path
        if metric.unbounded and not np.isnan(picked).any():
            equal = int(np.isinf(picked).sum())
            reason = f"{metric.name} is infinite: {equal} pictures equal the truth, {first.name} first."
        else:
            why = f" ({metric.undefined})" if metric.undefined else ""
            reason = f"{metric.name} of {first.name} is not a number{why}."
        return Score(None, n=len(chosen), reason=reason)
    score = Score.mean(picked.tolist(), [samples[i].identity for i in chosen])
    return replace(score, reason=NO_INTERVAL) if score.low is None else score


def _fid(
    protocol: Protocol,
    measured: Measured,
    chosen: Sequence[int],
    reference: fid.Statistics | None,
    missing: dict[str, str],
) -> Score:
    if measured.features is None or reference is None:
        return Score(None, reason=missing[protocol.network])
    moments = fid.Moments(fid.kept(len(chosen), protocol.fid_batch))
    try:
        moments.add(measured.features[list(chosen)])
        distance = fid.frechet_distance(moments.statistics(), reference)
    except InputError as error:  # the other metrics stand
        return Score(None, n=len(chosen), reason=str(error))
    assert math.isfinite(distance)
    return Score(distance, n=moments.count)


def best_of(measured: Measured, groups: Sequence[Sequence[int]]) -> list[int]:
    """Of each pair's samples the one nearest to the truth by ``ssim_256``, as PCDMs chooses: an oracle's choice."""
    return [max(group, key=lambda i: float(measured.values["ssim_256"][i])) for group in groups]
