"""What the type of one option cannot say: options against each other, and the trainer's against this machine."""

from __future__ import annotations

import logging
from typing import Any

from jsonargparse import Namespace
from lightning import Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.accelerators import AcceleratorRegistry
from lightning.pytorch.strategies import StrategyRegistry

from imagpose.data.mannequins.folder import MannequinSet
from imagpose.errors import InputError
from imagpose.objective import Schedule
from imagpose.options.devices import check_device
from imagpose.options.names import nearest
from imagpose.options.ranges import NonNegativeFloat, NonNegativeInt, PositiveInt, check

# Of the trainer's arguments, whose annotations are Lightning's.
_TRAINER: dict[str, Any] = {
    "max_steps": PositiveInt, "accumulate_grad_batches": PositiveInt, "num_nodes": PositiveInt,
    "log_every_n_steps": NonNegativeInt, "check_val_every_n_epoch": PositiveInt, "gradient_clip_val": NonNegativeFloat,
}  # fmt: skip
_LIMITS = tuple(f"limit_{stage}_batches" for stage in ("train", "val", "test", "predict"))
_OF_ANY_MACHINE = (
    "fast_dev_run", "max_time", "val_check_interval", "overfit_batches", "gradient_clip_algorithm", "profiler",
    "reload_dataloaders_every_n_epochs", *_LIMITS,
)  # fmt: skip
_OF_THIS_MACHINE = ("accelerator", "devices", "num_nodes", "precision")


def check_options(options: Any) -> None:
    """Refuse options that contradict each other, or a trainer of no steps.

    Args:
        options: All of them, by name, as the parser gives them.

    Raises:
        InputError: One cannot be used.
    """
    trainer = options.trainer
    for name, kind in _TRAINER.items():
        if trainer.get(name) is not None:
            check(f"trainer.{name}", trainer[name], kind)
    _check_name("accelerator", trainer.accelerator, {"auto", "gpu", *AcceleratorRegistry.available_accelerators()})
    _check_name("strategy", trainer.strategy, {"auto", *StrategyRegistry.available_strategies()})
    plain = {name: value for name in _OF_ANY_MACHINE if (value := trainer.get(name))}
    # Objects of options are built later.
    _try_trainer({"accelerator": "cpu", **{name: v for name, v in plain.items() if not isinstance(v, Namespace)}})
    model, data = _arguments(options, "model"), _arguments(options, "data")
    for made, given in ((MannequinSet, data.get("mannequins")), (Schedule, model.get("schedule"))):
        if given is not None:
            made(**vars(given))  # its fields against each other
    if {"rows", "cols"} <= model.keys() and "panels" in data:
        rows, cols, panels = model["rows"], model["cols"], data["panels"]
        if rows * cols != panels:
            raise InputError(
                f"A canvas of {rows} × {cols} panels (model.init_args.rows, cols) cannot hold data.init_args.panels "
                f"{panels}; make that {rows * cols}."
            )


def check_machine(options: Any) -> None:
    """Refuse devices, a precision or a strategy that Lightning would refuse once the run had begun.

    Args:
        options: All of them, by name, as the parser gives them.

    Raises:
        InputError: The trainer cannot be built of them on this machine.
    """
    if kept := _arguments(options, "model").get("ema_device"):
        check_device(kept, "model.init_args.ema_device")
    arguments = {name: options.trainer[name] for name in _OF_THIS_MACHINE}
    if isinstance(options.trainer.strategy, str):  # an object of options is built later
        arguments["strategy"] = options.trainer.strategy
    _try_trainer(arguments)


def _try_trainer(arguments: dict[str, Any]) -> None:
    """Build a trainer of some of its options, which is thrown away: only Lightning knows what it takes."""
    told = logging.getLogger("lightning.pytorch")
    level = told.level
    told.setLevel(logging.WARNING)
    try:
        Trainer(**arguments, logger=False, enable_checkpointing=False)
    except (MisconfigurationException, ValueError, TypeError, RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split()).split(". ")[0].rstrip(".")
        named = ", ".join(f"--trainer.{name}" for name in arguments)
        raise InputError(f"Lightning's trainer cannot be built ({reason}); see {named}.") from error
    finally:
        told.setLevel(level)


def _check_name(name: str, value: Any, known: set[str]) -> None:
    if isinstance(value, str) and value.lower() not in known:
        near = nearest(value, known)
        hint = f"did you mean {near}?" if near else f"there are: {', '.join(sorted(known))}."
        raise InputError(f"trainer.{name} is {value}, which does not exist; {hint}")


def _arguments(options: Any, group: str) -> dict[str, Any]:
    found = options.get(group)
    return dict(vars(found.init_args)) if found is not None and "init_args" in found else {}
