"""Drawing a whole set of mannequins: on all cores, by one process, in one sentence where it cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from imagpose.data.workers import processes
from imagpose.errors import InputError
from imagpose.output.files import alone
from imagpose.output.progress import track

_FEW = 8  # people are drawn without further processes
_Job = TypeVar("_Job")
_Drawn = TypeVar("_Drawn")


def draw_all(draw: Callable[[_Job], _Drawn], jobs: Sequence[_Job], chunk: int) -> list[_Drawn]:
    """Draw people on all cores.

    Args:
        draw: Draws and saves one of them; a function of a module, which other processes can import.
        jobs: What it is given, one for each.
        chunk: People that a process takes at a time, and an interruption waits for.

    Returns:
        What it returned, in the order of the jobs.
    """
    count = min(os.cpu_count() or 1, -(-len(jobs) // _FEW))
    with processes(count) if count > 1 else nullcontext() as pool:
        results = pool.map(draw, jobs, chunksize=chunk) if pool else map(draw, jobs)
        return list(track(results, "Drawing mannequins", len(jobs), "people"))


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
