"""What TensorBoard shows of a run beside its curves: charts of several curves, and what the test found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.options.trust import read

_CHARTS = {
    "validation": {
        "SSIM, higher is better": ["Multiline", ["val/ssim", "val/strict_ssim", "val/strict_ssim_256"]],
        "PSNR in dB, higher is better": ["Multiline", ["val/psnr", "val/strict_psnr"]],
        "LPIPS, lower is better": ["Multiline", ["val/strict_lpips"]],
    },
    "training": {
        "loss, and by quarter of the noise levels": ["Multiline", ["train/loss", "train/loss_noise_.*"]],
        "learning rate": ["Multiline", ["train/lr.*"]],
        "gradient norm before clipping": ["Multiline", ["train/grad_norm"]],
    },
}
_OF_AN_INTERVAL = ("_low", "_high", "_n")


class Board(Callback):
    """Groups the curves of a run under CUSTOM SCALARS and writes, once after its test, what was found.

    The options by which runs differ stand beside the test's scores under HPARAMS, as ``test/ssim`` and
    ``test/strict_lpips``; all intervals are one picture, ``test/intervals``. A run without scores has neither.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Group the curves."""
        if trainer.is_global_zero and isinstance(trainer.logger, TensorBoardLogger):
            trainer.logger.experiment.add_custom_scalars(_CHARTS)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Agree on the folder: asking for it is a broadcast, which all processes must take part in."""
        self._folder = trainer.log_dir

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write scores and intervals."""
        metrics = {k: v for k, value in trainer.callback_metrics.items() if math.isfinite(v := float(value))}
        scores = scores_of(metrics)
        logger = trainer.logger
        if not scores or self._folder is None or not isinstance(logger, TensorBoardLogger):
            return
        if not trainer.is_global_zero:
            return
        path = Path(self._folder) / "config.yaml"
        options = told_apart_by(read(path)) if path.exists() else {}
        step = trainer.global_step
        logger.log_hyperparams({"experiment": logger.name, "steps": step, **options}, scores, step)
        canvas = FigureCanvasAgg(intervals(metrics))
        canvas.draw()
        picture = np.asarray(canvas.buffer_rgba())[..., :3]
        logger.experiment.add_image("test/intervals", picture, step, dataformats="HWC")


def scores_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """The scores of the model itself: ``test/ssim``, and ``test/strict_lpips`` for a protocol's ``strict/lpips``.

    Args:
        metrics: All of a run, as ``metrics.json`` holds them.
    """
    scores = {}
    for name, value in metrics.items():
        scored, _, measure = name.partition("/")
        if scored == "test" and not measure.endswith(_OF_AN_INTERVAL):
            scores[name] = value
        elif scored in PROTOCOLS:
            scores[f"test/{scored}_{measure}"] = value
    return scores


def told_apart_by(config: Mapping[str, Any]) -> dict[str, Any]:
    """The options by which runs and a table's rows differ.

    Args:
        config: Every option of a run, as ``config.yaml`` holds them.
    """
    model, data = (config.get(group, {}).get("init_args", {}) for group in ("model", "data"))
    switches = (
        "base", "lr", "texture_tokens", "image_conditions", "mask_condition", "cva", "along_batch", "trainable",
        "noise_offset",
    )  # fmt: skip
    return {
        "seed": config.get("seed_everything"),
        "encoder": model.get("encoder", {}).get("init_args", {}).get("model"),
        **{name: model.get(name) for name in switches},
        "batch_size": data.get("batch_size"),
    }


def intervals(metrics: Mapping[str, float]) -> Figure:
    """One picture of all means with their 95 % intervals: a column a measure; differences below, around 0.

    Args:
        metrics: Means as ``<scored>/<measure>``, with ``_n`` and, where there is an interval, ``_low`` and ``_high``.
    """
    means = [name for name in metrics if f"{name}_n" in metrics]
    measures = list(dict.fromkeys(name.partition("/")[2] for name in means))
    scored = dict.fromkeys(name.partition("/")[0] for name in means)
    blocks = [[name for name in scored if ("_minus_" in name) == differences] for differences in (False, True)]
    heights = [len(names) + 1 for names in blocks if names]
    figure = Figure(figsize=(3 * len(measures) + 1.5, 0.3 * sum(heights) + 1), layout="constrained")
    grid = figure.subplots(len(heights), len(measures), squeeze=False, height_ratios=heights)
    for row, names in zip(grid, filter(None, blocks), strict=True):
        for axes, measure in zip(row, measures, strict=True):
            _draw(axes, [f"{name}/{measure}" for name in names], metrics)
            axes.set_yticks(range(len(names)), names if measure == measures[0] else [""] * len(names))
            if names is blocks[1]:
                axes.axvline(0, color="#8a8a8a", linewidth=1)
    for axes, measure in zip(grid[0], measures, strict=True):
        axes.set_title(measure)
    return figure


def _draw(axes: Axes, names: Sequence[str], metrics: Mapping[str, float]) -> None:
    for place, name in enumerate(names):
        if (mean := metrics.get(name)) is not None:
            ends = [metrics.get(f"{name}_low", mean), metrics.get(f"{name}_high", mean)]
            axes.plot(ends, [place, place], color="#1f6f8b", linewidth=2, alpha=0.45)
            axes.plot([mean], [place], "o", color="#1f6f8b", markersize=5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", color="#e4e4e4")
