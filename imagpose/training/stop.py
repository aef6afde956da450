"""The end of a training at a signal: between two optimiser steps, with everything saved."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from imagpose.training.stopping import Stopped, Stopper


class StopOnSignal(Checkpoint):
    """Saves and stops after the optimiser step in which a signal came, and after its validation, if one is due.

    It stands behind all other checkpoint callbacks, so that what they save of the same step is saved.

    Args:
        stopper: Knows whether a signal came.
        path: Of the checkpoint.
    """

    def __init__(self, stopper: Stopper, path: Path) -> None:
        self.stopper, self.path, self._saved = stopper, path, False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """From now on a signal waits for the step's end."""
        self.stopper.install()
        self.stopper.patient = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save, unless gradients are still being accumulated; what the step logs is written after this."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0 and self._asked(trainer):
            trainer.save_checkpoint(self.path)
            self._saved = True

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Stop before the next step."""
        if self._saved:
            self._stop()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save and stop after a validation in a training."""
        if self.stopper.patient and not trainer.sanity_checking and self._asked(trainer):
            trainer.save_checkpoint(self.path)
            self._stop()

    def _asked(self, trainer: Trainer) -> bool:
        """Whether a signal came to any of the processes, which must stop at the same step."""
        asked = self.stopper.asked is not None
        return asked if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(asked, all=False)

    def _stop(self) -> None:
        self.stopper.patient = False
        raise Stopped(self.stopper.asked or signal.SIGTERM)
