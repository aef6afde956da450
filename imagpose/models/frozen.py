"""Modules that only look: no gradient, always in eval mode, in no checkpoint."""

from __future__ import annotations

import torch
from torch import nn


class Frozen(nn.Module):
    """Stays in eval mode whatever its parent does, and asks for no gradient once :meth:`freeze` was called."""

    def freeze(self) -> None:
        """Call at the end of the constructor."""
        self.requires_grad_(False)
        super().train(False)

    def train(self, mode: bool = True) -> Frozen:
        """Remain in eval mode."""
        return super().train(False)

    def keep_in(self, dtype: torch.dtype, device: torch.device | None = None) -> None:
        """Cast the weights; not ``to``, about which diffusers' models warn at every call.

        Args:
            dtype: Type of their numbers.
            device: Where they will be used; a GPU's convolutions want their channels last.
        """
        nn.Module.to(self, dtype)
        if device is not None and device.type == "cuda":
            nn.Module.to(self, memory_format=torch.channels_last)

    def keep_on(self, device: torch.device) -> None:
        """Move the weights, unless they are there."""
        if next(self.parameters()).device != device:
            nn.Module.to(self, device)

    def load_weights(self) -> None:
        """Read the weights; the constructor builds the architecture only."""
        raise NotImplementedError
