"""The Fréchet distance between two sets of features, and its reference, computed once per dataset."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg

from imagpose.errors import InputError
from imagpose.output.files import drop_unfinished, whole_file

Array = np.ndarray


@dataclass(frozen=True)
class Statistics:
    """Mean and covariance of a set of features.

    Attributes:
        mean: Mean of the features, (d,).
        covariance: Covariance of the features, (d, d), divided by count - 1.
        count: Number of images.
    """

    mean: Array
    covariance: Array
    count: int


class Moments:
    """Gathers the statistics of features batch by batch, so that the features of a whole dataset need no room.

    Args:
        keep: Ignore all features after so many.
    """

    def __init__(self, keep: int) -> None:
        self.count, self._keep = 0, keep
        self._sum, self._outer = np.zeros(1), np.zeros((1, 1))  # of any length, until the first batch

    def add(self, features: Array) -> None:
        """Take in a batch, (B, d).

        Raises:
            InputError: A feature is not finite.
        """
        if not np.isfinite(features).all():
            raise InputError("Inception's features are not all finite numbers; fetch its weights again.")
        features = features[: self._keep - self.count].astype(np.float64)
        self.count += len(features)
        self._sum = self._sum + features.sum(0)
        self._outer = self._outer + features.T @ features

    def statistics(self) -> Statistics:
        """Of all that was taken in.

        Raises:
            InputError: There are fewer than two images.
        """
        if self.count < 2:
            raise InputError(f"FID needs at least 2 images on each side, and there is {self.count}.")
        mean = self._sum / self.count
        covariance = (self._outer - self.count * np.outer(mean, mean)) / (self.count - 1)
        return Statistics(mean, covariance, self.count)


def frechet_distance(one: Statistics, other: Statistics) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½), never below 0.

    The published evaluators take the root of the product by ``scipy.linalg.sqrtm(disp=False)``, which SciPy 1.18 no
    longer knows, and which may fail where a covariance is singular, as it is with fewer images than dimensions. The
    product has the eigenvalues of the symmetric Σ₁^½ Σ₂ Σ₁^½, which none of that troubles.
    """
    values, vectors = scipy.linalg.eigh(one.covariance)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    eigenvalues = scipy.linalg.eigvalsh(root @ other.covariance @ root)
    traces = np.trace(one.covariance) + np.trace(other.covariance) - 2 * np.sqrt(eigenvalues.clip(0)).sum()
    return max(float(np.square(one.mean - other.mean).sum() + traces), 0.0)


def kept(count: int, batch: int | None) -> int:
    """How many of ``count`` images an evaluator looks at that drops its last incomplete batch; None drops nothing.

    Like the published ones, it takes all where there is no complete batch.
    """
    return count if batch is None or count < batch else count // batch * batch


# The reference ------------------------------------------------------------------------------------------------------


def reference_key(recipe: dict[str, Any], weights: Path, images: Sequence[Path]) -> str:
    """Of all that decides a reference's statistics: its recipe, the network's weights and the files of the images.

    Files are known by name, size and time of change: to read 48,674 originals takes longer than to forget a cache.
    """
    with open(weights, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps(recipe, sort_keys=True).encode())
    for path in images:
        facts = path.stat()
        digest.update(f"{path.name}:{facts.st_size}:{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _cache(key: str) -> Path:
    try:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError as error:
        raise InputError("There is no home directory for FID's references; set XDG_CACHE_HOME to a folder.") from error
    return Path(root) / "imagpose" / "fid" / f"{key}.npz"


def load_statistics(key: str) -> Statistics | None:
    """The statistics cached under a fingerprint, if they are."""
    path = _cache(key)
    if not path.exists():
        return None
    try:
        with np.load(path) as stored:
            return Statistics(stored["mean"], stored["covariance"], int(stored["count"]))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not a readable cache ({error}); delete it.") from error


def save_statistics(key: str, statistics: Statistics) -> None:
    """Cache statistics under a fingerprint; where that cannot be, they are computed again next time."""
    path = _cache(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        drop_unfinished(path.parent)
        with whole_file(path) as unfinished, open(unfinished, "wb") as file:
            np.savez(file, mean=statistics.mean, covariance=statistics.covariance, count=statistics.count)
    except OSError as error:
        print(f"FID's reference is not kept: {path} cannot be written ({error.strerror or error}).", file=sys.stderr)
