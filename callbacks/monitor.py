"""Speed and gradients on TensorBoard, beside what the module logs itself."""

from __future__ import annotations

import time
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer

from imagpose.options.trainer import logs_now


class Monitor(Callback):
    """Logs ``train/samples_per_second`` (all processes) and ``train/grad_norm`` (before clipping).

    The speed is the mean since it was last logged: a GPU is given its work without waiting for it, so that the time of
    a single step says nothing. Both are logged from the CPU, and where the trainer writes them alone.
    """

    _samples, _seconds = 0, 0.0  # since the last that was logged

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Start the clock; the loader's waiting time belongs to the step that waited."""
        self._started = getattr(self, "_ended", None) or time.perf_counter()

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Log the gradient norm."""
        if not logs_now(trainer):
            return
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        pl_module.log("train/grad_norm", torch.nn.utils.get_total_norm(gradients).cpu())

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *args: Any
    ) -> None:
        """Log the speed."""
        self._ended = time.perf_counter()
        self._samples += len(batch["number"]) * trainer.world_size
        self._seconds += self._ended - self._started
        if logs_now(trainer):
            pl_module.log("train/samples_per_second", torch.tensor(self._samples / self._seconds), prog_bar=True)
            self._samples, self._seconds = 0, 0.0

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Do not count validation as a step's time."""
        self._ended = time.perf_counter()
