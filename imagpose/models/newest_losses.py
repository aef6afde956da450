"""What a training logs of its losses."""

from __future__ import annotations

import torch
from torch import Tensor

NOISE_LEVELS = 4  # the loss is also logged by quarter of the timesteps


class NewestLosses:
    """What is logged of a step's losses: their mean, and the newest mean of each quarter of the timesteps.

    All is kept where the losses are, so that a step which logs nothing waits for no device.

    Args:
        timesteps: How many there are.
    """

    def __init__(self, timesteps: int) -> None:
        self.timesteps = timesteps
        self._mean: Tensor | None = None
        self._by_level: Tensor | None = None  # (4,); -1, which no loss is, where no sample fell so far

    def add(self, losses: Tensor, timesteps: Tensor) -> None:
        """Take in a step; a quarter that no sample fell into stays as it was.

        Args:
            losses: Of samples, (B,).
            timesteps: t, (B,) integers from 0.
        """
        before = losses.new_full((NOISE_LEVELS,), -1.0) if self._by_level is None else self._by_level
        level = timesteps * NOISE_LEVELS // self.timesteps
        fell = level[:, None] == torch.arange(NOISE_LEVELS, device=level.device)
        count, total = fell.sum(0), torch.where(fell, losses[:, None], 0.0).sum(0)
        self._by_level = torch.where(count > 0, total / count.clamp(min=1), before)
        self._mean = losses.mean()

    def read(self) -> dict[str, Tensor]:
        """The values by their names, on the CPU: ``loss``, and from ``loss_noise_1_of_4``, the least noise, on."""
        assert self._mean is not None
        assert self._by_level is not None
        levels = {f"loss_noise_{i}_of_{NOISE_LEVELS}": loss for i, loss in enumerate(self._by_level.cpu(), 1)}
        return {"loss": self._mean.cpu(), **{name: loss for name, loss in levels.items() if not loss < 0}}
