"""The optimiser that the shipped weights were trained by."""

from __future__ import annotations

from typing import Any

import torch
from lightning import LightningModule


def one_cycle(
    module: LightningModule, lr: float, betas: tuple[float, float], weight_decay: float, rising: float
) -> dict[str, Any]:
    """AdamW with one cycle of the learning rate over all steps, linear, as ``configure_optimizers`` returns it.

    Args:
        module: All of whose parameters that ask for a gradient are trained.
        lr: The peak.
        betas: Of AdamW.
        weight_decay: Likewise.
        rising: The share of steps before the peak.
    """
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, betas=betas, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=module.trainer.max_steps, pct_start=rising, anneal_strategy="linear",
        cycle_momentum=False,
    )  # fmt: skip
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
