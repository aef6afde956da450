"""``last.ckpt``, from which a run resumes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from imagpose.options.ranges import PositiveInt, check_arguments


class LastCheckpoint(ModelCheckpoint):
    """Keeps the newest state, saved between optimiser steps only, so that a resumed run loses no partial gradient.

    Args:
        train_time_interval: Time between saves.
        every_n_train_steps: Or steps between saves.
    """

    def __init__(
        self, train_time_interval: timedelta | None = None, every_n_train_steps: PositiveInt | None = None
    ) -> None:
        check_arguments(LastCheckpoint, locals())
        super().__init__(
            filename="last", train_time_interval=train_time_interval, every_n_train_steps=every_n_train_steps,
            enable_version_counter=False,
        )  # fmt: skip

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save, unless gradients are still being accumulated."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
