"""Training steps: with and without checkpointing, a feature cache, frozen networks in 16 bits, and torch.compile."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.parts.card import Card, NotHereError, Size, Variant
from benchmarks.steps import canvases, measure
from imagpose.module import IMAGPose


def train(card: Card) -> list[Variant]:
    """Steps at the paper's size."""
    step = _steps(card, card.size)
    first, *larger = card.batches
    return [
        step(first), step(first, checkpointing=True), *map(step, larger), step(first, cached=True),
        step(card.batches[-1], checkpointing=True), step(card.batches[-1], cached=True),
        step(first, checkpointing=True, cached=True), step(first, frozen_dtype="bfloat16"),
    ]  # fmt: skip


def large(card: Card) -> list[Variant]:
    """Steps at the larger size; the experiment has them with checkpointing."""
    step = _steps(card, card.large)
    first = card.batches[0]
    return [step(first, checkpointing=True), step(first), step(first, checkpointing=True, cached=True)]


def compiled(card: Card) -> list[Variant]:
    """Steps of a compiled network at the paper's size; the first of each waits for the compiler, about a minute."""
    step = _steps(card, card.size, compile=True)
    first, *_, last = card.batches
    return [step(first), step(first, cached=True), step(last, cached=True)]


def _steps(card: Card, size: Size, **options: Any) -> Callable[..., Variant]:
    built = functools.cache(lambda: card.build(**options))  # by the first variant, for all of them

    def variant(
        batch: int, checkpointing: bool = False, cached: bool = False, frozen_dtype: str = "float32"
    ) -> Variant:
        settings = {
            "size": list(size), "panels": card.panels, "batch": batch, "checkpointing": checkpointing,
            "cached": cached, "frozen_dtype": frozen_dtype, "compile": False, **options,
        }  # fmt: skip

        def found() -> dict[str, Any]:
            if options and card.device == "cpu":
                raise NotHereError("a CPU's compiler takes minutes")
            module = built()
            _set(module, checkpointing, frozen_dtype)
            batches = canvases(module, size, card.panels, batch, cached)
            figures = measure(module, batches, card.precision, card.steps)
            module.compiled = False  # no other time than at the first variant
            return figures

        words = [f"batch {batch}", "checkpointing" * checkpointing, "cached features" * cached]
        words.append("frozen networks in bfloat16" * (frozen_dtype == "bfloat16"))
        return Variant(", ".join(filter(None, words)), settings, found)

    return variant


def _set(module: IMAGPose, checkpointing: bool, frozen_dtype: str) -> None:
    if checkpointing:
        module.network.enable_gradient_checkpointing()
    else:
        module.network.disable_gradient_checkpointing()
    module.frozen_dtype = getattr(torch, frozen_dtype)
