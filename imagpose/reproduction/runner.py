"""Runs a table's rows on this machine, some at once, and shows how far they are."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from filelock import FileLock
from rich.console import Console
from rich.live import Live
from rich.table import Table

from imagpose.errors import Terminated
from imagpose.reproduction.jobs import PlannedRow, carry_out, complaint, end_running
from imagpose.reproduction.rows import PROGRESS

_REFRESH = 1.0  # seconds


class View:
    """The live table of rows; where there is no terminal, one line whenever a row begins or ends.

    Args:
        jobs: All rows.
        at_once: How many run at a time.
        console: The console to draw on.
    """

    def __init__(self, jobs: Sequence[PlannedRow], at_once: int, console: Console) -> None:
        self.jobs, self.at_once, self.console = jobs, at_once, console
        self.first: dict[str, tuple[int, float]] = {}  # step and time at which a row was first seen to train
        self.state = {job.name: "finished before" if job.row.exists() else "waiting" for job in jobs}
        self.began: dict[str, float] = {}
        self.took: dict[str, float] = {}

    def tell(self, job: PlannedRow, state: str) -> None:
        """A row's state has changed."""
        if state == "running":
            self.began[job.name] = time.time()
        elif job.name in self.began:
            self.took[job.name] = time.time() - self.began[job.name]
        self.state[job.name] = state
        if not self.console.is_terminal:
            took = f" after {_clock(self.took[job.name])}" if job.name in self.took and state != "running" else ""
            self.console.print(f"{job.name}: {state}{took}", highlight=False, markup=False, soft_wrap=True)

    def __rich__(self) -> Table:
        """The table as it is now."""
        left = sum(state in ("waiting", "running") for state in self.state.values())
        title = f"{len(self.jobs) - left} of {len(self.jobs)} rows"
        view = Table("row", "state", "step", "loss", "time", "left", title=title)
        if self.took and left:
            mean = sum(self.took.values()) / len(self.took)
            rounds = -(-left // self.at_once)
            view.caption = f"{_clock(mean)} a row, so about {_clock(mean * rounds)} for the rest"
        for job in self.jobs:
            view.add_row(job.name, *self._cells(job))
        return view

    def _cells(self, job: PlannedRow) -> list[str]:
        state = self.state[job.name]
        if state != "running":
            return [state, "", "", _clock(self.took[job.name]) if job.name in self.took else "", ""]
        told = _progress(job.folder / PROGRESS, self.began[job.name])
        elapsed = time.time() - self.began[job.name]
        if told is None:
            return ["preparing", "", "", _clock(elapsed), ""]
        step, steps = int(told["step"]), int(told["steps"])
        loss = "" if told["loss"] is None else f"{told['loss']:.4f}"
        before, since = self.first.setdefault(job.name, (step, told["at"]))
        left = _clock((steps - step) * (told["at"] - since) / (step - before)) if step > before else ""
        return [told["stage"], f"{step}/{steps}", loss, _clock(elapsed), left]


def _progress(path: Path, since: float) -> dict[str, Any] | None:
    """What the run last said of itself, if that was in this attempt."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if told["at"] >= since else None


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def run_here(jobs: Sequence[PlannedRow], at_once: int, console: Console) -> dict[str, str]:
    """Run the rows that are not finished.

    Args:
        jobs: All rows.
        at_once: How many at a time; each has a GPU of its own where there are GPUs, else its share of the cores.
        console: The console of the live view.

    Returns:
        Why rows failed, by name; a failed row stops no other.
    """
    todo = [job for job in jobs if not job.row.exists()]
    view, failed = View(jobs, at_once, console), {}
    places: SimpleQueue[Mapping[str, str]] = SimpleQueue()
    for place in _places(at_once):
        places.put(place)

    def work(job: PlannedRow) -> None:
        place = places.get()
        try:
            job.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(job.folder / ".lock"):  # another table's command may be running the same row
                view.tell(job, "running")
                status = 0 if job.row.exists() else carry_out(job, place)
            if status or not job.row.exists():
                failed[job.name] = complaint(job)
        except OSError as error:
            failed[job.name] = f"{job.folder} cannot be written ({error.strerror})"
        finally:
            places.put(place)
        view.tell(job, "failed" if job.name in failed else "finished")

    pool = ThreadPoolExecutor(at_once)
    try:
        with Live(view, console=console, refresh_per_second=1 / _REFRESH, get_renderable=view.__rich__):
            futures: list[Future[None]] = [pool.submit(work, job) for job in todo]
            for future in futures:
                future.result()
        console.print()
    except Terminated:
        end_running()
        raise
    finally:
        pool.shutdown(cancel_futures=True)  # a Ctrl-C has reached the running rows too
    return failed


def _places(at_once: int) -> list[Mapping[str, str]]:
    """What each of the rows that run at once may use."""
    gpus = torch.cuda.device_count()
    if at_once == 1:
        return [{}]
    cores = {"OMP_NUM_THREADS": str(max((os.cpu_count() or 1) // at_once, 1))}
    if gpus:
        ours = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(gpus)))
        return [{"CUDA_VISIBLE_DEVICES": ours.split(",")[i % gpus], **cores} for i in range(at_once)]
    return [cores] * at_once
