"""Drawing a whole set of mannequins: on all cores, for one process, in one sentence where it cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imagpose.data.workers import Job, Result, spread
from imagpose.errors import InputError
from imagpose.output.files import alone
from imagpose.output.progress import track

_FEW = 8  # people are drawn without further processes


def draw_all(draw: Callable[[Job], Result], jobs: Sequence[Job], chunk: int) -> list[Result]:
    """Draw people on all cores.

    Args:
        draw: Draws and saves one of them; a function of a module, which other processes can import.
        jobs: What it is given, one for each.
        chunk: People that a process takes at a time, and an interruption waits for.

    Returns:
        What it returned, in the order of the jobs.
    """
    count = min(os.cpu_count() or 1, -(-len(jobs) // _FEW))
    return list(track(spread(draw, jobs, count, chunk), "Drawing mannequins", len(jobs), "people"))


@contextmanager
def drawn_into(root: Path, write: Callable[[], Any]) -> Iterator[None]:
    """A set that is there: of several processes that want the same one draws, and the others wait.

    Args:
        root: The folder of the set.
        write: Draws it there; called where there is no such folder.

    Raises:
        InputError: The folder cannot be written or, in the context, looked at.
    """
    try:
        if not root.exists():
            with alone(root, f"drawing {root}"):
                if not root.exists():
                    write()
        yield
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"Mannequins cannot be drawn into {root} ({reason}); make room or name another place."
        ) from error
