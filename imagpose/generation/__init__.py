"""From pictures and poses on disk to pictures on disk: ``generate(GenerationRequest(source=…, …))``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "GenerationRequest": "imagpose.generation.request",
    "PoseRequest": "imagpose.generation.poses",
    "generate": "imagpose.generation.command",
    "pose": "imagpose.generation.poses",
}
__all__ = ["GenerationRequest", "PoseRequest", "generate", "pose"]


def __getattr__(name: str) -> Any:  # imported on first use, so that nothing waits for torch without need
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
