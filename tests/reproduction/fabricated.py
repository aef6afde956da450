"""Rows with scores of our choosing, and a process that writes one."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.scoring import Score
from imagpose.reproduction.report import render
from imagpose.reproduction.rows import Pairs, Row, write_row

PEOPLE = 20


def row(experiment: str, ssim: float, lpips: float = 0.2, seed: int = 0, noise: float = 0.01, **changes) -> Row:
    """Of 40 pairs; what makes a pair hard is the same in every row."""
    hardness = np.random.default_rng(0).normal(0, 0.1, 2 * PEOPLE)
    own = np.random.default_rng([seed, *experiment.encode()]).normal(0, noise, 2 * PEOPLE)
    own -= own.mean()
    values = {
        "strict/ssim_256": (ssim + hardness + own).tolist(),
        "strict/lpips": (lpips - hardness + own).tolist(),
    }
    scores = {metric: Score(None, reason=f"{metric} was not looked at.") for metric in METRICS}
    scores["ssim_256"] = Score(ssim, ssim - 0.03, ssim + 0.03, 2 * PEOPLE)
    scores["lpips"] = Score(lpips, lpips - 0.03, lpips + 0.03, 2 * PEOPLE)
    names, people = [f"a{i} → b{i}" for i in range(2 * PEOPLE)], [f"p{i // 2}" for i in range(2 * PEOPLE)]
    settings = {"data": "data/mannequins", "drawn": True, "steps": 300, "seconds": 90.0, "peak_memory": 2**30}
    return Row(
        experiment, seed, {"strict": scores}, Pairs(names, people, values), 2 * PEOPLE, **{**settings, **changes}
    )


if __name__ == "__main__":  # results and experiment: says that it is ready, and writes when all are
    results, experiment = Path(sys.argv[1]), sys.argv[2]
    print("ready", flush=True)
    moment = float(sys.stdin.readline())
    for number in range(6):
        time.sleep(max(moment + 0.3 * number - time.time(), 0))
        write_row(row(experiment, 0.5 + number / 100), results, "architectures")
        render("architectures", results, "tiny")
