"""IMAGPose (NeurIPS 2024) in PyTorch Lightning: pose-guided person image generation."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "ImagposePipeline": "imagpose.pipeline",
    "BodyPose": "imagpose.data.body_pose",
}
__all__ = ["BodyPose", "ImagposePipeline"]


def __getattr__(name: str) -> Any:  # imported on first use, so that worker processes start quickly
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
