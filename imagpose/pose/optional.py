"""Libraries that only some detectors need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from imagpose.errors import InputError


def library(name: str, detector: str) -> Any:
    """A library of the optional ``imagpose[pose]``.

    Args:
        name: The module to import.
        detector: Who needs it, for the message.

    Raises:
        InputError: It is not installed, or cannot be loaded.
    """
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # OSError: a library of the system that it needs is missing
        reason = " ".join(str(error).split())
        raise InputError(
            f"The detector {detector} needs {name.partition('.')[0]}, which cannot be loaded ({reason}); "
            "pip install 'imagpose[pose]', name another --detector, or give a pose file."
        ) from error
