"""Training steps on canvases of noise, timed: what the benchmarks of training share."""

from __future__ import annotations

import gc
import time
from typing import Any, NamedTuple

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imagpose.data.draws import with_draws
from imagpose.module import IMAGPose
from imagpose.training.cost import GIB


class Steps(NamedTuple):
    """How many there are.

    Attributes:
        warm_up: Not timed.
        timed: After those.
    """

    warm_up: int = 3
    timed: int = 10


class _Repeated(Dataset[dict[str, Tensor]]):
    """One batch again and again, pinned where that helps: what loading takes is measured elsewhere."""

    def __init__(self, batch: dict[str, Tensor], length: int) -> None:
        pin = torch.cuda.is_available()
        self.batch, self.length = {k: v.pin_memory() if pin else v for k, v in batch.items()}, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        return self.batch


class _Clock(Callback):
    """Times the steps after the warm-up, and the warm-up, in which kernels are chosen and compiled."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.begun = steps, time.perf_counter()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if batch_idx == self.steps.warm_up:
            self.started = self._now()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds = (self._now() - self.started) / self.steps.timed
        for optimizer in trainer.optimizers:
            optimizer.state.clear()  # Lightning would carry it to the CPU

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def canvases(
    module: IMAGPose, size: tuple[int, int], panels: int, batch: int, cached: bool = False
) -> dict[str, Tensor]:
    """A batch of noise.

    Args:
        module: That takes it.
        size: (height, width) of the images.
        panels: V of each canvas, one of which is given.
        batch: Canvases.
        cached: Whether it comes with what VAE and encoder would say, as from a feature cache, instead of pictures.
    """
    images = torch.rand(batch, panels, 3, *size) * 2 - 1
    shared = {
        "poses": images.clamp(min=0), "mask": (torch.arange(panels) < 1).float().repeat(batch, 1),
        "number": torch.arange(batch),
    }  # fmt: skip
    shape = module.synthesis.latent_shape(size, panels)
    shared = with_draws(shared, module.seed, shape)  # as the loader's workers make them
    if not cached:
        return {**shared, "images": images, "source": images[:, 0]}
    mean = torch.randn(batch, *shape)
    semantic = torch.randn(batch, module.encoder.num_tokens, module.encoder.dim)
    return {**shared, "mean": mean, "std": torch.rand_like(mean), "source_mean": mean[:, 0], "semantic": semantic}


def matrix_rate(dtype: torch.dtype) -> float:
    """Operations a second of a large square product on this device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = 8192 if device == "cuda" else 1024
    a = torch.randn(side, side, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        a @ a
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def free_memory() -> None:
    """Give back what the GPU holds of measurements before, and forget their peak."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gib() -> float | None:
    """Most that was allocated on the GPU since :func:`free_memory`; None without a GPU."""
    return torch.cuda.max_memory_allocated() / GIB if torch.cuda.is_available() else None


def measure(
    module: IMAGPose, batch: dict[str, Tensor], precision: str, steps: Steps = Steps(), **options: Any
) -> dict[str, float | None]:
    """Train for some steps, as Lightning does it.

    Args:
        module: Of random weights. It stays on its device, and other measurements may follow.
        batch: Of every step.
        precision: Lightning's name of it.
        steps: How many.
        options: Of the trainer, where they are not the experiments' own.

    Returns:
        ``steps_per_second``, ``warm_up_seconds``, ``peak_gib``.
    """
    module.weights_files = list  # type: ignore[method-assign] # none is fetched, and none read:
    module.vae.load_weights = module.encoder.load_weights = lambda: None  # type: ignore[method-assign]
    module.start.load = lambda network: None  # type: ignore[method-assign]
    module.cpu = lambda: module  # type: ignore[method-assign] # where Lightning leaves it at the end
    free_memory()
    clock = _Clock(steps)
    settings = {
        "devices": 1, "gradient_clip_val": 1.0, "benchmark": True, "logger": False, "enable_checkpointing": False,
        "enable_progress_bar": False, "enable_model_summary": False, "use_distributed_sampler": False, **options,
    }  # fmt: skip
    count = sum(steps)
    trainer = Trainer(max_steps=count, precision=precision, callbacks=[clock], **settings)  # type: ignore[arg-type]
    try:
        trainer.fit(module, DataLoader(_Repeated(batch, count), batch_size=None))
    finally:
        module.trainer = None
        module.zero_grad(set_to_none=True)
    return {
        "steps_per_second": 1 / clock.seconds, "warm_up_seconds": clock.started - clock.begun, "peak_gib": peak_gib()
    }  # fmt: skip
