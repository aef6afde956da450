"""IMAGPose under plain SGD, whose steps are the gradients' own, and a callback that keeps the first of these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning import Callback

from imagpose.module import IMAGPose


class PlainSGD(IMAGPose):
    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.network.parameters(), lr=1e-2)


class KeepGradients(Callback):
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if trainer.global_step == 0 and trainer.is_global_zero:
            torch.save({name: p.grad for name, p in pl_module.network.named_parameters()}, self.path)
