"""A processor without bfloat16 is not asked for it, and the run's options stay what they were."""

import pytest
import torch
from jsonargparse import Namespace

from imagpose.training.precision import spare_emulation


@pytest.mark.parametrize(
    ("capability", "accelerator", "asked", "taken"),
    [
        ("AVX2", "cpu", "bf16-mixed", "32-true"),
        ("DEFAULT", "auto", "bf16-mixed", "32-true"),
        ("AVX512", "cpu", "bf16-mixed", "bf16-mixed"),
        ("AVX2", "cuda", "bf16-mixed", "bf16-mixed"),
        ("AVX2", "cpu", "16-mixed", "16-mixed"),
    ],
)
def test_only_emulated_bfloat16_is_replaced(capability, accelerator, asked, taken, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    trainer = Namespace(precision=asked, accelerator=accelerator)
    spare_emulation(trainer)
    assert trainer.precision == taken
