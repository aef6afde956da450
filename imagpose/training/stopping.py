"""Ctrl-C and SIGTERM: a training stops after its step and its save, anything else at once."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(SystemExit):
    """A signal ended the command; the exit code is the shell's for it, 130 for Ctrl-C and 143 for SIGTERM.

    Args:
        signum: Of the signal.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)


class Stopper:
    """While it is entered, SIGINT and SIGTERM raise :class:`Stopped`; where it is patient, the training does.

    Attributes:
        asked: The signal that came; None before.
        patient: Whether a training will see ``asked`` and stop when its state is saved. A second Ctrl-C does not wait.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self.patient = False
        self._process = os.getpid()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stopper:
        self._before = {signum: signal.getsignal(signum) for signum in _SIGNALS}
        self.install()
        return self

    def __exit__(self, *args: object) -> None:
        if _in_main_thread():
            for signum, handler in self._before.items():
                signal.signal(signum, handler)

    def install(self) -> None:
        """Handle the signals; Lightning's trainer handles SIGTERM in its own way when it starts."""
        if _in_main_thread():
            for signum in _SIGNALS:
                if self._before[signum] != signal.SIG_IGN:  # a command in the background of a shell has no Ctrl-C
                    signal.signal(signum, self._handle)

    def check(self) -> None:
        """Stop here if a signal came, and at once if one comes later."""
        self.patient = False
        if self.asked is not None:
            raise Stopped(self.asked)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a forked worker, which its parent ends
            return
        again = self.asked is not None
        self.asked = self.asked or signum
        if not self.patient or (again and signum == signal.SIGINT):
            raise Stopped(signum)
        if not again:  # a print might be called in the middle of another
            os.write(
                2, b"\nStopping after this step (and its validation, if one is due); Ctrl-C again does not wait.\n"
            )


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def resuming_command(words: Sequence[str], folder: Path) -> str:
    """The command that resumes a run: the one that was given, but that a new run is now an old one.

    Args:
        words: From ``fit`` on.
        folder: Of the run.
    """
    kept = list(words)
    for place in reversed([i for i, word in enumerate(kept) if word == "--new" or word.startswith("--new=")]):
        has_value = kept[place] == "--new" and kept[place + 1 : place + 2] and not kept[place + 1].startswith("-")
        del kept[place : place + (2 if has_value else 1)]
    if len(kept) != len(words):
        kept += ["--folder", str(folder)]
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return shlex.join([str(python), "-m", "imagpose", *kept])
