"""Pictures of the same fixed pairs at each validation: source, target pose, generated, truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from torch import Tensor

from imagpose.data.images import to_uint8
from imagpose.options.ranges import PositiveInt, check_arguments


def contact_sheet(batch: dict[str, Tensor], panels: Tensor, pairs: int, per_row: int = 2) -> Tensor:
    """Rows of source, target pose, the generated panels and the truth.

    Args:
        batch: Test canvases.
        panels: What was generated, (B, V, 3, H, W) in [-1, 1].
        pairs: How many to show.
        per_row: Pairs side by side.

    Returns:
        (3, height, width) in [-1, 1].
    """
    cells = []
    for i in range(min(pairs, len(panels))):
        masked = batch["mask"][i] == 0
        pose = batch["poses"][i][masked][0] * 2 - 1
        cells.append(torch.cat([batch["source"][i], pose, *panels[i][masked], batch["target"][i]], dim=-1))
    while len(cells) % per_row:
        cells.append(torch.ones_like(cells[0]))
    rows = [torch.cat(cells[i : i + per_row], dim=-1) for i in range(0, len(cells), per_row)]
    return torch.cat(rows, dim=-2)


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
        sheet = to_uint8(contact_sheet(batch, outputs, self.pairs))
        path = Path(self._folder) / "panels" / f"step_{trainer.global_step:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sheet).save(path)
        if isinstance(trainer.logger, TensorBoardLogger):
            caption = "validation/source, pose, generated, truth"
            trainer.logger.experiment.add_image(caption, sheet, trainer.global_step, dataformats="HWC")
