"""Speed and gradients on TensorBoard, beside what the module logs itself."""

from __future__ import annotations

import time
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer


class Monitor(Callback):
    """Logs ``train/samples_per_second`` (all processes) and ``train/grad_norm`` (before clipping)."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Start the clock; the loader's waiting time belongs to the step that waited."""
        self._started = getattr(self, "_ended", None) or time.perf_counter()

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Log the gradient norm."""
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        pl_module.log("train/grad_norm", torch.nn.utils.get_total_norm(gradients))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *args: Any
    ) -> None:
        """Log the speed."""
        self._ended = time.perf_counter()
        size = len(batch["number"]) * trainer.world_size
        pl_module.log("train/samples_per_second", size / (self._ended - self._started), prog_bar=True, batch_size=size)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Do not count validation as a step's time."""
        self._ended = time.perf_counter()
