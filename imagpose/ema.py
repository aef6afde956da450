"""The exponential moving average of the trainable weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffusers.training_utils import EMAModel
from torch import nn


class EMA:
    """diffusers' EMAModel over one module's parameters, by reference.

    Lightning's own averaging callback copies the frozen networks too and leaves ``test`` after ``fit`` to the raw
    weights.

    Args:
        module: What is averaged.
        decay: Upper limit of the decay, which starts low and grows with the steps.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module, self.decay = module, decay
        self.reset()

    def reset(self) -> None:
        """Start from the module's weights as they are now; call after reading pretrained ones."""
        self.model = EMAModel(self.module.parameters(), decay=self.decay, foreach=True)

    def update(self) -> None:
        """Call after every optimiser step."""
        self.model.to(next(self.module.parameters()).device)
        self.model.step(self.module.parameters())

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module carries the averaged weights inside this block."""
        self.model.to(next(self.module.parameters()).device)
        parameters = [p.detach().clone() for p in self.module.parameters()]
        self.model.copy_to(self.module.parameters())
        try:
            yield
        finally:
            for parameter, own in zip(self.module.parameters(), parameters, strict=True):
                parameter.data.copy_(own)

    def state_dict(self) -> dict[str, Any]:
        """For checkpoints: plain types and tensors."""
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.model.load_state_dict(state)
