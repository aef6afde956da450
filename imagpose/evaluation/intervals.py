"""Means with bootstrap intervals over identities: pairs of one person are not independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import bootstrap

NO_INTERVAL = "No interval: all pairs show one person, and intervals are over people; score pairs of more people."


def summarise(name: str, values: Sequence[float], identities: Sequence[str], seed: int = 0) -> dict[str, float]:
    """Mean, 95 % interval and count, as flat keys.

    Args:
        name: Name of the metric.
        values: The metric's values, one a pair.
        identities: The person that each pair shows; a person's pairs are resampled as a whole.
        seed: Seeds the resampling.

    Returns:
        ``name``, ``name_low``, ``name_high`` and ``name_n``; no interval where fewer than two identities leave none.
    """
    groups: dict[str, list[float]] = {}
    for value, identity in zip(values, identities, strict=True):
        groups.setdefault(identity, []).append(float(value))
    summary = {name: float(np.mean(values)), f"{name}_n": float(len(values))}
    if len(groups) < 2:
        return summary
    sums = np.array([sum(group) for group in groups.values()])
    counts = np.array([len(group) for group in groups.values()], dtype=float)
    interval = bootstrap(
        (sums, counts), lambda s, c, axis=-1: s.sum(axis) / c.sum(axis), paired=True, vectorized=True,
        n_resamples=2000, method="percentile", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return {**summary, f"{name}_low": float(interval.low), f"{name}_high": float(interval.high)}
