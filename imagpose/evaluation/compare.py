"""``python -m imagpose compare``: the paper's tables, each printed score beside the measured ones."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from imagpose.errors import InputError
from imagpose.evaluation.evaluate import Scores, add_task_options, evaluate_folder, from_json, show, task
from imagpose.evaluation.scoring import Networks
from imagpose.evaluation.tables import HEADINGS, PRESUMED, SIZES, Table, cell, printed
from imagpose.options import Parser, named
from imagpose.runs import write_atomically

_MEASURED = ("ssim", "ssim_256", "lpips", "fid")
NOT_RUN = "not run"


def comparison(table: str, results: dict[str, Scores], protocols: Sequence[str]) -> Table:
    """A table of the paper with what was measured beside it.

    Args:
        table: A key of ``SIZES``.
        results: By method; one that the table prints is matched whatever its case, others follow below.
        protocols: Columns to show, a group each.
    """
    header = ["method", *(f"printed {HEADINGS[metric]}" for metric in ("ssim", "lpips", "fid"))]
    header += [f"{protocol} {HEADINGS[metric]}" for protocol in protocols for metric in _MEASURED]
    named = {name.lower(): scores for name, scores in results.items()}
    papers = {row.method.lower(): row for row in printed(table)}
    rows, sources, reasons = [], [], []
    for key in dict.fromkeys([*papers, *named]):
        paper = papers.get(key)
        said = [paper.ssim, paper.lpips, paper.fid] if paper else ["", "", ""]
        name = paper.method if paper else next(n for n in results if n.lower() == key)
        row = [name, *(text or "–" for text in said)]
        if paper:
            sources.append(paper.source)
        for protocol in protocols:
            of_metric = named.get(key, {}).get(protocol)
            if of_metric is None:
                row += [NOT_RUN] * len(_MEASURED)
                continue
            row += [cell(metric, of_metric[metric], interval=False) for metric in _MEASURED]
            reasons += [f"{name}: {score.reason}" for score in of_metric.values() if score.reason]
        rows.append(row)
    notes = [f"Printed by: {'; '.join(dict.fromkeys(sources))}."]
    notes.append(f"The printed scores of IMAGPose are presumably by {PRESUMED}; no paper says which SSIM it prints.")
    size = SIZES[table]
    return Table(f"{table} at {size[0]}×{size[1]}", header, rows, [*notes, *dict.fromkeys(reasons)])


def compare(args: Sequence[str]) -> None:
    """Carry out the command.

    Raises:
        InputError: An option or a file is not as it must be; the sentence says which.
    """
    parser = Parser(
        prog="python -m imagpose compare", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="One row a method: what the paper prints, and what its pictures score under each protocol.",
    )  # fmt: skip
    parser.add_argument(
        "--results", type=named, nargs="*", default=[], metavar="NAME=PATH",
        help="a method and its folder of pictures, or the evaluation.json of one; without any, all is 'not run'",
    )  # fmt: skip
    parser.add_argument("--table", choices=tuple(SIZES), default="deepfashion-256x176")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder of the tables")
    add_task_options(parser, data_required=False)
    options = parser.parse_args(args)
    console = Console()
    folders = {name: Path(path) for name, path in options.results if not path.endswith(".json")}
    results = {name: from_json(Path(path)) for name, path in options.results if path.endswith(".json")}
    if len(folders) + len(results) < len(options.results):
        raise InputError("--results names a method twice; give each method its own name.")
    if folders:
        if options.data is None:
            raise InputError("--results names folders of pictures, so --data must name the dataset to compare with.")
        asked = task(options, SIZES[options.table])
        networks = Networks.load(asked.protocols, asked.device)
        for name, folder in folders.items():
            results[name] = evaluate_folder(folder, asked, networks, console).scores
    # Best-of-n is a figure of its own and has its own columns.
    protocols = list(dict.fromkeys(protocol for scores in results.values() for protocol in scores)) or [PRESUMED]
    table = comparison(options.table, results, protocols)
    for suffix, text in ((".md", table.markdown()), (".tex", table.latex()), (".csv", table.csv())):
        write_atomically(options.out / f"{options.table}{suffix}", text)
    show(table, console)
    print(f"The table is in {options.out / options.table}.md, .tex and .csv.")
