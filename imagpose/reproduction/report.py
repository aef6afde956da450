"""A table of the paper with our rows beside it: Markdown, LaTeX, CSV and a plot, made of whatever rows are there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from imagpose.evaluation.metrics import FIGURE, METRICS, PAPERS, Metric, compared
from imagpose.evaluation.scoring import Score
from imagpose.evaluation.tables import PRESUMED, Table, cell, printed, to_csv
from imagpose.output.files import write_whole
from imagpose.reproduction.differences import score
from imagpose.reproduction.orders import HEADER, orders_of, summary
from imagpose.reproduction.paper import ALL, Entry, PaperTable, Scale
from imagpose.reproduction.parts import parts_table
from imagpose.reproduction.plot import draw
from imagpose.reproduction.rows import Row, read_rows

NOT_RUN = "not run"
_MINUS = "ours − paper's"
Rows = dict[str, list[Row]]


def render(name: str, results: Path, scale: Scale, protocol: str | None = None) -> list[Table]:
    """Write ``<results>/<table>/<scale>.md``, ``.tex``, ``.csv`` and ``.png``, and ``<scale>_orders.csv``.

    Several processes may do so at once: each looks, after it has written, whether rows have come in the meantime, so
    the last of them leaves all rows in the table.

    Args:
        name: Of the table.
        results: Folder of all tables.
        scale: Whose rows.
        protocol: By which to compare; None is what the paper presumably measured by, if every row has it, else
            ``strict``.

    Returns:
        The tables for the screen: scores, orders, what each part adds where the table has parts, runs.
    """
    table = ALL[name]
    folder, names = results / name / "rows", {entry.name(scale) for entry in table.trained()}

    def state() -> set[tuple[str, int]]:
        paths = (path for path in folder.glob("*.json") if path.stem.rpartition("-seed")[0] in names)
        return {(path.name, path.lstat().st_mtime_ns) for path in paths}  # a link to nothing is told when it is read

    while True:
        seen = state()
        tables = _write(table, results, scale, protocol)
        if state() == seen:
            return tables


def brief(scores: Table) -> Table:
    """The table of scores for a screen: without intervals and differences, which the files have."""
    kept = [i for i, heading in enumerate(scores.header) if heading != _MINUS]
    rows = [[re.sub(r" \[.*?\]", "", row[i]) for i in kept] for row in scores.rows]
    return replace(scores, header=[scores.header[i] for i in kept], rows=rows)


def _write(table: PaperTable, results: Path, scale: Scale, protocol: str | None) -> list[Table]:
    found = read_rows(results, table.name, [entry.name(scale) for entry in table.trained()])
    rows = {entry.method: found[entry.name(scale)] for entry in table.trained() if entry.name(scale) in found}
    protocol = protocol or _common_protocol(rows)
    orders = orders_of(table, rows, protocol)
    tables = [_scores(table, rows, protocol, scale), summary(table, orders), _runs(table, rows)]
    if (parts := parts_table(table, rows, protocol)) is not None:
        tables.insert(2, parts)
    place = results / table.name / scale
    write_whole(place.with_suffix(".md"), "\n".join(one.markdown() for one in tables))
    write_whole(place.with_suffix(".tex"), "\n".join(one.latex() for one in tables))
    write_whole(place.with_suffix(".csv"), _csv(table, rows))
    write_whole(place.with_name(f"{scale}_orders.csv"), to_csv([HEADER, *(order.cells() for order in orders)]))
    if rows:
        draw(table, rows, protocol, place.with_suffix(".png"))
    return tables


def _common_protocol(rows: Rows) -> str:
    each = [set(row.scores) for seeds in rows.values() for row in seeds]
    return PRESUMED if each and all(PRESUMED in one for one in each) else "strict"


def _drawn(rows: Rows) -> bool:
    return any(row.drawn for seeds in rows.values() for row in seeds)


# Scores -------------------------------------------------------------------------------------------------------------


def _scores(table: PaperTable, rows: Rows, protocol: str, scale: Scale) -> Table:
    columns: list[tuple[str, list[str]]] = [("", [entry.method for entry in table.entries])]
    papers = {row.method: row for row in printed(table.name)}
    reasons: list[str] = []
    for column, metric in PAPERS.items():
        theirs = [papers[e.method].number(column) if e.method in papers else None for e in table.entries]
        ours = [_of(rows, entry, protocol, metric) for entry in table.entries]
        heading = METRICS[column].heading
        if table.of_paper:
            columns.append((f"paper's {heading}", _bold(table, theirs, metric, [_plain(value) for value in theirs])))
        values = [None if one is None else one.value for one in ours]
        columns.append((f"our {heading}", _bold(table, values, metric, [_cell(metric, one) for one in ours])))
        if table.of_paper:
            columns.append((_MINUS, [_minus(one, two) for one, two in zip(values, theirs, strict=True)]))
        reasons += [one.reason for one in ours if one is not None and one.reason]
    if _drawn(rows):
        for metric in compared(FIGURE):
            ours = [_of(rows, entry, "figure", metric) for entry in table.entries]
            values = [None if one is None else one.value for one in ours]
            columns.append((metric.heading, _bold(table, values, metric, [_cell(metric, one) for one in ours])))
    title = f"{table.title}, {scale} scale, by {protocol}"
    body = list(zip(*(cells for _, cells in columns), strict=True))
    return Table(title, [heading for heading, _ in columns], body, _notes(table, rows, scale, reasons))


def _of(rows: Rows, entry: Entry, protocol: str, metric: Metric) -> Score | None:
    return score(rows[entry.method], protocol, metric.name) if entry.method in rows else None


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _cell(metric: Metric, one: Score | None) -> str:
    return NOT_RUN if one is None else cell(metric, one)


def _minus(one: float | None, two: float | None) -> str:
    return "–" if one is None or two is None else f"{one - two:+.4f}"


def _bold(table: PaperTable, values: Sequence[float | None], metric: Metric, cells: list[str]) -> list[str]:
    """Set the best of each block in bold, where there is something to be better than."""
    for block in dict.fromkeys(entry.block for entry in table.entries):
        there = [i for i, e in enumerate(table.entries) if e.block == block and values[i] is not None]
        if len(there) < 2:
            continue
        best = (min if metric.lower_is_better else max)(float(values[i] or 0) for i in there)
        for i in there:
            if values[i] == best:
                cells[i] = f"**{cells[i]}**"
    return cells


def _notes(table: PaperTable, rows: Rows, scale: Scale, reasons: Iterable[str]) -> list[str]:
    every = [row for seeds in rows.values() for row in seeds]
    notes = []
    if _drawn(rows):
        beside = ": the difference to the paper's figures tells nothing, the order of our rows may"
        notes.append(f"Measured on drawn mannequins with small networks{beside if table.of_paper else ''}.")
    if scale == "tiny":
        notes += table.caveats
    for what, values in (
        ("steps", {row.steps for row in every}), ("test pairs", {row.samples for row in every}),
        ("devices", {row.device for row in every}),
        ("seeds", {tuple(row.seed for row in seeds) for seeds in rows.values()}),
    ):  # fmt: skip
        if len(values) > 1:
            limit = ", by which times are not comparable" if what == "devices" else " and are not comparable in full"
            notes.append(f"Rows differ in their {what}{limit}: see below.")
    if any(len(seeds) > 1 for seeds in rows.values()):
        notes.append("Of several seeds: their mean and its 95 % interval over seeds and people.")
    if any(len(seeds) == 1 for seeds in rows.values()):
        notes.append("Of one seed: 95 % bootstrap interval over people; it tells nothing of another seed.")
    sources = dict.fromkeys(row.source for row in printed(table.name))
    return [*notes, *dict.fromkeys(reasons), *(f"Printed by: {source}." for source in sources)]


def _csv(table: PaperTable, rows: Rows) -> str:
    header = ["method", "experiment", "seed", "protocol", "metric", "value", "low", "high", "n", "steps", "reason"]
    lines = [
        [entry.method, row.experiment, row.seed, protocol, metric, s.value, s.low, s.high, s.n, row.steps, s.reason]
        for entry in table.entries
        for row in rows.get(entry.method, [])
        for protocol, of in row.scores.items()
        for metric, s in of.items()
    ]
    return to_csv([header, *lines])


# Runs ---------------------------------------------------------------------------------------------------------------


def _runs(table: PaperTable, rows: Rows) -> Table:
    lines = []
    for entry in table.entries:
        for row in rows.get(entry.method, []):
            took = "–" if row.seconds is None else f"{row.seconds / 60:.1f} min"
            memory = "–" if row.peak_memory is None else f"{row.peak_memory / 2**30:.1f} GiB"
            lines.append([
                entry.method, row.experiment, str(row.seed), str(row.steps or "–"), str(row.samples), took, row.device,
                memory, row.data, row.commit or "–",
            ])  # fmt: skip
    header = ["", "experiment", "seed", "steps", "test pairs", "training", "device", "peak memory", "data", "commit"]
    return Table("The runs", header, lines)
