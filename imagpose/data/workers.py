"""Processes that work for this one and end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from imagpose.errors import InputError


@contextmanager
def processes(count: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes; an interruption waits for the work in hand alone.

    Args:
        count: Number of processes; as many as there are cores unless given.

    Raises:
        InputError: A process was killed from outside.
    """
    # Spawned, not forked: a forked copy of a process that runs threads, such as torch's, may hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count or os.cpu_count(), spawn, initializer=_serve) as pool:
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
