"""Steps per second, peak memory and share of the device's matrix rate of an experiment's training step.

``make bench-train`` (EXP, ARGS as for train) writes ``benchmarks/train_<experiment>_<device>.json``. The weights are
random and the canvases drawn once: what is timed is the step itself, frozen networks included, with and without
torch.compile and gradient checkpointing. Without a GPU it runs the tiny experiment instead, at reduced width and
without torch.compile, and says so.
"""

from __future__ import annotations

import json
import resource
import sys
from itertools import product
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.machine import file_name
from benchmarks.steps import canvases, matrix_rate, measure
from imagpose.data.sampling import canvases_of
from imagpose.module import IMAGPose
from imagpose.training.composing import experiment_name
from imagpose.training.cost import GIB, estimate, flops
from imagpose.training.experiment import read_experiment, read_options


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

    def build(device: str, checkpointing: bool, compiled: bool = False) -> IMAGPose:
        switches = {"gradient_checkpointing": checkpointing, "compile": compiled}
        words = [f"--model.init_args.{name}={str(on).lower()}" for name, on in switches.items()]
        return read_experiment([*args, *words], lambda parser: None, device).module

    half = precision.startswith(("bf16", "16"))
    rate = matrix_rate(torch.bfloat16 if half else torch.float32)
    operations = batch * sum(flops(build("meta", False), size, panels).values())
    variants = []
    for compiled, checkpointing in product((False, True) if gpu else (False,), (False, True)):
        expected = estimate(build("meta", checkpointing), size, batch, precision, panels=[panels]).total / GIB
        module = build("cuda" if gpu else "cpu", checkpointing, compiled)
        found = measure(module, canvases(module, size, panels, batch), precision)
        speed = found["steps_per_second"]
        variants.append(
            {
                "compile": compiled, "checkpointing": checkpointing, "estimated_gib": expected,
                "steps_per_second": speed, "peak_gib": found["peak_gib"] or 0.0,
                "matrix_share": operations * speed / rate,
            }
        )  # fmt: skip
        del module  # before the next one is built
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
