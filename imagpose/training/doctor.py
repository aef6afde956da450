"""``imagpose doctor``: whether an experiment could start on this machine, before anything is loaded."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.cli import LightningArgumentParser
from rich.console import Console

from imagpose.data.datamodule import PoseDataModule
from imagpose.errors import InputError
from imagpose.finetuning.module import Finetuning
from imagpose.models import weights
from imagpose.models.ema import NO_AVERAGE_OF_SHARDS
from imagpose.module import IMAGPose
from imagpose.options.program import program
from imagpose.output.files import drop_unfinished, whole_file
from imagpose.training.cost import GIB, Estimate, Shards, estimate
from imagpose.training.experiment import read_experiment
from imagpose.training.help_pages import show_help


def _own_arguments(parser: LightningArgumentParser) -> None:
    parser.prog = f"{program()} doctor"
    parser.add_argument("--json", type=Path | None, default=None, help="write the findings to this file too")
    parser.add_argument("--download", type=bool, default=False, help="fetch what is missing from the hub")


@dataclass
class Report:
    """What was found.

    Attributes:
        weights: What is needed, by what it is: its name, and the file or what is wrong with it.
        trainable: Trainable parameters.
        frozen: Parameters of VAE and encoder, and those of the network that the experiment leaves as they are.
        memory: Estimated bytes, by what they are for, their ``total``, and what it is with a feature cache, ``cached``.
        available: Bytes of the accelerator, or of this machine where there is none.
        device: Its name.
        problems: One sentence each; training could start only if there is none.
        advice: Options with which it would fit, if it does not.
        data: What was found of the dataset.
    """

    weights: dict[str, str] = field(default_factory=dict)
    trainable: int = 0
    frozen: int = 0
    memory: dict[str, int] = field(default_factory=dict)
    available: int = 0
    device: str = ""
    problems: list[str] = field(default_factory=list)
    advice: str = ""
    data: str = ""


def doctor(args: list[str]) -> int:
    """Examine an experiment; returns the exit code, 0 only if training could start.

    Args:
        args: As for ``fit``: ``--exp <name>``, or ``-c`` and files, and any option.

    Raises:
        InputError: It is no experiment of IMAGPose, or its base model's configuration cannot be had.
    """
    about = "Tell whether an experiment could start on this machine: weights, data, memory; nothing is loaded."
    show_help("doctor", about, args, _own_arguments)
    module, data, options = read_experiment(args, _own_arguments, device="meta")
    report = Report()
    _weights(report, module, options.download)
    size = _data(report, data)
    machine = _machine(report, module, options.trainer)
    if size is not None:
        estimated = partial(machine.estimate, module, size, data.panels)
        _memory(report, machine, estimated, module, data.batch_size)
    if options.json is not None:
        _write(report, options.json)
    _print(report)
    return 1 if report.problems else 0


def _write(report: Report, path: Path) -> None:
    try:
        drop_unfinished(path.parent)
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); name another file for --json.") from error


def _weights(report: Report, module: IMAGPose, download: bool) -> None:
    for what, file, part, rename in module.weights_files():
        try:
            path = file.fetch() if download else file.path()
            if path is None:
                file.refuse_pickles()
                raise InputError(f"{file.missing()}.")
            weights.check(part, path, rename)
            report.weights[what] = f"{path} ({path.stat().st_size / 1e6:,.0f} MB)"
        except InputError as error:
            report.weights[what] = f"{file.name}: not usable, see below"
            report.problems.append(f"{what}: {error}")
    try:
        module.start.check(module.network)
    except InputError as error:
        report.problems.append(f"network to go on from: {error}")
    if module.optimizer == "adamw8bit" and importlib.util.find_spec("bitsandbytes") is None:
        report.problems.append("optimizer adamw8bit needs bitsandbytes: pip install bitsandbytes.")
    if isinstance(module, Finetuning):
        module.add_lora()
    every = [p for part in (module.network, module.vae, module.encoder) for p in part.parameters()]
    report.trainable = sum(p.numel() for p in every if p.requires_grad)
    report.frozen = sum(p.numel() for p in every) - report.trainable


def _data(report: Report, data: PoseDataModule) -> tuple[int, int] | None:
    """Describe the dataset; returns the size of its images, if that can be known."""
    drawn = data.mannequins
    if drawn is not None and not data.root.exists():
        report.data = f"{data.root}: {drawn.identities} mannequins will be drawn into it"
        return drawn.size
    try:
        data.setup("fit")
    except InputError as error:
        report.data = f"{data.root}: not usable, see below"
        report.problems.append(f"data: {error}")
        return data.size
    identities, images = len(data.train), sum(map(len, data.train))
    size = data.image_size()
    report.data = (
        f"{data.root}: {images:,} images of {identities:,} identities to train on, {len(data.test):,} test pairs\n"
        f"{data.index.summary()}"
    )
    report.data = "\n".join([report.data, *data.index.notes])
    if drawn is not None and data.size is None and size != drawn.size:  # --size is what somebody wants
        report.problems.append(
            f"data: the pictures of {data.root} are {size[0]}×{size[1]} and this experiment is for "
            f"{drawn.size[0]}×{drawn.size[1]}; resize them with --data.init_args.size "
            f"[{drawn.size[0]},{drawn.size[1]}]."
        )
    return size


@dataclass(frozen=True)
class _Machine:
    """On what an experiment would be trained."""

    gpu: bool
    precision: str
    shards: Shards

    def estimate(self, module: IMAGPose, size: tuple[int, int], panels: Sequence[int], batch: int) -> Estimate:
        return estimate(module, size, batch, self.precision, self.shards, self.gpu, panels)


def _machine(report: Report, module: IMAGPose, trainer: Any) -> _Machine:
    there = torch.cuda.device_count() if trainer.accelerator != "cpu" else 0
    devices = str(trainer.devices)
    wanted = len(trainer.devices) if isinstance(trainer.devices, list) else int(devices) if devices.isdecimal() else 0
    if there:
        report.device, report.available = torch.cuda.get_device_name(0), torch.cuda.mem_get_info(0)[1]
    else:
        report.device = f"no GPU, {os.cpu_count()} cores"
        report.available = min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), _container_limit())
    if trainer.accelerator in ("gpu", "cuda") and there < max(wanted, 1):
        report.problems.append(
            f"trainer.devices: the experiment asks for {max(wanted, 1)} GPUs and this machine has {there}; leave the "
            "overlay out, or lower trainer.devices."
        )
    name = str(getattr(trainer.strategy, "class_path", trainer.strategy))
    fsdp, deepspeed = "fsdp" in name.lower(), "deepspeed" in name.lower()
    processes = (wanted or there or 1) * int(trainer.num_nodes)
    shards = Shards()
    if fsdp:
        shards = Shards(processes, processes, processes)
    elif deepspeed:  # stage 2
        shards = Shards(1, processes, processes)
        if importlib.util.find_spec("deepspeed") is None:
            report.problems.append(f"trainer.strategy {name} needs deepspeed: pip install deepspeed.")
    if (fsdp or deepspeed) and module.ema.decay is not None:
        report.problems.append(f"trainer.strategy {name}: {NO_AVERAGE_OF_SHARDS}")
    if (fsdp or deepspeed) and not there and trainer.accelerator not in ("gpu", "cuda"):
        report.problems.append(f"trainer.strategy {name} needs GPUs and this machine has none; leave it out.")
    return _Machine(bool(there), str(trainer.precision or "32-true"), shards)


def _container_limit() -> int:
    """Bytes that this process may use, where a container says so."""
    file = Path("/sys/fs/cgroup/memory.max")
    text = file.read_text(encoding="utf-8").strip() if file.exists() else "max"
    return int(text) if text.isdecimal() else sys.maxsize


def _memory(
    report: Report, machine: _Machine, estimated: Callable[[int], Estimate], module: IMAGPose, batch: int
) -> None:
    try:
        found = estimated(batch)
    except (RuntimeError, ValueError) as error:  # parts of different models, whose shapes do not meet
        report.problems.append(f"model: its parts do not fit together ({' '.join(str(error).split())}).")
        return
    report.memory = {**{k: int(v) for k, v in asdict(found).items()}, "total": found.total, "cached": found.cached}
    if found.total <= report.available:
        return
    report.problems.append(
        f"memory: a step at batch {batch} takes about {found.total / GIB:.1f} GiB, and this machine ({report.device}) "
        f"has {report.available / GIB:.1f} GiB."
    )
    report.advice = _what_fits(machine, estimated, module, batch, report.available)


def _what_fits(
    machine: _Machine, estimated: Callable[[int], Estimate], module: IMAGPose, batch: int, available: int
) -> str:
    """The overlays with which it would fit, then smaller batches too; changes the module as they do."""
    overlays, options = ["low_memory"], ""
    module.frozen_dtype = torch.bfloat16
    if module.ema.decay is not None:
        module.ema.device = "cpu"
    module.network.enable_gradient_checkpointing()
    found, at = estimated(batch), batch
    if found.total > available and machine.gpu:  # bitsandbytes computes on GPUs alone
        overlays.append("adamw8bit")
        module.optimizer = "adamw8bit"
        found = estimated(batch)
    while found.total > available and at % 2 == 0:
        at //= 2
        options = f"--batch_size {at} --trainer.accumulate_grad_batches {batch // at}"
        found = estimated(at)
    if found.total > available:
        return "It would not fit with any of its settings; take smaller images or another machine."
    first = "After pip install bitsandbytes: about" if module.optimizer == "adamw8bit" else "About"
    named = " ".join(overlays)
    asked = f'WITH="{named}"' + (f' ARGS="{options}"' if options else "")
    words = f"--with {named} {options}".strip()
    return f"{first} {found.total / GIB:.1f} GiB with {asked} (without make: {words})."


def _print(report: Report) -> None:
    console = Console(soft_wrap=True, highlight=False)  # a path is copied whole
    lines = [*report.weights.items(), ("data", report.data)]
    lines.append(("parameters", f"{report.trainable / 1e6:,.1f} M trainable, {report.frozen / 1e6:,.1f} M frozen"))
    if report.memory:
        parts = ", ".join(f"{k} {v / GIB:.1f}" for k, v in report.memory.items() if k not in ("total", "cached") and v)
        cached = f"; {report.memory['cached'] / GIB:.1f} GiB on a feature cache"
        lines.append(("memory", f"about {report.memory['total'] / GIB:.1f} GiB a device ({parts}){cached}"))
    large = report.trainable > 3e8 and report.device.startswith("no GPU")
    slow = "; a network of this size trains on GPUs only" if large else ""
    lines.append(("machine", f"{report.device}, {report.available / GIB:.1f} GiB{slow}"))
    width = max(len(name) for name, _ in lines) + 2
    for name, told in lines:
        indented = told.replace("\n", "\n" + " " * width)
        console.print(f"{name:<{width}}{indented}", markup=False)
    for problem in report.problems:
        console.print(f"✗ {problem}", style="red", markup=False)
    if report.advice:
        console.print(f"→ {report.advice}", markup=False)
    if not report.problems:
        console.print("Training could start.", style="green")
