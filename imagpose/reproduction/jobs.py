"""A table's rows as work: which runs are missing, and the ordinary command lines that make them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagpose.errors import InputError
from imagpose.reproduction.paper import TABLES, Entry, PaperTable, Scale
from imagpose.reproduction.rows import row_path
from imagpose.training import runs

_HEADER = "$ python -m imagpose"  # before what each command prints
_ENDED = (130, 143, -signal.SIGINT, -signal.SIGTERM)
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Settings:
    """How a table is made.

    Attributes:
        scale: ``tiny`` or ``full``.
        seeds: Seeds of each row's runs, one run a seed.
        runs: Folder of all runs.
        results: Folder of all tables.
        cache: Whether features are computed before training, once an encoder.
        options: Further options of every row's ``fit``.
    """

    scale: Scale
    seeds: tuple[int, ...] = (0,)
    runs: Path = Path("runs")
    results: Path = Path("results")
    cache: bool = True
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedRow:
    """One row to run.

    Attributes:
        name: Name of the row's run.
        row: The file that the row leaves.
        folder: Folder of the row's runs, where ``progress.json`` and ``row.log`` are.
        commands: Words of ``python -m imagpose``, one after the other. A ``cache`` that fails stops nothing.
        asks: Words of the experiment whose trainer says what a node must have, where the last command names none.
        needs: Files without which it cannot begin.
    """

    name: str
    row: Path
    folder: Path
    commands: tuple[tuple[str, ...], ...]
    asks: tuple[str, ...] = ()
    needs: tuple[Path, ...] = ()

    @property
    def log(self) -> Path:
        """What its commands print."""
        return self.folder / "row.log"


def plan(table: PaperTable, settings: Settings, only: Sequence[str] = ()) -> list[PlannedRow]:
    """The rows of a table, finished ones too.

    Args:
        table: A table of the paper.
        settings: How it is made.
        only: Experiments or methods to run; none means all.

    Raises:
        InputError: There is no such row.
    """
    entries = list(table.trained())
    known = {name: entry for entry in entries for name in (entry.name(settings.scale), entry.experiment, entry.method)}
    if unknown := [name for name in only if name not in known]:
        names = ", ".join(f"{entry.method} ({entry.experiment})" for entry in entries)
        raise InputError(f"{table.name} has no row {unknown[0]!r}; it has: {names}.")
    chosen = [known[name] for name in only] if only else entries
    return [_job(table, entry, seed, settings) for seed in settings.seeds for entry in dict.fromkeys(chosen)]


def _job(table: PaperTable, entry: Entry, seed: int, settings: Settings) -> PlannedRow:
    experiment = entry.name(settings.scale)
    name = experiment if seed == 0 else f"{experiment}-seed{seed}"
    # The paper's own model stands in several tables, and is trained once.
    tables = [t.name for t in TABLES.values() if any(e.name(settings.scale) == experiment for e in t.trained())]
    placed = ["--runs", str(settings.runs), "--results", str(settings.results), "--table", f"[{','.join(tables)}]"]
    run = runs.newest(settings.runs, name)
    row = row_path(settings.results, table.name, experiment, seed)
    if run is not None and run.complete and not row.exists():
        commands = [("test", "-c", str(run.config), "--folder", str(run.folder), *placed)]
    else:
        seeds = ("--seed_everything", "--model.init_args.seed", "--data.init_args.seed")
        drawn = [word for option in seeds for word in (option, str(seed))] if seed else []
        words = [word for file in entry.configs(settings.scale) for word in ("-c", file)]
        fit = ("fit", *words, *drawn, *settings.options, "--name", name, *placed)
        commands = [("cache", *words, *drawn, *settings.options)] if settings.cache else []
        commands.append(fit)
    return PlannedRow(name, row, settings.runs / name, tuple(commands))


def experiment_words(job: PlannedRow) -> tuple[str, ...]:
    """The words that any command for experiments takes: of its ``fit``, or the finished run's own options."""
    if job.asks:
        return job.asks
    words = job.commands[-1]
    return words[1 : words.index("--name" if words[0] == "fit" else "--folder")]


def carry_out(job: PlannedRow, environment: Mapping[str, str] | None = None) -> int:
    """Run a job's commands; what they print is appended to its log.

    Args:
        job: The row to run.
        environment: Variables to set.

    Returns:
        The exit status of the last command.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    status = 0
    for words in job.commands:
        with open(job.log, "a", encoding="utf-8") as log:
            log.write(f"\n{_HEADER} {' '.join(words)}\n")
            log.flush()
            with subprocess.Popen(
                [sys.executable, "-m", "imagpose", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})}, preexec_fn=_die_with_parent,
            ) as process:  # fmt: skip
                _running.add(process)
                status = process.wait()
                _running.discard(process)
        if status in _ENDED or (status and words[0] != "cache"):
            break
    return status


def end_running() -> None:
    """Ask the commands that are being carried out to end; the next runner resumes their rows."""
    for process in list(_running):
        process.terminate()


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Let a row that is being trained end with a runner that is killed: the next one resumes it."""
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def complaint(job: PlannedRow) -> str:
    """Why a job failed: the sentence that its last command ended with."""
    try:
        printed = job.log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"it ended before it could print anything (what else there is lies in {job.folder})"
    lines = [line.strip() for line in printed.rpartition(_HEADER)[2].splitlines()[1:]]
    told = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    last = told[-1] if told else next((line for line in reversed(lines) if line), "it printed nothing")
    return f"{last} ({job.log} has all of it)"
