"""What the type of one option cannot say: options against each other, and the trainer's against this machine."""

from __future__ import annotations

import logging
import os
from inspect import signature
from typing import Any

import torch
from diffusers import UNet2DConditionModel
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
_PROCESSES_A_CORE = 4  # more of them take the memory of all, and end nothing sooner
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
    if trainer.get("val_check_interval") == 0:
        raise InputError(
            "trainer.val_check_interval is 0; give the steps between two validations, or limit_val_batches 0 for none."
        )
    plain = {name: value for name in _OF_ANY_MACHINE if (value := trainer.get(name))}
    # Objects of options are built later.
    _try_trainer({"accelerator": "cpu", **{name: v for name, v in plain.items() if not isinstance(v, Namespace)}})
    model, data = _arguments(options, "model"), _arguments(options, "data")
    _check_model(model)
    for made, given in ((MannequinSet, data.get("mannequins")), (Schedule, model.get("schedule"))):
        if given is not None:
            made(**vars(given))  # its fields against each other


def _check_model(model: dict[str, Any]) -> None:
    """Refuse values whose types any text or mapping has."""
    for name in ("base", "vae", "start", "cva_weights", "pose_weights"):
        if isinstance(value := model.get(name), str) and (not value or "\0" in value):
            raise InputError(f"model.init_args.{name} is {value!r}, which is no name of weights; mend or leave it out.")
    if isinstance(unet := model.get("unet"), dict):
        known = signature(UNet2DConditionModel).parameters
        if odd := [name for name in unet if name not in known and not name.startswith("_")]:
            near = nearest(odd[0], known)
            hint = f"did you mean {near}?" if near else "its arguments are those of diffusers' UNet2DConditionModel."
            raise InputError(f"model.init_args.unet has no argument {odd[0]}; {hint}")
        if not unet:
            raise InputError(
                "model.init_args.unet is {}; give arguments of diffusers' UNet2DConditionModel, or leave it out for "
                "the base's own."
            )
    if (kept := model.get("ema_device")) is not None:
        try:
            torch.device(kept)
        except RuntimeError as error:
            raise InputError(f"model.init_args.ema_device {kept} cannot be used; it must be cpu or cuda.") from error


def check_machine(options: Any) -> None:
    """Refuse devices, a precision or a strategy that Lightning would refuse once the run had begun.

    Args:
        options: All of them, by name, as the parser gives them.

    Raises:
        InputError: The trainer cannot be built of them on this machine.
    """
    if kept := _arguments(options, "model").get("ema_device"):
        check_device(kept, "model.init_args.ema_device")
    devices, cores = options.trainer.devices, os.cpu_count() or 1
    on_cpu = options.trainer.accelerator == "cpu" or not torch.cuda.is_available()
    if on_cpu and str(devices).isdecimal() and int(devices) > _PROCESSES_A_CORE * cores:
        raise InputError(f"trainer.devices is {devices}, and this machine has {cores} core(s); take at most as many.")
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
