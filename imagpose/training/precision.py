"""In which precision a machine computes what an experiment asks for in bfloat16."""

from __future__ import annotations

import torch
from jsonargparse import Namespace
from lightning.pytorch.utilities import rank_zero_info

_WITHOUT_BFLOAT16 = ("DEFAULT", "AVX2")  # PyTorch's names; measured on AVX2: a convolution takes 30 times as long


def spare_emulation(trainer: Namespace) -> None:
    """Let a processor that can only emulate bfloat16 compute in 32 bits, and say so.

    A run's ``config.yaml`` keeps what was asked for, since the run may go on on another machine.

    Args:
        trainer: The trainer's options; ``precision`` is replaced where it is ``bf16-mixed``.
    """
    if trainer.precision not in ("bf16-mixed", "bf16") or not _on_cpu(str(trainer.accelerator)):
        return
    if torch.backends.cpu.get_cpu_capability() in _WITHOUT_BFLOAT16:
        rank_zero_info("This processor only emulates bfloat16, so trainer.precision is 32-true here.")
        trainer.precision = "32-true"


def _on_cpu(accelerator: str) -> bool:
    return accelerator == "cpu" or (accelerator == "auto" and not torch.accelerator.is_available())
