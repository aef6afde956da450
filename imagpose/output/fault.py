"""What a command says of an error that is the program's own: one sentence, and the stack trace in a file."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from imagpose.errors import InputWarning

EXIT_CODE = 70  # the system's own for an internal error, EX_SOFTWARE
DEBUG = "--debug"
"""A word of any command line, with which an error of the program's own shows its stack trace."""


def sentence(error: BaseException, words: Sequence[str]) -> str:
    """Write the stack trace into a file of the folder for temporary files, and say where it is and what to report.

    Args:
        error: What was raised.
        words: Of the command line, from the program on.
    """
    kind = type(error).__name__
    told = " ".join(str(error).split())
    what = f"{kind}: {told[:200]}{'…' if len(told) > 200 else ''}" if told else kind
    try:
        path = _write(error, words)
    except OSError as failure:
        where = (
            f"its trace cannot be written ({failure.strerror or failure}), and the same command with {DEBUG} shows it: "
            f"please report that, version {version_of('imagpose')} and the command"
        )
    else:
        where = f"please report {path}, which holds the trace, the versions and the command"
    return f"This is a fault of imagpose and none of yours ({what}); {where}."


def _write(error: BaseException, words: Sequence[str]) -> Path:
    trace = "".join(traceback.format_exception(error))
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("imagpose", "torch", "lightning", "diffusers"))
    content = (
        f"command: {shlex.join(words)}\n"
        f"versions: {versions}, Python {platform.python_version()}, {platform.platform()}\n\n{trace}"
    )
    path = Path(tempfile.gettempdir()) / f"imagpose-fault-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    with open(path, "x", encoding="utf-8", errors="backslashreplace") as file:  # never through somebody's link
        file.write(content)
    return path


def version_of(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "of a checkout"


@contextmanager
def notes() -> Iterator[None]:
    """While it is entered, an :class:`InputWarning` is one line ``Note: …``, without a path and a source line."""
    before = warnings.formatwarning

    def told(message: Warning | str, category: type[Warning], *args: object, **kwargs: object) -> str:
        if issubclass(category, InputWarning):
            return f"Note: {message}\n"
        return before(message, category, *args, **kwargs)  # type: ignore[arg-type]

    warnings.formatwarning = told
    try:
        yield
    finally:
        warnings.formatwarning = before


def show(error: BaseException) -> None:
    """Print the stack trace, for ``--debug``."""
    traceback.print_exception(error, file=sys.stderr)
