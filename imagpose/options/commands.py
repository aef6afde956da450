"""A function as a command: its request's fields, or its arguments, are the options, and their docstrings the help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from inspect import cleandoc, signature
from pathlib import Path
from typing import Any, get_type_hints

from imagpose.options import dialect, trust
from imagpose.options.parse_errors import OptionParser
from imagpose.options.program import program

FURTHER = {"further": True}
"""Metadata of a request's field for the words of options that the command itself does not know."""
OTHER_NAME = "other name"
"""Key of the metadata of a request's field, whose value is another name of its option."""


def carry_out(function: Callable[..., Any], words: Sequence[str], name: str) -> int:
    """Call a function with what a command line says.

    Args:
        function: Takes one request, a dataclass, or arguments with types.
        words: After the command's name.
        name: Of the command.

    Returns:
        The exit code: the function's own, 0 if it returns none.

    Raises:
        ArgumentError: An option is not as it must be, see :func:`imagpose.options.parse_errors.sentence`.
        InputError: Likewise, told by the request itself or by the function.
    """
    parser, request = parser_of(function, name)
    if parser.further is None:
        _look_at_files(words)
    options = parser.parse_args(words)
    values = {key: value for key, value in vars(parser.instantiate(options)).items() if key != "config"}
    if request is None:
        return function(**values) or 0
    further = {one.name: tuple(parser.further or ()) for one in fields(request) if one.metadata == FURTHER}
    return function(request(**values, **further)) or 0


def parser_of(function: Callable[..., Any], name: str) -> tuple[OptionParser, Any]:
    """The parser of a function, and the request that it takes, None if it takes arguments.

    What may be given without its name in Python may be given so on the command line: arguments without a default, and
    a request's fields that are not ``kw_only``.
    """
    text = cleandoc(function.__doc__ or "").partition("\n\n")[0]
    parser = OptionParser(prog=f"{program()} {name}", description=text)
    hints = [get_type_hints(function).get(one) for one in signature(function).parameters]
    if len(hints) != 1 or not is_dataclass(hints[0]):
        parser.add_argument("--config", action="config", help="a YAML file of options")
        parser.add_function_arguments(function, as_group=False, as_positional=True)
        return parser, None
    request: Any = hints[0]
    of_others: set[str | int] = {one.name for one in fields(request) if one.metadata == FURTHER}
    if of_others:
        parser.further = []
    else:
        parser.add_argument("--config", action="config", help="a YAML file of options")
    parser.other_names = {
        f"--{one.metadata[OTHER_NAME]}": f"--{one.name}" for one in fields(request) if OTHER_NAME in one.metadata
    }
    parser.word = next((one.name for one in fields(request) if not one.kw_only and one.default is not MISSING), None)
    parser.add_class_arguments(request, as_group=False, as_positional=True, skip=of_others, instantiate=False)
    return parser, request


def _look_at_files(words: Sequence[str]) -> None:
    """Look at the files of options that ``--config`` names: the parser would wait for a pipe, and not name the file."""
    for value in dialect.given(words, "--config"):
        trust.read(Path(value))
