"""``python -m imagpose table``: runs what is missing of a table of the paper and prints it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from imagpose.errors import InputError
from imagpose.evaluation.evaluate import show
from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.options.parser import Parser, named, wide_console
from imagpose.options.ranges import PositiveInt, Seed, argument
from imagpose.options.trust import check_files
from imagpose.reproduction.jobs import PlannedRow, Settings, experiment_words, plan
from imagpose.reproduction.paper import TABLES
from imagpose.reproduction.report import brief, render
from imagpose.reproduction.rows import read_row
from imagpose.reproduction.runner import run_here
from imagpose.training.experiment import read_plain_options
from imagpose.training.runs import changes


def _check(jobs: Sequence[PlannedRow], further: Sequence[str]) -> None:
    """Tell a mistake in the rows' options once, before anything starts.

    Raises:
        InputError: One is unknown, or a finished row was run with others.
    """
    if any(word.split("=")[0] == "--seed_everything" for word in further):
        raise InputError("--seed_everything would not change the rows' names; say --seeds instead.")
    for job in jobs:
        if job.commands[-1][0] == "test":  # a finished run's own options, and not an experiment's
            check_files(experiment_words(job))
        options = read_plain_options(experiment_words(job))
        if not job.row.exists():
            continue
        for name, was, now in changes(read_row(job.row).config, options):
            raise InputError(
                f"{job.name} is finished, and was run with {name} {was} where it is {now} now; delete {job.row} and "
                f"{job.folder}, or name other --results and --runs."
            )


def table(args: Sequence[str]) -> int:
    """Carry out the command; the exit code tells whether every row is there.

    Raises:
        InputError: An option is not as it must be; the sentence says which.
    """
    parser = Parser(
        prog="python -m imagpose table", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Run the missing rows of a table of the paper, and print it with the paper's figures beside it.",
        epilog="Options that are not listed here go to every row's fit, such as --trainer.max_steps 1000.",
    )  # fmt: skip
    parser.add_argument("table", choices=tuple(TABLES))
    parser.add_argument(
        "--scale", choices=("tiny", "full"), default="tiny", help="mannequins and small networks, or not"
    )
    parser.add_argument("--seeds", type=argument(Seed), nargs="+", default=[0], help="one run each a row")
    parser.add_argument("--rows", nargs="+", default=[], metavar="EXPERIMENT", help="run these only")
    parser.add_argument("--jobs", type=argument(PositiveInt), default=1, help="rows at once, one GPU each")
    parser.add_argument(
        "--launcher", choices=("local", "slurm"), default="local", help="slurm submits each row as a job"
    )
    parser.add_argument(
        "--slurm", type=named, nargs="+", default=[], metavar="NAME=VALUE",
        help="for submitit: slurm_partition=gpu timeout_min=2880; nodes, tasks and GPUs are the experiment's",
    )  # fmt: skip
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), help="to compare by; default: pcdms, else strict")
    parser.add_argument("--no-cache", action="store_true", help="train without computing features first")
    parser.add_argument("--no-run", action="store_true", help="print the rows that are there")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the tables")
    options, further = parser.parse_known_args(args)
    console = wide_console()
    settings = Settings(
        options.scale, tuple(dict.fromkeys(options.seeds)), options.runs, options.results, not options.no_cache,
        tuple(further),
    )  # fmt: skip
    jobs = plan(TABLES[options.table], settings, options.rows)
    if further:
        _check(jobs, further)
    failed: dict[str, str] = {}
    try:
        (options.results / options.table / "rows").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{options.results} cannot be written ({error.strerror}); name another --results.") from error
    if not options.no_run:
        if options.launcher == "slurm":
            from imagpose.reproduction.slurm import submit

            asked = {name: int(text) if text.isdigit() else text for name, text in options.slurm}
            failed = submit(jobs, asked, console)
        else:
            failed = run_here(jobs, options.jobs, console)
    scores, orders, runs = render(options.table, options.results, options.scale, options.protocol)
    for one in (brief(scores), orders, runs):
        show(one, console)
    place = options.results / options.table / options.scale
    print(f"The table is in {place}.md, .tex, .csv and .png, every order in {place}_orders.csv.")
    for name, why in failed.items():
        print(f"{name} failed: {why}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(jobs)} rows failed; the same command runs them again.", file=sys.stderr)
    return 1 if failed else 0
