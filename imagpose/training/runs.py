"""Run folders: ``runs/<EXP>/version_<n>``, what lies in them, and what a run was started with."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from imagpose.errors import UNREADABLE, InputError
from imagpose.options import trust
from imagpose.options.ranges import are_panels
from imagpose.options.renamed import renamed
from imagpose.output.files import regular, write_whole

# How a step is shared out; that it stays of one size is looked at when the checkpoint is read.
_OF_THE_MACHINE = (
    "trainer.strategy", "trainer.accelerator", "trainer.devices", "trainer.num_nodes",
    "trainer.accumulate_grad_batches", "data.init_args.batch_size", "data.init_args.num_workers",
    "data.init_args.cache",
)  # fmt: skip


_OF_SHARDS = ("latest", "checkpoint", "meta.pt", ".metadata")  # DeepSpeed's folders, and FSDP's

IMAGPOSE, DISTILLATION = "imagpose.module.IMAGPose", "imagpose.distillation.module.Distillation"
FINETUNING = "imagpose.finetuning.module.Finetuning"
"""The classes of models that generate people."""


@dataclass(frozen=True)
class Run:
    """A run's folder.

    Attributes:
        root: Folder of all runs.
        experiment: Name of the experiment file.
        version: Number of the run.
    """

    root: Path
    experiment: str
    version: int

    @classmethod
    def of_folder(cls, folder: Path) -> Run:
        """The run whose folder this is; nothing is looked at."""
        return cls(folder.parent.parent, folder.parent.name, int(folder.name.removeprefix("version_")))

    @property
    def folder(self) -> Path:
        """``<root>/<experiment>/version_<n>``."""
        return self.root / self.experiment / f"version_{self.version}"

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def config(self) -> Path:
        """The options it was started with."""
        return self.folder / trust.RUN_FILE

    @property
    def metrics(self) -> Path:
        """The results; a run is complete when they exist."""
        return self.folder / "metrics.json"

    @property
    def complete(self) -> bool:
        """Whether the run was trained and tested to the end."""
        return self.metrics.exists()


def check_name(name: str, what: object = "--name") -> str:
    """A name that becomes a file's or a folder's, as it is: one part of a path, which stays below its root.

    Args:
        name: Of a run, a table or a row.
        what: Names it, for the message.

    Raises:
        InputError: It has other characters than letters, digits, spaces and ``._+=@,()-``, begins with another than a
            letter or a digit, or is longer than 150.
    """
    if not re.fullmatch(r"\w[\w.+=@,() -]{0,149}", name):
        raise InputError(
            f"{what} names the folder or file {name[:200]!r}; take letters, digits and ._+=@,()- alone, and a letter "
            "or digit first."
        )
    return name


def all_of(root: Path, experiment: str) -> list[Run]:
    """The runs of an experiment, the newest first; whatever bears the name of one is among them."""
    found = [re.fullmatch(r"version_(\d+)", path.name) for path in (root / experiment).glob("version_*")]
    return [
        Run(root, experiment, number) for number in sorted((int(match[1]) for match in found if match), reverse=True)
    ]


def newest(root: Path, experiment: str) -> Run | None:
    """The run of an experiment with the highest number."""
    return next(iter(all_of(root, experiment)), None)


def from_folder(folder: Path) -> Run:
    """The run in a folder such as ``runs/tiny/version_0``.

    Raises:
        InputError: It is no run folder, or holds no checkpoint.
    """
    match = re.fullmatch(r"version_(\d+)", folder.name)
    if not match or not folder.is_dir():
        raise InputError(f"{folder} is no run folder; name one that make train wrote, such as runs/tiny/version_0.")
    run = Run.of_folder(folder)
    for path in (run.config, run.last):
        if not path.exists():
            raise InputError(
                f"{folder} has no {path.relative_to(folder)}; train the run first (make train EXP={run.experiment})."
            )
    return run


def check_checkpoint(path: Path) -> int | None:
    """Refuse a checkpoint that cannot be resumed from; nothing is unpickled.

    Returns:
        The optimiser steps that were taken; None where a strategy keeps its own form of checkpoints.

    Raises:
        InputError: The file is missing, damaged, or no checkpoint.
    """
    if path.is_dir():  # of shards, which their strategy reads
        if not any((path / name).exists() for name in _OF_SHARDS):
            raise InputError(f"{path} is a folder and no checkpoint; delete it, or start another run with RUN=new.")
        return None
    try:
        # Mapped, so that only the structure is read.
        found = torch.load(regular(path), map_location="cpu", weights_only=True, mmap=True)
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path} is no readable checkpoint ({reason}); delete it, or start another run with RUN=new."
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("state_dict"), dict):
        raise InputError(f"{path} is no Lightning checkpoint; delete it, or start another run with RUN=new.")
    if not re.match(r"\d+\.\d+", str(found.get("pytorch-lightning_version"))):
        raise InputError(
            f"{path} does not say by which version of Lightning it was written; delete it, or start another run with "
            "RUN=new."
        )
    return found.get("global_step")


def write_metrics(path: Path, metrics: dict[str, float]) -> list[str]:
    """Write a flat object of floats; as a run's ``metrics.json`` it completes the run.

    Args:
        path: The file.
        metrics: By name; one that is NaN or infinite is left out, as JSON has no such numbers.

    Returns:
        The names of those that were left out, such as the PSNR of pictures that equal the truth: ``psnr (inf)``.
    """
    finite = {name: value for name, value in sorted(metrics.items()) if math.isfinite(value)}
    write_whole(path, json.dumps(finite, indent=1, allow_nan=False) + "\n")
    return [f"{name} ({value})" for name, value in sorted(metrics.items()) if name not in finite]


def check_unchanged(
    run: Run,
    options: dict[str, Any],
    known: Sequence[str],
    complete: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    """Refuse to resume a run with options other than those it was started with.

    Another machine is none of them: a run of two processes may go on in one, if that takes twice the batch.

    Args:
        run: To be resumed.
        options: Of now.
        known: Classes that the run may name beside ours; none but these is imported.
        complete: Adds the defaults of options that are newer than the run, which then are no change.

    Raises:
        InputError: An option differs, which is named; or the stored options name a class that is not known.
    """
    if not run.config.exists():
        return
    stored = complete(trust.read_run(run.config, known))
    for name, was, now in changes(stored, options):
        raise InputError(
            f"{name} is {was} in {run.config}, the run to be resumed, and {now} now; leave the option as it was, or "
            "start another run with RUN=new."
        )


def panels_of(options: dict[str, Any], path: Path) -> tuple[int, ...]:
    """The numbers of panels that a run's canvases have; four, where its data do not say it.

    Args:
        options: As :func:`imagpose.options.trust.read_run` gives them.
        path: Their file, for the message.

    Raises:
        InputError: They say something else.
    """
    data = options.get("data")
    arguments = data.get("init_args") if isinstance(data, dict) else None
    panels = arguments.get("panels", [4]) if isinstance(arguments, dict) else [4]
    if not are_panels(panels):
        raise InputError(
            f"{path} says data.init_args.panels {panels}, which is no list of numbers of panels; take the file that "
            "fit wrote."
        )
    return tuple(panels)


def changes(stored: dict[str, Any], options: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The options that differ, but for those of the machine: name, what it was and what it is.

    Args:
        stored: Of a run.
        options: Of now; other groups of options than these are not looked at.
    """
    theirs = _what_counts({key: value for key, value in stored.items() if key in options})
    ours = _what_counts(options)
    for name in sorted(theirs.keys() | ours.keys()):
        if theirs.get(name) != ours.get(name):
            yield name, theirs.get(name), ours.get(name)


def _what_counts(options: dict[str, Any]) -> dict[str, Any]:
    """The options by name, without those that only say on what machine they are carried out."""
    return {
        name: value for name, value in _flatten(renamed(options))
        if not any(f"{name}.".startswith(f"{option}.") for option in _OF_THE_MACHINE)
    }  # fmt: skip


def _flatten(options: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(options, dict) and options:
        for key, value in options.items():
            yield from _flatten(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, options
