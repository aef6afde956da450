"""Options of the commands that are not Lightning's."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from rich.console import Console

from imagpose.errors import InputError
from imagpose.options.ranges import Side, argument


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name that a wrong one was most likely meant to be; empty if none is near."""
    names = {name.lower(): name for name in known}
    found = get_close_matches(wrong.lower(), names, n=1)
    return names[found[0]] if found else ""


def unknown(wrong: str, options: Sequence[str]) -> str:
    """The sentence about an option that there is not; names the nearest one that there is."""
    near = nearest(wrong, options)
    head, _, rest = wrong.partition(".")
    if not near and rest and (group := nearest(head, [name for name in options if "." not in name])):
        near = f"{group}.{rest}"
    kind = "option" if wrong.startswith("-") else "argument"
    return f"There is no {kind} {wrong}{f'; did you mean {near}?' if near else '.'}"


def given(args: Sequence[str], *names: str) -> Iterator[str]:
    """The values that a command line gives an option: ``--config FILE``, ``--config=FILE``, ``-c FILE``, ``-cFILE``.

    Args:
        args: Words of the command line.
        names: Of the option; an empty value, which is its parser's to refuse, is left out.
    """
    words = iter(args)
    for word in words:
        name, has_value, value = word.partition("=")
        if name in names:
            found = value if has_value else next(words, "")
        elif word[:2] in names and not word.startswith("--"):
            found = word[2:]
        else:
            continue
        if found:
            yield found


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations, whose mistakes are one sentence."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Refuse the options."""
        if found := re.match(r"unrecognized arguments: ([^\s=]+)", message):
            known = [name for action in self._actions for name in action.option_strings]
            raise InputError(f"{unknown(found[1], known)} ({self.prog} --help lists the options)")
        told = re.sub(r"^argument (\S+): (?=.* cannot be used)", r"\1 ", message)
        raise InputError(f"{told} ({self.prog} --help lists the options).")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            near = nearest(str(value), known)
            hint = f"; did you mean {near}?" if near else ""
            raise argparse.ArgumentError(action, f"must be one of {', '.join(known)}, not {value}{hint}")


def wide_console() -> Console:
    """As wide as the terminal; wide enough for a table where the output goes to a file."""
    return Console(width=None if sys.stdout.isatty() else 165)


def size(text: str) -> tuple[int, int]:
    """The type of a size such as ``256x176``, (height, width)."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a height and a width such as 256x176")
    return argument(Side)(match[1]), argument(Side)(match[2])


def named(text: str) -> tuple[str, str]:
    """The type of ``name=value``."""
    name, found, value = text.partition("=")
    if not (name and found and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=folder")
    return name, value


def device(text: str) -> str:
    """The type of a device of torch's that this machine has."""
    import torch  # --help need not wait for it

    try:
        torch.empty(0, device=text).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise argparse.ArgumentTypeError(f"{text} cannot be used ({reason})") from error
    return text
