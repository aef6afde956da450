"""A pipeline's folder before and after it is read: it may come from a stranger, and is data alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
from torch import nn

from imagpose.data.pose_detector import DETECTORS, FOR_PHOTOGRAPHS
from imagpose.errors import InputError
from imagpose.models import encoders, weights
from imagpose.options.ranges import (
    GUIDANCE_SCALE,
    STEPS,
    DenoisingSteps,
    NonNegativeFloat,
    are_panels,
    check,
    is_interval,
)

_INDEX = "model_index.json"
_WEIGHTS = "diffusion_pytorch_model.safetensors"


def _is_ours(one: object) -> bool:
    """Whether it is one of our encoders, and no class that is derived from them elsewhere."""
    return isinstance(one, type) and issubclass(one, encoders.Encoder) and one.__module__ == encoders.__name__


_OURS = {
    "vae": {("diffusers", "AutoencoderKL")},
    "encoder": {(one.__module__, one.__name__) for one in vars(encoders).values() if _is_ours(one)},
    "network": {("imagpose.models.network", "Network")},
}
_SETTINGS = (
    "_class_name", "_diffusers_version", "_name_or_path", "image_size", "guidance_form", "guidance_interval", "panels",
    "guidance_scale", "num_inference_steps", "detector",
)  # fmt: skip
_RUNS_CODE = ("auto_map", "trust_remote_code", "custom_pipeline", "quantization_config")  # or reads further files


def check_folder(folder: Path) -> None:
    """Refuse a pipeline's folder that names other classes than those that we save; nothing but JSON is read.

    Libraries that load a pipeline may import what its files name, a Python file in the folder too.

    Raises:
        InputError: A file is missing or no JSON, names another class, or lets a library read files of its own.
    """
    path = folder / _INDEX
    if not path.is_file():
        raise InputError(f"{folder} is no whole pipeline folder (it has no {_INDEX}); save or download it again.")
    index = weights.read_config(path)
    parts = {"scheduler", *_OURS}
    if index.get("_class_name") != "ImagposePipeline":
        raise InputError(f"{path} is of {index.get('_class_name')!r} and no ImagposePipeline; name another folder.")
    if odd := sorted(index.keys() - parts - set(_SETTINGS)):
        raise InputError(f"{path} says {odd[0]}, which no pipeline of ours has; it is not read.")
    for part in sorted(parts):
        named = index.get(part)
        if not (isinstance(named, list) and all(isinstance(word, str) for word in named)):
            raise InputError(f"{path} names no {part}; save or download the folder again.")
        if tuple(named) not in _OURS[part] if part in _OURS else not _is_scheduler(named):
            raise InputError(
                f"{path} names the {part} {'.'.join(named)}, which is no class of this project, so its code is not run."
            )
        _check_part(folder / part, part, named[1])
    size = index.get("image_size")
    if not is_size(size):
        raise InputError(f"{path} says image_size {size}, which is no height and width in pixels; download it again.")
    panels_of(folder)
    if (interval := index.get("guidance_interval")) is not None and not is_interval(interval):
        raise InputError(f"{path} says guidance_interval {interval}, which are no two timesteps; download it again.")
    for name, kind in (("guidance_scale", NonNegativeFloat), ("num_inference_steps", DenoisingSteps)):
        if (value := index.get(name)) is not None:
            check(f"{name} of {path}", value, kind)
    if (detector := index.get("detector")) is not None and detector not in DETECTORS:
        raise InputError(f"{path} says detector {detector!r}; there are: {', '.join(DETECTORS)}.")


def panels_of(folder: Path) -> list[int]:
    """The numbers of panels that a pipeline's network was trained with; an older folder tells them by its grid.

    Raises:
        InputError: A file is no JSON, or says other than numbers of panels.
    """
    panels = weights.read_config(folder / _INDEX).get("panels")
    if panels is None:
        config = weights.read_config(folder / "network" / "config.json")
        rows, cols = config.get("rows", 2), config.get("cols", 2)
        panels = [rows * cols] if type(rows) is type(cols) is int else f"{rows} × {cols}"
    if not are_panels(panels):
        raise InputError(f"{folder} says panels {panels}, which is no list of numbers of panels; download it again.")
    return list(panels)


def drawn_with(folder: Path) -> tuple[tuple[int, ...], str, list[int] | None, float, int]:
    """The panels of a pipeline's network, its guidance's form, interval and scale, and the steps that it takes.

    Raises:
        InputError: It is no folder of a pipeline of ours, see :func:`check_folder`.
    """
    check_folder(folder)
    told = _told(folder)
    scale, steps = told.get("guidance_scale"), told.get("num_inference_steps")
    return (
        tuple(told["panels"]), str(told.get("guidance_form", "joint")), told.get("guidance_interval"),
        GUIDANCE_SCALE if scale is None else float(scale), STEPS if steps is None else steps,
    )  # fmt: skip


def told_by(folder: Path) -> dict[str, Any]:
    """What a pipeline's folder says of its use, but for the size of its pictures; a folder of a network alone nothing.

    Raises:
        InputError: It is no folder of a pipeline of ours, see :func:`check_folder`.
    """
    if not (folder / _INDEX).is_file():
        return {}
    check_folder(folder)
    return _told(folder)


def _told(folder: Path) -> dict[str, Any]:
    index = weights.read_config(folder / _INDEX)
    of_use = ("guidance_form", "guidance_interval", "guidance_scale", "num_inference_steps", "detector")
    return {"panels": panels_of(folder), **{name: index[name] for name in of_use if name in index}}


def detector_of(folder: Path) -> str:
    """The detector that finds poses in pictures of the kind that a pipeline was trained on.

    Raises:
        InputError: A file is no JSON.
    """
    return str(weights.read_config(folder / _INDEX).get("detector", FOR_PHOTOGRAPHS))


def is_size(size: Any) -> bool:
    """Whether something is a height and a width in pixels."""
    return (
        isinstance(size, (list, tuple)) and len(size) == 2
        and all(type(side) is int and 0 < side <= 65536 for side in size)
    )  # fmt: skip


def _is_scheduler(named: list[str]) -> bool:
    if len(named) != 2 or named[0] != "diffusers":
        return False
    found = getattr(diffusers, named[1], None)
    return isinstance(found, type) and issubclass(found, diffusers.SchedulerMixin)


def _check_part(folder: Path, part: str, name: str) -> None:
    path = folder / ("scheduler_config.json" if part == "scheduler" else "config.json")
    config = weights.read_config(path)
    if config.get("_class_name") != name:  # one of none would be taken for all defaults: another noise schedule, say
        raise InputError(f"{path} is of {config.get('_class_name')!r} and not of {name}; save or download it again.")
    if odd := [key for key in _RUNS_CODE if key in config]:
        raise InputError(f"{path} says {odd[0]}, by which a library would run or read other code; it is not read.")
    if part != "scheduler" and (shards := sorted(folder.glob("*.index.json"))):
        raise InputError(f"{shards[0]} parts the weights into several files; save them as one {_WEIGHTS}.")


def check_weights(parts: Mapping[str, nn.Module], folder: Path) -> None:
    """Refuse weights that do not fill what was built from a pipeline's folder, whose library only logs that.

    Args:
        parts: What was built, by the name of its folder.
        folder: Folder of the pipeline.

    Raises:
        InputError: A tensor is missing, is of no part, has another shape, or holds numbers that are not finite.
    """
    for name, module in parts.items():
        path = folder / name / _WEIGHTS
        if odd := weights.differing(module, path):
            raise InputError(f"{folder / name} does not fit its config: {odd}; save or download it again.")
        weights.check_finite(module.state_dict(), path)
