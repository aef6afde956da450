"""What module, callbacks and command line ask of Lightning's trainer."""

from __future__ import annotations

from lightning import Trainer
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy

SHARDED = (FSDPStrategy, ModelParallelStrategy, DeepSpeedStrategy)


def holds_shards(trainer: Trainer | None) -> bool:
    """Whether a process holds pieces of the weights alone."""
    return trainer is not None and isinstance(trainer.strategy, SHARDED)


def logs_now(trainer: Trainer | None) -> bool:
    """Whether what this step logs is written; of accumulated batches, in the last.

    What no one will read is not looked at in any other step: to look at a number, the host waits for the device.
    """
    if trainer is None or trainer.fit_loop._should_accumulate():
        return False
    return bool(trainer._logger_connector.should_update_logs or trainer.fast_dev_run)  # type: ignore[attr-defined]
