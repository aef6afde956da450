"""What module, callbacks and command line ask of Lightning's trainer."""

from __future__ import annotations

from lightning import Trainer
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy
from lightning.pytorch.trainer.states import TrainerFn

SHARDED = (FSDPStrategy, ModelParallelStrategy, DeepSpeedStrategy)


def holds_shards(trainer: Trainer | None) -> bool:
    """Whether a process holds pieces of the weights alone."""
    return trainer is not None and isinstance(trainer.strategy, SHARDED)


def is_fitting(trainer: Trainer | None) -> bool:
    """Whether it trains, and does not look at a run."""
    return trainer is not None and trainer.state.fn == TrainerFn.FITTING


def canvases_a_step(trainer: Trainer | None) -> int | list[int] | None:
    """See :meth:`imagpose.data.datamodule.PoseDataModule.canvases_a_step`; None outside of training."""
    data = getattr(trainer, "datamodule", None)
    return data.canvases_a_step() if data and is_fitting(trainer) else None


def logs_now(trainer: Trainer | None) -> bool:
    """Whether what this step logs is written; of accumulated batches, in the last.

    What no one will read is not looked at in any other step: to look at a number, the host waits for the device.
    """
    if trainer is None or trainer.fit_loop._should_accumulate():
        return False
    return bool(trainer._logger_connector.should_update_logs or trainer.fast_dev_run)  # type: ignore[attr-defined]
