"""Processes that work for this one and end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from imagpose.errors import InputError

Job = TypeVar("Job")
Result = TypeVar("Result")


def allotted() -> int:
    """Cores for this process's work: ``$OMP_NUM_THREADS``, which rows and processes side by side are given, or all."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1


def spread(function: Callable[[Job], Result], jobs: Sequence[Job], count: int, chunk: int = 1) -> Iterator[Result]:
    """What a function makes of each job, in their order.

    Args:
        function: One of a module, which other processes can import.
        jobs: What it is given, one for each call.
        count: Processes that work; one or none is this process itself.
        chunk: Jobs that a process takes at a time, and an interruption waits for.

    Raises:
        InputError: A process was killed from outside.
    """
    if count <= 1:
        yield from map(function, jobs)
        return
    with processes(count) as pool:
        yield from pool.map(function, jobs, chunksize=chunk)


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes; an interruption waits for the work in hand alone.

    Args:
        count: Number of processes.

    Raises:
        InputError: A process was killed from outside.
    """
    # Spawned, not forked: a forked copy of a process that runs threads, such as torch's, may hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, spawn, initializer=_serve) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            raise InputError(
                "A working process was killed, perhaps for want of memory; give it more, or make fewer work at once."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _serve() -> None:
    """Leave interrupts to the parent, and end when it has ended, by whatever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # nobody is left who would read a result
