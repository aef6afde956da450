"""Generation: seconds from pictures and poses in memory to pictures in memory, all calls of the network included."""

from __future__ import annotations

import functools
import statistics
import time
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.parts.card import Card, Variant
from benchmarks.steps import free_memory, peak_gib
from imagpose.data.body_pose import BodyPose
from imagpose.pipeline import ImagposePipeline


def sampling(card: Card) -> list[Variant]:
    """T1 of the paper, a pair and nine panels, by many calls of the network and by few."""
    many, few = card.sampling_steps
    built = functools.cache(lambda: _pipeline(card))

    def variant(
        what: str, panels: int, poses: int, steps: int, guidance: float, dtype: str = card.dtype, canvases: int = 1
    ) -> Variant:
        calls = steps * (1 if guidance == 1 else 2)
        settings = {
            "size": list(card.size), "panels": panels, "poses": poses, "batch": canvases, "steps": steps,
            "guidance": guidance, "calls": calls, "dtype": dtype, "scenario": "T1" if what == "T1" else "auto",
        }  # fmt: skip
        words = [what, f"{calls} calls", f"batch {canvases}" if canvases > 1 else "", dtype * (dtype != card.dtype)]
        return Variant(", ".join(filter(None, words)), settings, lambda: _latency(built(), settings, card.repeats))

    return [
        variant("T1", 4, 1, many, 2.0), variant("T1", 4, 1, few, 1.0), variant("pair", 2, 1, few, 1.0),
        variant("pair", 2, 1, many, 2.0), variant("nine panels", 9, 8, few, 1.0),
        variant("nine panels", 9, 8, many, 2.0), variant("pair", 2, 1, few, 1.0, canvases=card.batches[-1]),
        variant("T1", 4, 1, many, 2.0, canvases=card.batches[-1]), variant("T1", 4, 1, many, 2.0, "float32"),
    ]  # fmt: skip


def _pipeline(card: Card) -> ImagposePipeline:
    module = card.build(ema_decay=None)
    module.image_size = card.size
    pipe = ImagposePipeline.of_module(module)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _latency(pipe: ImagposePipeline, settings: dict[str, Any], repeats: int) -> dict[str, Any]:
    pipe.to(getattr(torch, settings["dtype"]))
    free_memory()
    draws = np.random.default_rng(0)
    height, width = settings["size"]

    def picture() -> Image.Image:
        return Image.fromarray(draws.integers(0, 256, (height, width, 3), dtype=np.uint8))

    def pose() -> BodyPose:
        return BodyPose((height, width), draws.uniform((0, 0), (width - 1, height - 1), (18, 2)))

    batch = range(settings["batch"])
    given = [[picture()] for _ in batch], [[pose()] for _ in batch], [[pose()] * settings["poses"] for _ in batch]

    def seconds(steps: int) -> float:
        started = time.perf_counter()
        images = pipe(
            *given, settings["scenario"], steps, settings["guidance"], output_type="pt", panels=settings["panels"]
        ).images  # fmt: skip
        assert isinstance(images, Tensor)
        images.cpu()  # waits for the device
        return time.perf_counter() - started

    tuned = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False  # as the command generates; a training in this process sets it
    try:
        seconds(1)
        took = [seconds(settings["steps"]) for _ in range(repeats)]
    finally:
        torch.backends.cudnn.benchmark = tuned
    median = statistics.median(took)
    return {
        "seconds": median, "seconds_per_image": median / (settings["batch"] * settings["poses"]), "of_each": took,
        "peak_gib": peak_gib(),
    }  # fmt: skip
