"""Classes under the names that they had when a run was started: its ``config.yaml`` is read for ever."""

from __future__ import annotations

from typing import Any

import yaml
from jsonargparse import get_loader, set_loader

_CALLBACKS = {
    f"callbacks.{name}": f"imagpose.callbacks.{name}"
    for name in (
        "checkpoint.LastCheckpoint",
        "evaluation.Evaluation",
        "monitor.Monitor",
        "protocols.Protocols",
        "row.TableRow",
        "samples.Samples",
    )
}  # fmt: skip - they were a package of their own, beside imagpose
RENAMED: dict[str, str] = {**_CALLBACKS}
"""Today's path of a class by its older ones."""


def renamed(options: Any) -> Any:
    """Options, at any depth, with today's path in the place of each older path of a class."""
    if isinstance(options, dict):
        return {key: renamed(value) for key, value in options.items()}
    if isinstance(options, list):
        return [renamed(value) for value in options]
    return RENAMED.get(options, options) if isinstance(options, str) else options


def read_older_names() -> None:
    """Let every parser of jsonargparse take older class paths, in files of options and in values."""
    load = get_loader("yaml")
    set_loader("yaml", lambda text: renamed(load(text)), exceptions=(yaml.YAMLError,))
