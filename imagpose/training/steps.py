"""TensorBoard's steps: the optimiser steps that were taken, as in the names of the panels, after a resume too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.trainer.states import TrainerFn


class _WhenUsed:
    """TensorBoard's writer, made by the first that is said to it: to make it writes a file."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


class StepLogger(TensorBoardLogger):
    """Writes what a step logs at that step's number, counted from 1, and a test's results at the last step.

    What has no namespace of its own, such as the learning rate, stands under ``train/``. The epoch is not written:
    there is but one.

    Lightning counts from 0, by a counter of its own that it loses sight of when a run resumes: :class:`CountSteps`
    keeps that one right. Lightning also asks for the writer before it has looked at the data and the checkpoint, and a
    command that refuses these leaves no file: what it gets makes one when there is something to write.

    Attributes:
        trainer: Whose steps are counted; set it once there is one.
    """

    trainer: Trainer | None = None

    @property
    def experiment(self) -> Any:
        """TensorBoard's writer; its file is made by the first value."""
        return _WhenUsed(lambda: super(StepLogger, self).experiment)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write values at a step of Lightning's counting."""
        if step is not None and self.trainer is not None:
            step = step + 1 if self.trainer.state.fn == TrainerFn.FITTING else self.trainer.global_step
        named = {key if "/" in key else f"train/{key}": value for key, value in metrics.items() if key != "epoch"}
        super().log_metrics(named, step)


class CountSteps(Callback):
    """Keeps the counter by which Lightning logs equal to the optimiser steps; it stands before all that log."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Set the counter."""
        trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step
