"""``python -m imagpose compare``: the paper's tables, each printed score beside the measured ones."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imagpose.data.mannequins.folder import is_drawn
from imagpose.errors import InputError
from imagpose.evaluation.evaluate import Scores, add_task_options, evaluate_folder, from_json, show, task
from imagpose.evaluation.metrics import METRICS, PAPERS, compared
from imagpose.evaluation.scoring import Networks
from imagpose.evaluation.tables import PRESUMED, SIZES, Table, cell, printed, to_csv
from imagpose.options.parser import Parser, named, wide_console
from imagpose.output.files import write_whole

NOT_RUN = "not run"


def comparison(table: str, results: dict[str, Scores], protocol: str, intervals: bool = False) -> Table:
    """A table of the paper with what was measured by one protocol beside it.

    Args:
        table: A key of ``SIZES``.
        results: By method; one that the table prints is matched whatever its case, others follow below.
        protocol: Whose scores to show.
        intervals: Whether to show theirs too.
    """
    shown = compared(METRICS)
    header = ["method", *(f"printed {METRICS[column].heading}" for column in PAPERS), *(m.heading for m in shown)]
    papers = {row.method.lower(): row for row in printed(table)}
    measured = {name.lower(): (name, scores.get(protocol)) for name, scores in results.items()}
    rows, notes = [], [f"Printed by: {'; '.join(dict.fromkeys(paper.source for paper in papers.values()))}."]
    if protocol.startswith(PRESUMED):
        notes.append(f"The printed scores of IMAGPose are presumably by {PRESUMED}, their SSIM is SSIM_256.")
    for key in dict.fromkeys([*papers, *measured]):
        paper, (name, scores) = papers.get(key), measured.get(key, ("", None))
        said = [paper.scores[column] for column in PAPERS] if paper else [""] * len(PAPERS)
        row = [paper.method if paper else name, *(text or "–" for text in said)]
        if scores is None:
            rows.append([*row, *[NOT_RUN] * len(shown)])
            continue
        rows.append([*row, *(cell(metric, scores[metric.name], intervals) for metric in shown)])
        told = [scores[metric.name] for metric in shown]
        notes += [score.reason if score.value is None else f"*{name}: {score.reason}" for score in told if score.reason]
    size = SIZES[table]
    return Table(f"{table} at {size[0]}×{size[1]} by {protocol}", header, rows, list(dict.fromkeys(notes)))


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
        "--results", type=named, nargs="+", default=[], metavar="NAME=PATH",
        help="a method and its folder of pictures, or its evaluation.json of the same size",
    )  # fmt: skip
    parser.add_argument("--table", choices=tuple(SIZES), default="deepfashion-256x176")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder of the tables")
    add_task_options(parser, data_required=False)
    options = parser.parse_args(args)
    console = wide_console()
    folders = {name: Path(path) for name, path in options.results if not path.endswith(".json")}
    results = {name: from_json(Path(path)) for name, path in options.results if path.endswith(".json")}
    if len(folders) + len(results) < len(options.results):
        raise InputError("--results names a method twice; give each method its own name.")
    if folders and options.data is None:
        raise InputError("--results names folders of pictures, so --data must name the dataset to compare with.")
    if options.pairs is not None and options.data is None:
        raise InputError("--pairs lists pairs of a dataset, so --data must name it.")
    asked = task(options, SIZES[options.table]) if options.data is not None else None
    if folders and asked is not None:
        networks = Networks.load(asked.protocols, asked.device)
        for name, folder in folders.items():
            results[name] = evaluate_folder(folder, asked, networks, console).scores
    # Best-of-n is a figure of its own and has its own table.
    protocols = list(dict.fromkeys(protocol for scores in results.values() for protocol in scores)) or [PRESUMED]
    drawn = f"Measured on {options.data}, drawn mannequins: not comparable with the printed scores."
    of_data = [drawn] if options.data is not None and is_drawn(options.data) else []

    def noted(protocol: str, intervals: bool = False) -> Table:
        table = comparison(options.table, results, protocol, intervals)
        return replace(table, notes=[*of_data, *table.notes])

    tables = {protocol: noted(protocol) for protocol in protocols}
    sheet = [["protocol", *next(iter(tables.values())).header]]
    sheet += [[protocol, *row] for protocol, table in tables.items() for row in table.rows]
    path = options.out / options.table
    try:
        write_whole(path.with_suffix(".md"), "\n".join(table.markdown() for table in tables.values()))
        write_whole(path.with_suffix(".tex"), "\n".join(table.latex() for table in tables.values()))
        write_whole(path.with_suffix(".csv"), to_csv(sheet))
    except OSError as error:
        raise InputError(f"{options.out} cannot be written ({error.strerror}); name another --out.") from error
    for protocol in protocols:
        show(noted(protocol, intervals=True), console)
    print(f"The tables are in {path}.md, .tex and .csv.")
