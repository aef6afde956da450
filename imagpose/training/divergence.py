"""A training that diverged stops, says so, and leaves the last good checkpoint as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from torch.distributed.tensor import DTensor

from imagpose.errors import InputError
from imagpose.options.program import program
from imagpose.training.runs import check_checkpoint

_IN_A_ROW = 3  # losses; fewer may pass where fp16 leaves out the step of such a loss


class Divergence(Callback):
    """Ends a run whose losses, weights or generated panels are no finite numbers any more.

    Losses are counted on the device and looked at when the step logs, so that no other step waits for the device.
    Before a validation, and before anything is saved, the weights are looked at too: no checkpoint is replaced by one
    that holds NaN. In fp16 the gradient scaler leaves a step out whose gradients are not finite, with a finite loss:
    that is none. It stands before the callbacks that save.

    Args:
        last: The run's newest checkpoint, for the message.
    """

    def __init__(self, last: Path) -> None:
        self.last = last
        self._in_a_row: Tensor | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the losses in a row that are not finite."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor):
            bad = torch.isfinite(loss.detach()).all().logical_not()
            self._in_a_row = bad.long() if self._in_a_row is None else (self._in_a_row + 1) * bad
        stepped, every = (batch_idx + 1) % trainer.accumulate_grad_batches == 0, trainer.log_every_n_steps  # type: ignore[attr-defined]
        if stepped and every and trainer.global_step % every == 0:
            self._check(trainer, pl_module, always=False)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Generate nothing with weights that cannot."""
        if _fitting(trainer) and not trainer.sanity_checking:
            self._check(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look once more: the last steps may have logged nothing."""
        self._check(trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Refuse to save what cannot be resumed."""
        self._check(trainer, pl_module)

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:
        """Look at the generated panels."""
        if isinstance(outputs, Tensor) and not torch.isfinite(outputs).all():
            raise InputError(
                f"The pictures that are generated {_after(trainer)} are no finite numbers, though its weights may be; "
                f"{_precision(trainer)}{self._kept()}."
            )

    def on_test_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:
        """Likewise."""
        self.on_validation_batch_end(trainer, pl_module, outputs)

    def _check(self, trainer: Trainer, module: LightningModule, always: bool = True) -> None:
        """Raise if it diverged.

        Args:
            trainer: The trainer.
            module: Whose weights to look at.
            always: Look at the weights even where the last loss is finite.
        """
        losses = 0 if self._in_a_row is None else int(self._in_a_row)
        diverged = losses >= _IN_A_ROW or ((always or losses > 0) and not _finite(module))
        if trainer.world_size > 1:  # all stop at the same step
            diverged = trainer.strategy.reduce_boolean_decision(diverged, all=False)
        if diverged:
            # The loss of a step that came after the checkpoint, or, where none was looked at yet, the step's own.
            step = trainer.global_step - max(losses - 1, 0) // trainer.accumulate_grad_batches
            raise InputError(self._sentence(trainer, "loss" if losses else "weights", step))

    def _sentence(self, trainer: Trainer, what: str, step: int) -> str:
        said = f"The training diverged: from step {step} on its {what} is no finite number"
        if what == "weights":
            said = f"The training diverged: after step {step} its weights are no finite numbers"
        options = trainer.optimizers[0].param_groups[0]
        rate = f"{options.get('initial_lr', options['lr']):g}"
        if step <= 1 and what == "loss":
            why = "the data, the weights that it starts from, or the precision, as nothing was learned yet"
            do = f"{program()} check looks at the data, and --trainer.precision 32 leaves the precision out"
        elif str(trainer.precision).startswith("16"):
            why = f"the range of fp16 (trainer.precision {trainer.precision}), or a learning rate of {rate}"
            do = "start another run (RUN=new) with --trainer.precision bf16-mixed or a lower --model.init_args.lr"
        else:
            why = f"a learning rate of {rate}, or else damaged data"
            do = "start another run (RUN=new) with a lower --model.init_args.lr, or look at the data (make check-data)"
        return f"{said}, most likely by {why}; {do}{self._kept()}."

    def _kept(self) -> str:
        if not self.last.exists():
            return ""
        try:
            step = check_checkpoint(self.last)
        except InputError:  # what was there before cannot be read; that is for the next start to tell
            return ""
        return f" ({self.last} is kept{'' if step is None else f' as of step {step}'})"


def _after(trainer: Trainer) -> str:
    return f"after step {trainer.global_step}" if _fitting(trainer) else "by this run"


def _fitting(trainer: Trainer) -> bool:
    """Whether it trains, validations in between included, during which ``trainer.training`` is not set."""
    return trainer.state.fn == TrainerFn.FITTING


def _precision(trainer: Trainer) -> str:
    if str(trainer.precision).startswith("16"):
        return f"most likely by the range of fp16 (trainer.precision {trainer.precision}): take bf16-mixed or 32"
    return "most likely its training diverged: start another run (RUN=new) with a lower --model.init_args.lr"


@torch.no_grad()
def _finite(module: LightningModule) -> bool:
    """Whether all trained weights are finite; waits for the device once."""
    weights = [p.to_local() if isinstance(p, DTensor) else p for p in module.parameters() if p.requires_grad]
    return not weights or bool(torch.stack([torch.isfinite(p).all() for p in weights]).all())
