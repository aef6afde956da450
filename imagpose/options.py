"""Options of the commands that are not Lightning's."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from rich.console import Console

from imagpose.errors import InputError


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Refuse the options."""
        raise InputError(f"{message} ({self.prog} --help lists the options).")


def wide_console() -> Console:
    """As wide as the terminal; wide enough for a table where the output goes to a file."""
    return Console(width=None if sys.stdout.isatty() else 165)


def at_least(low: int, high: int | None = None) -> Callable[[str], int]:
    """The type of a whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        value = int(text)
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(
                f"must be {f'{low} to {high}' if high else f'at least {low}'}, not {value}"
            )
        return value

    parse.__name__ = "whole number"  # argparse names it in its message
    return parse


def size(text: str) -> tuple[int, int]:
    """The type of a size such as ``256x176``, (height, width)."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a height and a width such as 256x176")
    return int(match[1]), int(match[2])


def named(text: str) -> tuple[str, str]:
    """The type of ``name=value``."""
    name, found, value = text.partition("=")
    if not (name and found and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=folder")
    return name, value
