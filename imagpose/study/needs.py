"""The packages that studies alone need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from imagpose.errors import InputError


def needed(package: str) -> Any:
    """A package of the extra ``study``.

    Raises:
        InputError: It is not installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise InputError(f"Studies need {package}, which is not installed: pip install 'imagpose[study]'.") from error
