"""Classes under the names that they had when a run was started: its ``config.yaml`` is read for ever."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import get_loader, set_loader

from imagpose.errors import InputError

_CALLBACKS = Path(__file__).parents[1] / "callbacks"
_MOVED = {"imagpose.data.images.ImageDataModule": "imagpose.data.image_datamodule.ImageDataModule"}


def _today(name: str) -> str:
    """A path by its name of today: a class may have moved, and callbacks, a user's own too, were beside imagpose."""
    if name in _MOVED:
        return _MOVED[name]
    package, *inner = name.split(".")
    if package != "callbacks" or len(inner) < 2 or not all(map(str.isidentifier, inner)):
        return name
    place = _CALLBACKS / inner[0]
    return f"imagpose.{name}" if place.is_dir() or place.with_suffix(".py").is_file() else name


def _without_grid(arguments: dict[str, Any]) -> dict[str, Any]:
    """The grid follows from how many panels come, as the most nearly square one that is no higher than wide.

    Raises:
        InputError: The run's panels lay otherwise.
    """
    rows, cols = arguments.get("rows", 2), arguments.get("cols", 2)
    if type(rows) is int and type(cols) is int and not _is_nearly_square(rows, cols):
        raise InputError(
            f"model.init_args.rows is {rows} and cols {cols}, a grid in which panels are no more laid; take the "
            "version that trained the run, or train anew."
        )
    return {name: value for name, value in arguments.items() if name not in ("rows", "cols")}


def _is_nearly_square(rows: int, cols: int) -> bool:
    """Whether :func:`imagpose.panels.grid_of` these panels is this grid."""
    panels = rows * cols
    return 1 <= rows <= cols and not any(panels % more == 0 for more in range(rows + 1, isqrt(panels) + 1))


def _several_panels(arguments: dict[str, Any]) -> dict[str, Any]:
    """One number of panels was the only one that canvases could have."""
    panels = arguments.get("panels")
    return {**arguments, "panels": [panels]} if type(panels) is int else arguments


_CHANGED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "imagpose.module.IMAGPose": _without_grid,
    "imagpose.data.datamodule.PoseDataModule": _several_panels,
}
"""How the arguments of a class changed."""


def renamed(options: Any) -> Any:
    """Options, at any depth, with today's path in the place of each older path of a class."""
    if isinstance(options, dict):
        today = {key: renamed(value) for key, value in options.items()}
        change = _CHANGED.get(str(today.get("class_path")))
        if change is not None and isinstance(arguments := today.get("init_args"), dict):
            today["init_args"] = change(arguments)
        return today
    if isinstance(options, list):
        return [renamed(value) for value in options]
    return _today(options) if isinstance(options, str) else options


@cache
def read_older_names() -> None:
    """Let every parser of jsonargparse take older class paths, in files of options and in values; once is enough."""
    load = get_loader("yaml")

    def read(text: str) -> Any:
        try:
            return renamed(load(text))
        except RecursionError as error:
            raise yaml.YAMLError(f"{text[:80]} holds itself, or nests too deep") from error

    set_loader("yaml", read, exceptions=(yaml.YAMLError,))
