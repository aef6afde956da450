"""``last.ckpt``, from which a run resumes."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from imagpose.options.ranges import PositiveInt, check_arguments

SHARE = 1 / 100
"""Of a run's time that saving by the clock may take."""


class LastCheckpoint(ModelCheckpoint):
    """Keeps the newest state, saved between optimiser steps only, so that a resumed run loses no partial gradient.

    By the clock it is saved where the trainer logs, since all processes have to agree on it, for which a GPU is waited
    for; and after a save that took long, as one of 17 GB does, only when a hundred times as long has passed.

    Args:
        train_time_interval: Least time between saves.
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
        self.interval = train_time_interval

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time, unless gradients are still being accumulated."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        every = trainer.log_every_n_steps or 1  # type: ignore[attr-defined]
        if self.interval is None:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        elif trainer.global_step % every == 0:
            before, began = self._last_time_checked, time.monotonic()
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            if self._last_time_checked is not None and self._last_time_checked != before:
                least = (time.monotonic() - began) / SHARE - self.interval.total_seconds()
                self._last_time_checked += max(least, 0.0)  # the interval itself is part of the callback's name
