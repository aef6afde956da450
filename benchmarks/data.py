"""Training samples a second that one core loads: 256×176 jpgs with pose maps drawn on the fly, cached and not.

``make bench-data`` draws a few mannequins, and writes beside them a feature cache of sd15_dinov2g's shapes in half
precision with random numbers in it: what is timed is reading, not computing. Both ways take the same samples in turn,
in one process with one thread, by its processor time, so that the numbers compare on a machine that does other things
too. The files are in the system's page cache; a slow disk is not what is measured. The result is
``benchmarks/data_<device>.json``.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file
from torch.utils.data import DataLoader

from benchmarks.machine import cpu, file_name
from imagpose.data.canvases import Canvases
from imagpose.data.datamodule import PoseDataModule
from imagpose.data.mannequins.folder import MannequinSet, write

SIZE = (256, 176)
SHAPES = {"mean": (4, 32, 24), "std": (4, 32, 24), "semantic": (257, 1536)}
BATCH, ROUNDS, BATCHES = 4, 8, 4


def main() -> None:
    """Measure and write down."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "mannequins"
        write(root, MannequinSet(identities=18, views=4, test_identities=4, test_pairs=4, size=SIZE))
        data = PoseDataModule(root, BATCH, validation_identities=2, num_workers=0, size=SIZE, cache_dtype="float16")
        data.setup("fit")
        images = data.train_dataset()
        shards = data.shards("drawn")
        shards[0].path.parent.mkdir(parents=True)
        for shard in shards:
            tensors = {k: torch.randn(len(shard.records), 2, *shape).half() for k, shape in SHAPES.items()}
            save_file(tensors, shard.path, {"size": f"{SIZE[0]}×{SIZE[1]}"})
        data.find_features(lambda: "drawn")
        cached = data.train_dataset()
        ways: dict[str, Canvases] = {"images": images, "feature cache": cached}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for i in range(ROUNDS):
            numbers = [list(range(n, n + BATCH)) for n in range(i * BATCHES * BATCH, (i + 1) * BATCHES * BATCH, BATCH)]
            for name, canvases in ways.items():
                start = time.process_time()
                for _ in DataLoader(canvases, batch_sampler=numbers):
                    pass
                seconds[name].append((time.process_time() - start) / (BATCHES * BATCH))
    rates = {name: 1 / statistics.median(found) for name, found in seconds.items()}
    report = {
        "device": cpu(), "torch": torch.__version__, "size": list(SIZE), "panels": data.panels[0],
        "samples_per_second_and_core": rates,
    }  # fmt: skip
    path = Path(__file__).parent / f"data_{file_name(cpu())}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    table = Table("read from", "samples/s a core", "ms a sample", title=cpu())
    for name, rate in rates.items():
        table.add_row(name, f"{rate:.1f}", f"{1000 / rate:.1f}")
    Console().print(table)
    print(f"The measurement is in {path.relative_to(Path(__file__).parents[1])}.")


if __name__ == "__main__":
    main()
