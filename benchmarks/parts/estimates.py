"""Beside each training step that was measured, what is known without a card: the doctor's memory, the operations."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.parts.card import NETWORKS, Card, Variant
from imagpose.module import IMAGPose
from imagpose.output.files import write_whole
from imagpose.training.cost import GIB, Shards, estimate, flops


def estimates(card: Card, out: Path) -> list[Variant]:
    """The reports of training steps in a folder, each completed in place: from any card, and on any machine."""
    found = sorted(path for path in out.glob("gpu_*.json") if any(_steps(json.loads(path.read_text()))))
    return [Variant(path.name, {}, functools.partial(_complete, path)) for path in found]


def _steps(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (one for one in report["variants"] if one.get("steps_per_second"))


def _complete(path: Path) -> dict[str, Any]:
    report = json.loads(path.read_text())
    for one in _steps(report):
        one |= expected(report, one)
    write_whole(path, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return {"completed": len(list(_steps(report)))}


def expected(report: dict[str, Any], step: dict[str, Any]) -> dict[str, Any]:
    """What belongs beside a measured step.

    Args:
        report: That it is in.
        step: With its settings and ``steps_per_second``.

    Returns:
        ``estimated_gib``, what the doctor says of its memory on a GPU; ``tflop_a_step``, forward and backward, without
        what checkpointing computes again; ``matrix_share``, of the device's measured matrix rate.
    """
    size, panels = tuple(step["size"]), step["panels"]
    module = _module(report["network"], step.get("strategy") is None, step["frozen_dtype"])
    counted = _flops(report["network"], size, panels)
    network = module.network
    (network.enable_gradient_checkpointing if step["checkpointing"] else network.disable_gradient_checkpointing)()
    n = step.get("processes", 1)
    shards = {"fsdp": Shards(n, n, n), "deepspeed": Shards(1, n, n)}.get(step.get("strategy", ""), Shards())
    memory = estimate(module, size, step["batch"], report["precision"], shards, panels=[panels])
    operations = step["batch"] * (counted["trained"] + (0 if step["cached"] else counted["frozen"]))
    return {
        "estimated_gib": (memory.cached if step["cached"] else memory.total) / GIB, "tflop_a_step": operations / 1e12,
        "matrix_share": operations * step["steps_per_second"] / (report["matrix_tflops"] * 1e12),
    }  # fmt: skip


@functools.cache
def _module(network: str, average: bool, frozen_dtype: str) -> IMAGPose:
    return NETWORKS[network]("meta", frozen_dtype=frozen_dtype, **({} if average else {"ema_decay": None}))


@functools.cache
def _flops(network: str, size: tuple[int, int], panels: int) -> dict[str, int]:
    return flops(NETWORKS[network]("meta", ema_decay=None), size, panels)
