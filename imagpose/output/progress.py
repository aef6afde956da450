"""How far something is: a bar on a terminal, and in a log a line every half minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 30.0
"""Seconds between two lines."""
T = TypeVar("T")


class Lines:
    """Prints ``Drawing: 120 of 600 people, 4.0 a second, 0:02:00 left``, at most once in :data:`EVERY` seconds.

    Args:
        title: What is done.
        total: How many there are.
        unit: What they are.
    """

    def __init__(self, title: str, total: float, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self._first: float | None = None
        self._started = self._told = time.monotonic()

    def tell(self, done: float, more: Callable[[], str] = lambda: "") -> None:
        """Print the line, if it is due.

        Args:
            done: How many are done.
            more: Text to say beside it; asked for only where the line is due.
        """
        now = time.monotonic()
        if self._first is None:  # a resumed one has not done it all in this time
            self._first, self._started, self._told = done, now, now
        if now - self._told < EVERY:
            return
        self._told = now
        speed = (done - self._first) / max(now - self._started, 1e-9)
        left = f", {timedelta(seconds=round((self.total - done) / speed))} left" if speed > 0 else ""
        rate = f"{speed:.1f} a second" if speed >= 1 else f"{1 / speed:.1f} s each" if speed > 0 else "waiting"
        print(f"{self.title}: {done:,.0f} of {self.total:,.0f} {self.unit}{more()}, {rate}{left}", flush=True)


@contextmanager
def progress(
    title: str, total: int, unit: str, done: int = 0, shown: bool = True, console: Console | None = None
) -> Iterator[Callable[[float], None]]:
    """Show how far a piece of work is while it is entered.

    Args:
        title: What is done.
        total: How many there are.
        unit: What they are, ``images`` say.
        done: How many were done before.
        shown: Whether the bar is there before the first is done.
        console: Where to; None is the standard output.

    Yields:
        Is told how many more are done, a fraction too.
    """
    console = console or Console()
    if not console.is_terminal:
        lines, so_far = Lines(title, total, unit), float(done)
        lines.tell(so_far)

        def count(more: float) -> None:
            nonlocal so_far
            so_far += more
            lines.tell(so_far)

        yield count
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(f"{unit},"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as bars:
        task = bars.add_task(title, total=total, completed=done, visible=shown)
        yield lambda more: bars.update(task, advance=more, visible=True)


def track(work: Iterable[T], title: str, total: int, unit: str) -> Iterator[T]:
    """The same of a loop over ``total`` things, which are passed on."""
    with progress(title, total, unit) as advance:
        for one in work:
            yield one
            advance(1)
