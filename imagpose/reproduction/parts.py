"""What each part of a model adds, by rows of a table that differ in nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagpose.evaluation.metrics import FIGURE, PAPERS, Metric, compared
from imagpose.evaluation.tables import Table
from imagpose.reproduction.differences import Gains, gains_by_pair, signed
from imagpose.reproduction.paper import PaperTable
from imagpose.reproduction.rows import Row

Rows = Mapping[str, Sequence[Row]]


def parts_table(table: PaperTable, rows: Rows, protocol: str) -> Table | None:
    """What each part adds where all else is equal, and the mean of a part's differences.

    Some orders that the paper's text speaks of swap one part for another, or add two at once. A part's own doing shows
    in two rows of which one has it and the other does not, once beside each choice of the other parts that is there.

    Args:
        table: Of the paper.
        rows: By method, each seed.
        protocol: By which they are compared.

    Returns:
        None for a table without parts, or without two rows that differ by one alone.
    """
    metrics = [(protocol, metric) for metric in PAPERS.values() if not metric.of_set]
    if any(row.drawn for seeds in rows.values() for row in seeds):
        metrics += [("figure", metric) for metric in compared(FIGURE)]
    lines = []
    for part, pairs in table.parts:
        there = [pair for pair in pairs if set(pair) <= set(rows)]
        by_metric = [[_gains(table, pair, rows, of, metric) for pair in there] for of, metric in metrics]
        for number, (ours, theirs) in enumerate(there):
            cells = [_cell([gains[number]], metric) for gains, (_, metric) in zip(by_metric, metrics, strict=True)]
            lines.append([part, f"{ours} − {theirs}", *cells])
        if len(there) > 1:
            cells = [_cell(gains, metric) for gains, (_, metric) in zip(by_metric, metrics, strict=True)]
            lines.append([part, "their mean", *cells])
    if not lines:
        return None
    notes = ["Intervals are as those of the orders; not all of these comparisons are among the paper's orders."]
    return Table("What each part adds", ["part", "rows", *(metric.heading for _, metric in metrics)], lines, notes)


def _gains(table: PaperTable, pair: tuple[str, str], rows: Rows, protocol: str, metric: Metric) -> Gains | None:
    return gains_by_pair(rows[pair[0]], rows[pair[1]], protocol, metric.name, table.alike(pair, rows))


def _cell(gains: Sequence[Gains | None], metric: Metric) -> str:
    there = [one for one in gains if one is not None]
    if len(there) < len(gains):
        return "n/a"
    if len(there) == 1:
        return signed(there[0].mean(), metric.digits)
    if not set.intersection(*(set(one.seeds) for one in there)):
        return "n/a"
    return signed(Gains.mean_of(there).mean(), metric.digits)
