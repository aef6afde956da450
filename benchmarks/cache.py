"""Training steps a second with and without the feature cache, beside the ratio of counted operations.

``make bench-cache``: cached and uncached steps take turns in one process on the same canvases of noise, with the same
module of random weights, so that whatever else the machine does slows both. Loading is left out; ``make bench-data``
measures that. With a GPU the experiment is sd15_dinov2g at 256×176, timed by the clock. Without one it is the embedded
UNet and VAE with an image encoder whose share of the step is that experiment's, timed by the processor time of one
thread. The result is ``benchmarks/cache_<device>.json``.
"""

from __future__ import annotations

import json
import statistics
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.machine import cpu, file_name
from benchmarks.networks import full_size, reduced
from imagpose.module import IMAGPose
from imagpose.training.cost import GIB, flops

ROUNDS, STEPS = 6, 1
TARGET = 0.8  # of the ratio of operations


def ratio(operations: dict[str, int]) -> float:
    """How many times the operations of a cached step an uncached one has."""
    return 1 + operations["frozen"] / operations["trained"]


class Steps:
    """Whole training steps, with AdamW.

    Args:
        module: On its device.
        size: (height, width) of the images.
        batch: Canvases.
    """

    def __init__(self, module: IMAGPose, size: tuple[int, int], batch: int) -> None:
        self.module, self.gpu = module, module.device.type == "cuda"
        module.log = lambda *args, **kwargs: None  # type: ignore[method-assign]
        self.optimizer = torch.optim.AdamW(module.network.parameters(), lr=1e-5)
        panels = module.panels[0]
        images = torch.rand(batch, panels, 3, *size, device=module.device) * 2 - 1
        shared = {
            "poses": images.clamp(min=0), "mask": (torch.arange(panels) < 1).float().repeat(batch, 1).to(images),
            "number": torch.arange(batch),
        }  # fmt: skip
        with self._precision():
            seen = module.synthesis.see(images, images[:, 0])
        features = {"source_mean": seen.source, "semantic": seen.semantic, **seen.panels._asdict()}
        self.batches: dict[str, dict[str, Tensor]] = {
            "uncached": {**shared, "images": images, "source": images[:, 0]}, "cached": {**shared, **features},
        }  # fmt: skip

    def take(self, way: str, steps: int) -> float:
        """Seconds of one step, the mean of some; processor time where there is no GPU."""
        start = self._now()
        for i in range(steps):
            with self._precision():
                loss = self.module.training_step(self.batches[way], i)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
        return (self._now() - start) / steps

    def peaks(self) -> dict[str, float]:
        """GiB on the GPU with gradient checkpointing."""
        self.module.network.enable_gradient_checkpointing()
        found = {}
        for way in self.batches:
            self.take(way, 1)
            torch.cuda.reset_peak_memory_stats()
            self.take(way, 1)
            found[way] = torch.cuda.max_memory_allocated() / GIB
        return found

    def _now(self) -> float:
        if not self.gpu:
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    def _precision(self) -> torch.autocast | nullcontext[None]:
        return torch.autocast("cuda", torch.bfloat16) if self.gpu else nullcontext()


def main() -> None:
    """Measure and write down."""
    torch.set_num_threads(1)
    gpu = torch.cuda.is_available()
    size, batch, build = ((256, 176), 4, full_size) if gpu else ((64, 44), 2, reduced)
    counted, full = flops(build("meta"), size), flops(full_size("meta"), (256, 176))
    steps = Steps(build("cuda" if gpu else "cpu", ema_decay=None), size, batch)
    seconds: dict[str, list[float]] = {"uncached": [], "cached": []}
    for _ in range(ROUNDS):
        for way, found in seconds.items():
            steps.take(way, 1)  # moves the frozen networks, where there is a GPU
            found.append(steps.take(way, STEPS))
    measured = statistics.median(u / c for u, c in zip(seconds["uncached"], seconds["cached"], strict=True))
    name = torch.cuda.get_device_name() if gpu else cpu()
    report = {
        "device": name, "torch": torch.__version__, "network": build.__name__, "size": list(size), "batch": batch,
        "steps_per_second": {way: 1 / statistics.median(found) for way, found in seconds.items()},
        "speedup": measured, "gflop_a_canvas": {k: v / 1e9 for k, v in counted.items()},
        "ratio_of_operations": ratio(counted), "share_of_it": measured / ratio(counted),
        "sd15_dinov2g_256x176": {**{k: v / 1e9 for k, v in full.items()}, "ratio_of_operations": ratio(full)},
        "peak_gib_with_gradient_checkpointing": steps.peaks() if gpu else None,
    }  # fmt: skip
    path = Path(__file__).parent / f"cache_{file_name(name)}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    table = Table("", "GFLOP a canvas: frozen", "trained", "uncached : cached", title=name)
    for what, found in ((f"{build.__name__}, counted", counted), ("sd15_dinov2g at 256×176, counted", full)):
        table.add_row(what, f"{found['frozen'] / 1e9:,.1f}", f"{found['trained'] / 1e9:,.1f}", f"{ratio(found):.2f}")
    table.add_row(f"{build.__name__}, measured", "", "", f"{measured:.2f}")
    Console().print(table)
    verdict = "reached" if measured >= TARGET * ratio(counted) else "missed"
    print(f"{measured / ratio(counted):.0%} of the ratio of operations; the target of {TARGET:.0%} is {verdict}.")
    print(f"The measurement is in {path.relative_to(Path(__file__).parents[1])}.")


if __name__ == "__main__":
    main()
