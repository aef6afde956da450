"""``python -m imagpose table``: runs what is missing of a table of the paper and prints it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from imagpose.evaluation.evaluate import show
from imagpose.evaluation.protocols import PROTOCOLS
from imagpose.options import Parser, at_least
from imagpose.reproduction.jobs import Settings, plan
from imagpose.reproduction.paper import TABLES
from imagpose.reproduction.report import render
from imagpose.reproduction.runner import run_here


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
    parser.add_argument("--seeds", type=at_least(0), nargs="+", default=[0], help="one run each a row")
    parser.add_argument("--rows", nargs="+", default=[], metavar="EXPERIMENT", help="run these only")
    parser.add_argument("--jobs", type=at_least(1), default=1, help="rows at once, one GPU each")
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), help="to compare by; default: pcdms, else strict")
    parser.add_argument("--no-cache", action="store_true", help="train without computing features first")
    parser.add_argument("--no-run", action="store_true", help="print the rows that are there")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the tables")
    options, further = parser.parse_known_args(args)
    console = Console()
    settings = Settings(
        options.scale, tuple(dict.fromkeys(options.seeds)), options.runs, options.results, not options.no_cache,
        tuple(further),
    )  # fmt: skip
    jobs = plan(TABLES[options.table], settings, options.rows)
    failed: dict[str, str] = {}
    try:
        if not options.no_run:
            failed = run_here(jobs, options.jobs, console)
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on where the rows stopped.")
        return 130
    for one in render(options.table, options.results, options.scale, options.protocol):
        show(one, console)
    place = options.results / options.table / options.scale
    print(f"The table is in {place}.md, .tex, .csv and .png, every order in {place}_orders.csv.")
    for name, why in failed.items():
        print(f"{name} failed: {why}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(jobs)} rows failed; the same command runs them again.", file=sys.stderr)
    return 1 if failed else 0
