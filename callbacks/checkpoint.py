"""``last.ckpt``, from which a run resumes, and what becomes of a best one that cannot be written."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from imagpose.checkpoint_io import CheckpointFiles
from imagpose.ranges import PositiveInt, check_arguments


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


class ForgetUnsaved(Checkpoint):
    """Takes the score of a best checkpoint that could not be written back, so that a later one is saved.

    ModelCheckpoint remembers a score before it saves: after a failure no worse model would replace the older one that
    the file still holds. It stands behind the callbacks that save.

    Args:
        files: Knows whether the newest checkpoint was written.
    """

    def __init__(self, files: CheckpointFiles) -> None:
        self.files = files
        self._before: list[tuple[ModelCheckpoint, dict[str, Any]]] = []

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep what the callbacks remember."""
        saving = [one for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint) and one.monitor]
        self._before = [(one, deepcopy(one.state_dict())) for one in saving]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let them forget what was not written, in all processes."""
        if trainer.strategy.broadcast(self.files.failure) is not None:
            for one, state in self._before:
                one.load_state_dict(state)
