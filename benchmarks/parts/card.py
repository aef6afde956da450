"""The device that is measured, how much is measured on it, and what a report says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import torch

from benchmarks.machine import cpu
from benchmarks.networks import full_size, smallest
from benchmarks.steps import Steps, matrix_rate
from imagpose.module import IMAGPose

NETWORKS = {"sd15_dinov2g": full_size, "smallest": smallest}
Size = tuple[int, int]


class Variant(NamedTuple):
    """One thing to measure.

    Attributes:
        name: For people.
        settings: What decides it, for the report.
        measure: Returns figures by their names.
    """

    name: str
    settings: dict[str, Any]
    measure: Callable[[], dict[str, Any]]


class NotHereError(Exception):
    """This machine cannot measure it; the message says why, and nothing has failed."""


@dataclass(frozen=True)
class Card:
    """What is measured.

    Attributes:
        device: ``cuda`` or ``cpu``.
        network: A key of :data:`NETWORKS`.
        size: (height, width) of the images.
        large: Of the larger ones.
        batches: Canvases a step; the first is the paper's.
        precision: Lightning's name of the training's.
        dtype: In which pictures are generated.
        steps: Training steps.
        sampling_steps: Denoising steps, those of T1 and the few.
        repeats: Timed calls of each way to generate.
        panels: V of the training's canvases.
    """

    device: str = "cuda"
    network: str = "sd15_dinov2g"
    size: Size = (256, 176)
    large: Size = (512, 352)
    batches: tuple[int, ...] = (4, 8, 16)
    precision: str = "bf16-mixed"
    dtype: str = "bfloat16"
    steps: Steps = field(default_factory=Steps)
    sampling_steps: tuple[int, int] = (20, 4)
    repeats: int = 3
    panels: int = 4

    @staticmethod
    def here() -> Card:
        """All of it on a GPU; on a CPU so little that it takes seconds."""
        if torch.cuda.is_available():
            return Card()
        return Card("cpu", "smallest", (32, 24), (48, 32), (1, 2), "32-true", "float32", Steps(1, 1), (2, 1), 1)

    def build(self, device: str | None = None, **options: Any) -> IMAGPose:
        """The network of random weights, on its device unless another is named."""
        return NETWORKS[self.network](device or self.device, **options)

    @property
    def name(self) -> str:
        """The device's own."""
        return torch.cuda.get_device_name() if self.device == "cuda" else cpu()

    @cached_property
    def matrix_rate(self) -> float:
        """Operations a second of a large product in the precision of training."""
        return matrix_rate(torch.bfloat16 if self.precision.startswith("bf16") else torch.float32)

    def facts(self) -> dict[str, Any]:
        """What every report begins with."""
        gpu = self.device == "cuda"
        return {
            "device": self.device, "name": self.name,
            "memory_gib": torch.cuda.get_device_properties(0).total_memory / 2**30 if gpu else None,
            "devices": torch.cuda.device_count() if gpu else 1, "torch": torch.__version__, "cuda": torch.version.cuda,
            "date": datetime.now(UTC).isoformat(timespec="seconds"), "network": self.network,
            "precision": self.precision, "matrix_tflops": self.matrix_rate / 1e12,
        }  # fmt: skip
