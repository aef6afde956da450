"""What becomes of the score of a best checkpoint that cannot be written."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from imagpose.training.checkpoint_io import CheckpointFiles


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
