"""Steps per second, peak memory and share of the device's matrix rate of an experiment's training step.

``make bench-train`` (EXP, ARGS as for train) writes ``benchmarks/train_<experiment>_<device>.json``. The weights are
random and the canvases drawn once: what is timed is the step itself, frozen networks included, with and without
torch.compile and gradient checkpointing. Without a GPU it runs the tiny experiment instead, at reduced width and
without torch.compile, and says so.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from benchmarks.machine import file_name
from imagpose.data.sampling import canvases_of
from imagpose.module import IMAGPose
from imagpose.training.composing import experiment_name
from imagpose.training.cost import GIB, estimate, flops
from imagpose.training.experiment import read_experiment, read_options

WARM_UP, TIMED = 3, 10


class Drawn(Dataset[dict[str, torch.Tensor]]):
    """Canvases of noise."""

    def __init__(self, panels: int, size: tuple[int, int], length: int) -> None:
        self.images, self.length = torch.rand(panels, 3, *size) * 2 - 1, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        mask = torch.tensor([1.0] + [0.0] * (len(self.images) - 1))
        return {
            "images": self.images, "poses": self.images.clamp(min=0), "mask": mask, "source": self.images[0],
            "number": torch.tensor(number),
        }  # fmt: skip


class Clock(Callback):
    """Times the steps after the warm-up."""

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Start after the warm-up."""
        if batch_idx == WARM_UP:
            self.started = self._now()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop."""
        self.seconds = (self._now() - self.started) / TIMED

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


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


def measure(
    module: IMAGPose, size: tuple[int, int], panels: int, batch: int, precision: str, compiled: bool
) -> dict[str, float]:
    """One variant, in a run of its own."""
    clock = Clock()
    module.setup, module.prepare_data = lambda stage: None, lambda: None  # type: ignore[method-assign, assignment]
    for frozen in (module.vae, module.encoder):
        frozen.keep_in(module.frozen_dtype)
    if compiled:
        module.network.compile()
    if torch.cuda.is_available():
        gc.collect()  # of the variant before
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    steps = WARM_UP + TIMED
    trainer = Trainer(
        devices=1, max_steps=steps, precision=precision, callbacks=[clock], logger=False,  # type: ignore[arg-type]
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0,
    )  # fmt: skip
    trainer.fit(module, DataLoader(Drawn(panels, size, steps * batch), batch_size=batch))
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return {"steps_per_second": 1 / clock.seconds, "peak_gib": peak / GIB}


def main(args: list[str]) -> None:
    """Measure all variants of an experiment and write them down."""
    gpu = torch.cuda.is_available()
    if not gpu:
        print("There is no GPU here: the tiny experiment is measured instead, not compiled, in 32 bits.")
        args = ["--exp", "tiny", "--precision", "32-true"]
    config = read_options(args)
    trained = config.data.init_args.panels  # of several, the most panels are measured
    trained = [trained] if isinstance(trained, int) else list(trained)
    size = tuple(config.data.init_args.size or (64, 44))
    panels, batch = max(zip(trained, canvases_of(trained, int(config.data.init_args.batch_size)), strict=True))
    precision = str(config.trainer.precision)

    def build(device: str, checkpointing: bool) -> IMAGPose:
        switch = ["--model.init_args.gradient_checkpointing", str(checkpointing).lower()]
        return read_experiment([*args, *switch], lambda parser: None, device).module

    half = precision.startswith(("bf16", "16"))
    rate = matrix_rate(torch.bfloat16 if half else torch.float32)
    operations = batch * sum(flops(build("meta", False), size, panels).values())
    variants = []
    for compiled, checkpointing in product((False, True) if gpu else (False,), (False, True)):
        expected = estimate(build("meta", checkpointing), size, batch, precision, panels=[panels]).total / GIB
        found = measure(build("cuda" if gpu else "cpu", checkpointing), size, panels, batch, precision, compiled)
        found["matrix_share"] = operations * found["steps_per_second"] / rate
        variants.append({"compile": compiled, "checkpointing": checkpointing, "estimated_gib": expected, **found})
    name = torch.cuda.get_device_name() if gpu else f"{torch.get_num_threads()} CPU threads"
    experiment = experiment_name(config.config)
    report = {
        "device": name, "experiment": experiment, "torch": torch.__version__, "size": list(size), "batch": batch,
        "panels": panels,
        "precision": precision, "tflop_a_step": operations / 1e12, "matrix_tflops": rate / 1e12, "variants": variants,
        "host_peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }  # fmt: skip
    path = Path(__file__).parent / f"train_{experiment}_{file_name(name)}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    table = Table("compile", "checkpointing", "steps/s", "share of the matrix rate", "peak GiB", title=name)
    for v in variants:
        peak = f"{v['peak_gib']:.1f}" if gpu else "not measured"
        memory = f"{peak} (estimated {v['estimated_gib']:.1f})"
        speed, share = f"{v['steps_per_second']:.2f}", f"{v['matrix_share']:.0%}"
        table.add_row(str(v["compile"]), str(v["checkpointing"]), speed, share, memory)
    Console().print(table)
    print(f"The measurement is in {path}.")


if __name__ == "__main__":
    main(sys.argv[1:])
