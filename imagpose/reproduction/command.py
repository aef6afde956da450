"""``imagpose table``: runs what is missing of a table of the paper and prints it."""

from __future__ import annotations

import sys
from argparse import ArgumentError
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console

from imagpose.errors import InputError
from imagpose.evaluation.choices import ProtocolName
from imagpose.evaluation.screen import show, wide_console
from imagpose.options.commands import FURTHER
from imagpose.options.parse_errors import sentence
from imagpose.options.ranges import PositiveInt, Seed, check_arguments
from imagpose.options.renamed import renamed
from imagpose.options.trust import check, check_files, dotted_texts
from imagpose.output.files import made_folder
from imagpose.reproduction.jobs import PlannedRow, Settings, experiment_words, plan
from imagpose.reproduction.paper import TABLES, Scale, TableName
from imagpose.reproduction.report import brief, render
from imagpose.reproduction.rows import read_row
from imagpose.reproduction.runner import run_here
from imagpose.training.composing import expand
from imagpose.training.experiment import read_experiment, read_plain
from imagpose.training.runs import changes

_OF_THE_TABLE = {
    **dict.fromkeys(("--seed", "--seed_everything"), "would not change the rows' names; say --seeds instead"),
    "--exp": "is another in every row; say --rows to run some of them",
}
"""Options of a row's fit that the table itself gives, and what is said of them."""


def _check(jobs: Sequence[PlannedRow], further: Sequence[str]) -> None:
    """Tell a mistake in the rows' options once, before anything starts.

    Raises:
        InputError: One is unknown, or a finished row was run with others.
    """
    for option in (word.split("=")[0] for word in further):
        if option in _OF_THE_TABLE:
            raise InputError(f"{option} {_OF_THE_TABLE[option]}.")
    if new := [job for job in jobs if job.commands[-1][0] == "fit" and not job.row.exists()]:
        # One stands for all: what they differ in is not their user's, who gave all of them the same options.
        read_experiment(experiment_words(new[0]), lambda parser: None, device="meta")
    for job in jobs:
        if job.commands[-1][0] == "test":  # a finished run's own options, and not an experiment's
            check_files(experiment_words(job))
        ours = read_plain(experiment_words(job))
        if not job.row.exists():
            continue
        stored = renamed(read_row(job.row).config)
        check(stored, job.row, dotted_texts(ours.options))  # the experiment is its user's own, the row may not be
        try:
            stored = ours.completed(stored)
        except ArgumentError as error:
            raise InputError(
                f"{job.row} is of another version of imagpose ({sentence(error).rstrip('.')}); delete it, or name "
                "other --results."
            ) from error
        for name, was, now in changes(stored, ours.options):
            raise InputError(
                f"{job.name} is finished, and was run with {name} {was} where it is {now} now; delete {job.row} and "
                f"{job.folder}, or name other --results and --runs."
            )


@dataclass(frozen=True, kw_only=True)
class LaunchRequest:
    """How the rows of a table are run, and where they go.

    Attributes:
        jobs: Rows at once, one GPU each.
        launcher: slurm submits each row as a job; the same command submits what has to wait for others.
        slurm: For submitit: slurm_partition=gpu timeout_min=2880; nodes, tasks and GPUs are the experiment's.
        no_run: Whether to train nothing: the rows that are there are printed, and their tables rendered again.
        runs: Folder of all runs.
        results: Folder of the tables.
        options: Further words of every row's fit.
    """

    jobs: PositiveInt = 1
    launcher: Literal["local", "slurm"] = "local"
    slurm: dict[str, int | str] = field(default_factory=dict)
    no_run: bool = False
    runs: Path = Path("runs")
    results: Path = Path("results")
    options: tuple[str, ...] = field(default=(), metadata=FURTHER)

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")


@dataclass(frozen=True)
class TableRequest(LaunchRequest):
    """A table of the paper, and how its rows are run.

    Attributes:
        table: Of the paper.
        scale: tiny is mannequins and small networks, full is the paper's own.
        seeds: One run each a row.
        rows: Run these experiments only.
        protocol: To compare by; pcdms, or strict where it is missing, unless given.
        no_cache: Whether to train without computing features first.
    """

    table: TableName
    _: KW_ONLY
    scale: Scale = "tiny"
    seeds: tuple[Seed, ...] = (0,)
    rows: tuple[str, ...] = ()
    protocol: ProtocolName | None = None
    no_cache: bool = False


@contextmanager
def writable(path: Path, option: str) -> Iterator[None]:
    """A folder to write into, of which nothing is left if there is nothing to write."""
    with ExitStack() as stack:
        try:
            stack.enter_context(made_folder(path))
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror}); name another {option}.") from error
        yield


def launch(jobs: Sequence[PlannedRow], request: LaunchRequest, console: Console) -> dict[str, str]:
    """Run or submit the missing rows; why rows failed, by name."""
    if request.launcher == "local":
        return run_here(jobs, request.jobs, console)
    from imagpose.reproduction.slurm import submit

    return submit(jobs, request.slurm, console)


def table(request: TableRequest) -> int:
    """Run the missing rows of a table of the paper, and print it with the paper's figures beside it.

    Options that are not listed here go to every row's fit, such as --trainer.max_steps 1000.

    Returns:
        The exit code: 0 where every row is there, else 1.

    Raises:
        InputError: An option is not as it must be; the sentence says which.
    """
    expand(request.options)  # a file that is not there is told before any row starts
    console = wide_console()
    settings = Settings(
        request.scale, tuple(dict.fromkeys(request.seeds)), request.runs, request.results, not request.no_cache,
        request.options,
    )  # fmt: skip
    jobs = plan(TABLES[request.table], settings, request.rows)
    if request.options:
        _check(jobs, request.options)
    failed: dict[str, str] = {}
    with writable(request.results / request.table / "rows", "--results"):
        if not request.no_run:
            with writable(request.runs, "--runs"):
                failed = launch(jobs, request, console)
        scores, *others = render(request.table, request.results, request.scale, request.protocol)
    for one in (brief(scores), *others):
        show(one, console)
    place = request.results / request.table / request.scale
    print(f"The table is in {place}.md, .tex, .csv and .png, every order in {place}_orders.csv.")
    for name, why in failed.items():
        print(f"{name} failed: {why}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(jobs)} rows failed; the same command runs them again.", file=sys.stderr)
    return 1 if failed else 0
