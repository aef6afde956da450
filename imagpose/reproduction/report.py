"""A table of the paper with our rows beside it: Markdown, LaTeX, CSV and a plot, made of whatever rows are there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from imagpose.evaluation.scoring import Score
from imagpose.evaluation.tables import HEADINGS, PRESUMED, Printed, Table, cell, printed, to_csv
from imagpose.reproduction.differences import (
    FEWEST_PEOPLE,
    LOWER_IS_BETTER,
    Difference,
    Verdict,
    difference,
    score,
    verdict,
)
from imagpose.reproduction.paper import ALL, Entry, PaperTable, Scale
from imagpose.reproduction.plot import draw
from imagpose.reproduction.rows import Row, read_rows
from imagpose.runs import write_atomically

NOT_RUN = "not run"
_MINUS = "ours − paper's"
PAPERS = {"ssim": "ssim_256", "lpips": "lpips", "fid": "fid"}
"""The paper's metrics, and what each presumably is among ours: its SSIM is that of values 0 … 255."""
FIGURE = {"ssim": "figure's SSIM ↑", "identity_at_1": "identity@1 ↑", "pattern_at_1": "pattern@1 ↑"}
"""What mannequins have beside them, under the protocol ``figure``."""
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
        The tables for the screen: scores, orders, runs.
    """
    table = ALL[name]
    folder, names = results / name / "rows", {entry.name(scale) for entry in table.trained()}

    def state() -> set[tuple[str, int]]:
        paths = (path for path in folder.glob("*.json") if path.stem.rpartition("-seed")[0] in names)
        return {(path.name, path.stat().st_mtime_ns) for path in paths}

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
    orders = _orders(table, rows, protocol, scale)
    tables = [_scores(table, rows, protocol, scale), _summary(table, orders), _runs(table, rows)]
    place = results / table.name / scale
    write_atomically(place.with_suffix(".md"), "\n".join(one.markdown() for one in tables))
    write_atomically(place.with_suffix(".tex"), "\n".join(one.latex() for one in tables))
    write_atomically(place.with_suffix(".csv"), _csv(table, rows))
    write_atomically(place.with_name(f"{scale}_orders.csv"), to_csv([_ORDER, *(order.cells() for order in orders)]))
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
    for paper_metric, metric in PAPERS.items():
        theirs = [_number(papers.get(entry.method), paper_metric) for entry in table.entries]
        ours = [_of(rows, entry, protocol, metric) for entry in table.entries]
        heading = HEADINGS[paper_metric]
        columns.append((f"paper's {heading}", _bold(table, theirs, metric, [_plain(value) for value in theirs])))
        values = [None if one is None else one.value for one in ours]
        columns.append((f"our {heading}", _bold(table, values, metric, [_cell(metric, one) for one in ours])))
        columns.append((_MINUS, [_minus(one, two) for one, two in zip(values, theirs, strict=True)]))
        reasons += [one.reason for one in ours if one is not None and one.reason]
    if _drawn(rows):
        for metric, heading in FIGURE.items():
            ours = [_of(rows, entry, "figure", metric) for entry in table.entries]
            values = [None if one is None else one.value for one in ours]
            columns.append((heading, _bold(table, values, metric, [_cell(metric, one) for one in ours])))
    title = f"{table.title}, {scale} scale, by {protocol}"
    body = list(zip(*(cells for _, cells in columns), strict=True))
    return Table(title, [heading for heading, _ in columns], body, _notes(table, rows, scale, reasons))


def _of(rows: Rows, entry: Entry, protocol: str, metric: str) -> Score | None:
    return score(rows[entry.method], protocol, metric) if entry.method in rows else None


def _number(row: Printed | None, metric: str) -> float | None:
    text = getattr(row, metric) if row else ""
    return float(text) if text else None


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _cell(metric: str, one: Score | None) -> str:
    return NOT_RUN if one is None else cell(metric, one)


def _minus(one: float | None, two: float | None) -> str:
    return "–" if one is None or two is None else f"{one - two:+.4f}"


def _bold(table: PaperTable, values: Sequence[float | None], metric: str, cells: list[str]) -> list[str]:
    """Set the best of each block in bold, where there is something to be better than."""
    for block in dict.fromkeys(entry.block for entry in table.entries):
        there = [i for i, e in enumerate(table.entries) if e.block == block and values[i] is not None]
        if len(there) < 2:
            continue
        best = (min if metric in LOWER_IS_BETTER else max)(float(values[i] or 0) for i in there)
        for i in there:
            if values[i] == best:
                cells[i] = f"**{cells[i]}**"
    return cells


def _notes(table: PaperTable, rows: Rows, scale: Scale, reasons: Iterable[str]) -> list[str]:
    every = [row for seeds in rows.values() for row in seeds]
    notes = []
    if _drawn(rows):
        notes.append(
            "Measured on drawn mannequins with small networks: the difference to the paper's figures tells nothing, "
            "the order of our rows may."
        )
    if scale == "tiny" and any(claim.of_encoders for claim in table.claims):
        notes += [
            "The encoders are miniatures, untrained: their order is undecided by construction.",
            "The bases are our own small ones, of which one predicts noise as SD V1.5 does and one v as SD V2.1: their "
            "order is that of these two.",
        ]
    for what, values in (
        ("steps", {row.steps for row in every}), ("test pairs", {row.samples for row in every}),
        ("devices", {row.device for row in every}),
        ("seeds", {tuple(row.seed for row in seeds) for seeds in rows.values()}),
    ):  # fmt: skip
        if len(values) > 1:
            limit = ", by which times are not comparable" if what == "devices" else " and are not comparable in full"
            notes.append(f"Rows differ in their {what}{limit}: see below.")
    if any(len(seeds) > 1 for seeds in rows.values()):
        notes.append("Of several seeds: their mean and Student's 95 % interval over them.")
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


# Orders -------------------------------------------------------------------------------------------------------------

_ORDER = [
    "claim", "better", "worse", "metric", "paper's difference", "our difference", "low", "high", "pairs", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class _Order:
    """Two rows and a metric: what the paper says of them, and what we found."""

    claim: str
    pair: tuple[str, str]
    metric: str
    expected: float | None
    found: Difference | None
    verdict: Verdict

    def cells(self) -> list[object]:
        found = self.found or Difference(float("nan"), None, None, 0)
        ours = "" if self.found is None else f"{found.value:.6f}"
        bounds = ["" if end is None else f"{end:.6f}" for end in (found.low, found.high)]
        theirs = "" if self.expected is None else f"{self.expected:.6g}"
        return [self.claim, *self.pair, self.metric, theirs, ours, *bounds, found.pairs, self.verdict]


def _orders(table: PaperTable, rows: Rows, protocol: str, scale: Scale) -> list[_Order]:
    papers = {row.method: row for row in printed(table.name)}
    orders = []
    for claim in table.claims:
        for one, other in claim.pairs:
            for paper_metric, metric in PAPERS.items():
                sign = -1 if metric in LOWER_IS_BETTER else 1
                theirs = [_number(papers.get(method), paper_metric) for method in (one, other)]
                expected = None if theirs[0] is None or theirs[1] is None else theirs[0] - theirs[1]
                # What is only drawn in a figure has the order that the text gives it.
                turned = not claim.in_most_cases and expected is not None and expected * sign < 0
                pair = (other, one) if turned else (one, other)
                expected = -expected if turned and expected is not None else expected
                there = all(method in rows for method in pair)
                found = difference(rows[pair[0]], rows[pair[1]], protocol, metric) if there else None
                said: Verdict = "not measured" if there else "not run"
                if found is not None:
                    order = float(sign) if expected is None or claim.in_most_cases else expected
                    said = verdict(order, found, claim.of_encoders and scale == "tiny")
                orders.append(_Order(claim.text, pair, metric, expected, found, said))
    return orders


def _ahead(table: PaperTable, orders: Sequence[_Order]) -> list[str]:
    """Of claims about most cases, in how many the method that is said to be better is so."""
    notes = []
    for claim in (claim for claim in table.claims if claim.in_most_cases):
        for metric in PAPERS.values():
            some = [order for order in orders if (order.claim, order.metric) == (claim.text, metric)]
            found = [order for order in some if order.found is not None]
            sign = -1 if metric in LOWER_IS_BETTER else 1
            printed_so = sum((order.expected or 0) * sign > 0 for order in some)
            here = sum(order.found.value * sign > 0 for order in found if order.found)
            ours = f"ours in {here} of {len(found)}" if found else "ours were not measured"
            notes.append(f"{claim.text}: {HEADINGS[metric]} in {printed_so} of {len(some)} as printed, {ours}.")
    return notes


def _summary(table: PaperTable, orders: Sequence[_Order]) -> Table:
    """How many orders of each claim hold, and which do not."""
    shown = [kind for kind in get_args(Verdict) if any(order.verdict == kind for order in orders)]
    lines, notes = [], []
    for claim in dict.fromkeys(order.claim for order in orders):
        for metric in dict.fromkeys(order.metric for order in orders):
            some = [order for order in orders if (order.claim, order.metric) == (claim, metric)]
            counts = Counter(order.verdict for order in some)
            lines.append([claim, HEADINGS[metric], *(str(counts[kind] or "") for kind in shown)])
            for order in some:
                if order.verdict in ("holds", "does not hold") and order.found is not None:
                    notes.append(_sentence(order))
    rule = (
        "An order holds, or does not, where the 95 % interval of the paired difference excludes 0; of two rows the "
        "better is the one for which the paper prints the better figure, or that the claim names. It is of these "
        f"trained runs: another seed may differ. Fewer than {FEWEST_PEOPLE} people decide nothing."
    )
    return Table(
        "The paper's orders", ["claim", "metric", *shown], lines, [rule, *_ahead(table, orders), *dict.fromkeys(notes)]
    )


def _sentence(order: _Order) -> str:
    found = order.found
    assert found is not None
    theirs = "which the paper says in words" if order.expected is None else f"the paper's {order.expected:+.4f}"
    return (
        f"{order.pair[0]} − {order.pair[1]}, {HEADINGS[order.metric]}: {found.value:+.4f} [{found.low:+.4f}, "
        f"{found.high:+.4f}], {theirs}: {order.verdict}."
    )


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
