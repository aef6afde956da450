"""How far a run is, in a log: a line every half minute instead of a bar that needs a terminal."""

from __future__ import annotations

from typing import Any

from lightning import Callback, LightningModule, Trainer

from imagpose.output.progress import Lines


class ProgressLines(Callback):
    """Prints step, loss, speed and time left of a training, and the batches of a validation and a test."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with what a resumed run has done before."""
        self._training = Lines("Training", trainer.max_steps, "steps")
        self._training.tell(trainer.global_step)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Say the step."""

        def loss() -> str:
            found = trainer.callback_metrics.get("train/loss")
            return "" if found is None else f", loss {float(found):.4f}"

        self._training.tell(trainer.global_step, loss)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin anew."""
        self._begin("Validating", trainer.num_val_batches)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin anew."""
        self._begin("Testing", trainer.num_test_batches)

    def _begin(self, title: str, batches: list[int | float]) -> None:
        self._generating = Lines(title, sum(batches), "batches")
        self._generating.tell(0)
        self._done = 0

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Say the batch."""
        self._done += 1
        self._generating.tell(self._done)

    def on_test_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Say the batch."""
        self._done += 1
        self._generating.tell(self._done)
