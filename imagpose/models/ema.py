"""The exponential moving average of the trainable weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from torch import nn

from imagpose.errors import InputError

NO_AVERAGE_OF_SHARDS = (
    "model.init_args.ema_decay must be null with FSDP or DeepSpeed, whose shards the average cannot follow; "
    "experiments/overlays/fsdp.yaml says so, or train with strategy ddp."
)


class _Average(EMAModel):
    """Is updated at every n-th step, by the decays of these n steps at once."""

    def __init__(self, *args: Any, every: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.every = every

    def get_decay(self, optimization_step: int) -> float:
        """The product of the decays of this step and of those that were passed over; of a constant one, its power."""
        steps = range(optimization_step - self.every + 1, optimization_step + 1)
        return math.prod(super(_Average, self).get_decay(step) for step in steps)


class EMA:
    """diffusers' EMAModel over one module's parameters, by reference.

    Lightning's own averaging callback copies the frozen networks too and leaves ``test`` after ``fit`` to the raw
    weights.

    Args:
        module: What is averaged.
        decay: Upper limit of the decay, which starts low and grows with the steps; None keeps no average, and what is
            called averaged elsewhere is then the module as it is.
        device: Where the average is kept; None is with the module. ``cpu`` saves the accelerator a copy of the weights
            and costs each update their transfer, which waits for it.
        every: Steps between two updates. With n, the average decays by the product of n steps' decays at once, decay^n
            once it has grown, and takes the n-th step's weights for those of all n; it is up to n - 1 steps behind.
    """

    def __init__(self, module: nn.Module, decay: float | None, device: str | None = None, every: int = 1) -> None:
        self.module, self.decay, self.device, self.every = module, decay, device, every
        self.reset()

    def reset(self) -> None:
        """Start from the module's weights as they are now; call after reading pretrained ones."""
        if self.decay is None:
            self.model = None
        else:
            self.model = _Average(self._parameters(), decay=self.decay, foreach=True, every=self.every)

    def refuse_shards(self, shards: bool) -> None:
        """Refuse to average what a process holds pieces of.

        Raises:
            InputError: It does, and an average is kept.
        """
        if shards and self.decay is not None:
            raise InputError(NO_AVERAGE_OF_SHARDS)

    def _parameters(self) -> list[nn.Parameter]:
        """The module's parameters where the average is."""
        own = list(self.module.parameters())
        if self.device is None or own[0].is_meta:
            return own
        return [nn.Parameter(p.detach().to(self.device), requires_grad=p.requires_grad) for p in own]

    def update(self) -> None:
        """Call after every optimiser step."""
        if self.model is None:
            return
        if (self.model.optimization_step + 1) % self.every:
            self.model.optimization_step += 1
            return
        self.follow()
        self.model.step(self._parameters())

    def follow(self) -> None:
        """Move the average to where it is kept; the module may have been moved since."""
        assert self.model is not None
        with torch.inference_mode(False):  # what is moved during a validation is updated in training
            self.model.to(self.device or next(self.module.parameters()).device)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module carries the averaged weights inside this block."""
        if self.model is None:
            yield
            return
        self.follow()
        parameters = [p.detach().to(self.device or p.device, copy=True) for p in self.module.parameters()]
        self.model.copy_to(self.module.parameters())
        try:
            yield
        finally:
            for parameter, own in zip(self.module.parameters(), parameters, strict=True):
                parameter.data.copy_(own)

    def state_dict(self) -> dict[str, Any]:
        """For checkpoints: plain types and tensors; empty if no average is kept."""
        return self.model.state_dict() if self.model is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        if self.model is not None and state:
            self.model.load_state_dict(state)
