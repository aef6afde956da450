"""Pictures of the same fixed pairs at each validation: source, target pose, generated, truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from torch import Tensor

from imagpose.data.images import to_uint8
from imagpose.options.ranges import PositiveInt, check_arguments
from imagpose.output.sheet import lay_out


def panel_sheet(batch: dict[str, Tensor], panels: Tensor, pairs: int) -> Image.Image:
    """Rows of source, target pose, the generated panels and the truth, under headings.

    Args:
        batch: Test canvases; those of the paper's T1 repeat the pose in three masked panels.
        panels: What was generated, (B, V, 3, H, W) in [-1, 1].
        pairs: How many to show.
    """
    shown = range(min(pairs, len(panels)))
    masked = [batch["mask"][i] == 0 for i in shown]
    generated = [_pictures(panels[i][masked[i]]) for i in shown]
    columns = [
        ("source", [_pictures(batch["source"][i : i + 1]) for i in shown]),
        ("pose", [_pictures(batch["poses"][i][masked[i]][:1] * 2 - 1) for i in shown]),
        (f"T1, {max(map(len, generated))} results", generated),
        ("truth", [_pictures(batch["target"][i : i + 1]) for i in shown]),
    ]
    return lay_out(columns, generated[0][0].size)


def _pictures(images: Tensor) -> list[Image.Image]:
    return [Image.fromarray(to_uint8(image)) for image in images]


class Samples(Callback):
    """Writes ``panels/step_<n>.png`` into the run's folder and the same picture to TensorBoard.

    Args:
        pairs: How many of the validation pairs are shown.
    """

    def __init__(self, pairs: PositiveInt = 8) -> None:
        check_arguments(Samples, locals())
        self.pairs = pairs

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Agree on the folder: asking for it is a broadcast, which all processes must take part in."""
        self._folder = trainer.log_dir

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *args: Any
    ) -> None:
        """Draw the first batch."""
        if batch_idx or trainer.sanity_checking or not trainer.is_global_zero or self._folder is None:
            return
        sheet = panel_sheet(batch, outputs, self.pairs)
        path = Path(self._folder) / "panels" / f"step_{trainer.global_step:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
        if isinstance(trainer.logger, TensorBoardLogger):
            trainer.logger.experiment.add_image("val/panels", np.asarray(sheet), trainer.global_step, dataformats="HWC")
