"""``imagpose reid run``: runs what is missing of Table 4 and prints it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from imagpose.data.mannequins.cameras import CameraSet, ensure
from imagpose.errors import InputError
from imagpose.evaluation.screen import show, wide_console
from imagpose.options.ranges import Percentage, PositiveFloat, Seed
from imagpose.reid.plan import SIZES, Plan, chosen
from imagpose.reid.report import render
from imagpose.reid.table4 import PERCENTAGES, WHOLE
from imagpose.reproduction.command import LaunchRequest, launch, writable
from imagpose.reproduction.jobs import PlannedRow
from imagpose.reproduction.paper import Scale
from imagpose.reproduction.rows import read_row
from imagpose.training.cli import REID
from imagpose.training.composing import find
from imagpose.training.experiment import read_options

_OF_THE_TABLE = {
    **dict.fromkeys(("--seed", "--seed_everything", "--data.init_args.seed"), "--seeds"),
    "--data.init_args.percentage": "--percentages", "--data.init_args.added": "--rows",
    "--data.init_args.root": "--root", "--exp": "--rows",
}  # fmt: skip
"""Options of a row's fit that the table itself gives, and what gives them."""
_COUNTED_FROM = ("--model.init_args.epochs", "--data.init_args.persons", "--data.init_args.pictures")
"""Options that a row's number of steps follows from."""


@dataclass(frozen=True, kw_only=True)
class TableRequest(LaunchRequest):
    """Table 4, and how its rows are run.

    Attributes:
        scale: tiny is mannequins before cameras and small networks, full is Market-1501 and BoT as it is.
        root: A Market-1501 folder with its annotations; the scale's own unless given, data/reid or data/market1501.
        percentages: Of the training pictures; 100 has Standard alone.
        seeds: Of BoT, one run each a row.
        rows: Run these methods only: standard, imagpose, imagpose_all, again, copied, wrong, augmented.
        ratio: Added pictures for one real picture.
        generator_with: A file of options for the generators' trainings.
    """

    scale: Scale = "tiny"
    root: Path | None = None
    percentages: tuple[Percentage, ...] = (*PERCENTAGES, WHOLE)
    seeds: tuple[Seed, ...] = (0, 1, 2)
    rows: tuple[str, ...] = ()
    ratio: PositiveFloat = 1.0
    generator_with: Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.percentages and self.seeds):
            raise InputError("--percentages and --seeds must name one each at least.")


def run(request: TableRequest) -> int:
    """Run the missing parts of Table 4, person re-identification with generated pictures, and print it.

    Generators are trained first, each on a part of the pictures that it may see, then they draw, and then BoT is
    trained on each row's pictures. Options that are not listed here go to every row's fit.

    Returns:
        The exit code: 0 where every row is there, else 1.

    Raises:
        InputError: An option or the dataset is not as it must be, or something from outside a part lies in it.
    """
    plan = plan_of(request)
    if request.options:
        _check_options(plan)
    console, failed = wide_console(), dict[str, str]()
    with writable(request.results / REID / "rows", "--results"):
        if not request.no_run:
            if plan.drawn and request.scale == "tiny":
                ensure(plan.root, CameraSet())
            with writable(request.runs, "--runs"):
                plan.prepare()
                rows = plan.rows()
                _check_finished(rows, plan.options)
                failed = _carry_out((plan.generators(), plan.drawings(), rows), request, console)
        tables = render(plan)
    for table in tables[:2]:
        show(table, console)
    print(f"The table is in {plan.results / REID / plan.scale}.md, .tex and .csv.")
    for name, why in failed.items():
        print(f"{name} failed: {why}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} failed; the same command runs them again.", file=sys.stderr)
    return 1 if failed else 0


def plan_of(request: TableRequest) -> Plan:
    """The work that is asked for."""
    of_generators = () if request.generator_with is None else ("-c", str(find(str(request.generator_with))))
    return Plan(
        request.scale, request.root or SIZES[request.scale].root, request.root is None,
        tuple(sorted(set(request.percentages))), chosen(request.rows), tuple(dict.fromkeys(request.seeds)),
        request.ratio, request.runs, request.results, request.options, of_generators,
    )  # fmt: skip


def _carry_out(stages: Sequence[list[PlannedRow]], request: TableRequest, console: Console) -> dict[str, str]:
    """Generators, pictures and rows, each stage after what it needs; why some failed, by name."""
    failed: dict[str, str] = {}
    for stage in stages:
        waiting = [job for job in stage if not (job.row.exists() or all(path.exists() for path in job.needs))]
        ready = [job for job in stage if job not in waiting]
        if ready:
            failed |= launch(ready, request, console)
        if request.launcher == "local":
            failed |= {job.name: "what it needs failed, see there" for job in waiting}
        elif waiting:
            console.print(f"{len(waiting)} wait for what was submitted; the same command submits them then.")
    return failed


def _check_options(plan: Plan) -> None:
    """Tell a mistake in the rows' options once, before anything starts.

    Raises:
        InputError: One is unknown, or is the table's own.
    """
    said = [word.split("=")[0] for word in plan.options]
    for option in said:
        if option in _OF_THE_TABLE:
            raise InputError(f"{option} is another in every row; say {_OF_THE_TABLE[option]} instead.")
        if option in _COUNTED_FROM and "--trainer.max_steps" not in said:
            raise InputError(f"The rows' steps are not counted with another {option}; say --trainer.max_steps too.")
    read_options([*(word for file in SIZES[plan.scale].bot for word in ("-c", file)), *plan.options])


def _check_finished(rows: Sequence[PlannedRow], options: Sequence[str]) -> None:
    """Refuse to print finished rows beside others that are run with other options.

    Raises:
        InputError: A finished row was run with others, or on other pictures, which shows in its steps.
    """
    for job in rows:
        if not job.row.exists():
            continue
        stored, words = read_row(job.row).config, job.commands[-1]
        now = {"trainer.max_steps": words[words.index("--trainer.max_steps") + 1]}
        now |= {option[2:]: value for option, value in pairwise(options)
                if option.startswith("--") and not value.startswith("--")}  # fmt: skip
        for name, value in now.items():
            was: Any = stored
            for key in name.split("."):
                was = was.get(key) if isinstance(was, dict) else None
            if was is not None and yaml.safe_load(value) != was:
                raise InputError(
                    f"{job.name} is finished, and was run with {name} {was} where it is {value} now; delete {job.row} "
                    f"and {job.folder}, or name other --results and --runs."
                )
