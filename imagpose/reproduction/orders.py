"""The orders of rows that the paper speaks of, and which of them hold here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from imagpose.evaluation.metrics import FIGURE, METRICS, PAPERS, Metric, compared
from imagpose.evaluation.tables import Table, printed
from imagpose.reproduction.differences import (
    FEWEST_PEOPLE,
    Difference,
    Verdict,
    beside_figure,
    difference,
    verdict,
)  # fmt: skip
from imagpose.reproduction.paper import PaperTable
from imagpose.reproduction.rows import Row

HEADER = [
    "claim", "better", "worse", "metric", "paper's difference", "our difference", "low", "high", "pairs", "seeds",
    "seeds to decide", "verdict", "verdict by its own seeds",
]  # fmt: skip


@dataclass(frozen=True)
class Order:
    """Two rows and a metric: what the paper says of them, and what we found.

    Attributes:
        claim: The paper's.
        pair: The methods, the one that is said to be better first.
        metric: Its name; that of a figure's score begins with ``figure/``.
        expected: The paper's difference; None where its text alone tells the order.
        found: Ours; None where a row or its score is missing.
        verdict: Whether the order holds.
        alone: Whether it would if its own two rows told how much their difference differs from seed to seed; of one
            seed it is over people alone.
    """

    claim: str
    pair: tuple[str, str]
    metric: str
    expected: float | None
    found: Difference | None
    verdict: Verdict
    alone: Verdict

    def cells(self) -> list[object]:
        """Under ``HEADER``."""
        found = self.found or Difference(float("nan"), None, None, 0)
        ours = "" if self.found is None else f"{found.value:.6f}"
        bounds = ["" if end is None else f"{end:.6f}" for end in (found.low, found.high)]
        theirs = "" if self.expected is None else f"{self.expected:.6g}"
        seeds = found.seeds if self.found else ""
        needed = found.would_decide or "" if self.verdict == "undecided" else ""
        return [
            self.claim, *self.pair, self.metric, theirs, ours, *bounds, found.pairs, seeds, needed, self.verdict,
            self.alone,
        ]  # fmt: skip


def orders_of(table: PaperTable, rows: dict[str, list[Row]], protocol: str) -> list[Order]:
    """Every order of a table's claims, metric by metric.

    Args:
        table: Of the paper.
        rows: By method, each seed.
        protocol: By which they are compared.
    """
    papers = {row.method: row for row in printed(table.name)}
    measured = [(protocol, column, metric) for column, metric in PAPERS.items()]
    if not table.of_paper and any(row.drawn for seeds in rows.values() for row in seeds):
        measured += [("figure", metric.name, metric) for metric in compared(FIGURE)]
    orders = []
    for claim in table.claims:
        for one, other in claim.pairs:
            for where, column, metric in measured:
                theirs = [papers[method].number(column) if method in papers else None for method in (one, other)]
                expected = None if theirs[0] is None or theirs[1] is None else theirs[0] - theirs[1]
                # What is only drawn in a figure has the order that the text gives it.
                opposite = expected is not None and expected * metric.sign < 0
                turned = opposite and not claim.in_most_cases
                pair = (other, one) if turned else (one, other)
                expected = -expected if turned and expected is not None else expected
                name = f"figure/{metric.name}" if where == "figure" else metric.name
                if not set(pair) <= set(rows):
                    orders.append(Order(claim.text, pair, name, expected, None, "not run", "not run"))
                    continue
                order = float(metric.sign) if expected is None or claim.in_most_cases else expected
                found, alone = (
                    difference(rows[pair[0]], rows[pair[1]], where, metric.name, told)
                    for told in (table.alike(pair, rows), ())
                )
                verdicts = (_said(order, one, metric, opposite and not turned) for one in (found, alone))
                orders.append(Order(claim.text, pair, name, expected, found, *verdicts))
    return orders


def _said(order: float, found: Difference | None, metric: Metric, against_figure: bool) -> Verdict:
    if found is None:
        return "not measured"
    said = verdict(order, found, metric.margin)
    return beside_figure(said) if against_figure else said


def _ahead(table: PaperTable, orders: Sequence[Order]) -> list[str]:
    """Of claims about most cases, in how many the method that is said to be better is so."""
    notes = []
    for claim in (claim for claim in table.claims if claim.in_most_cases):
        for metric in PAPERS.values():
            some = [order for order in orders if (order.claim, order.metric) == (claim.text, metric.name)]
            found = [order for order in some if order.found is not None]
            printed_so = sum((order.expected or 0) * metric.sign > 0 for order in some)
            here = sum(order.found.value * metric.sign > 0 for order in found if order.found)
            ours = f"ours in {here} of {len(found)}" if found else "ours were not measured"
            notes.append(f"{claim.text}: {metric.heading} in {printed_so} of {len(some)} as printed, {ours}.")
    return notes


def summary(table: PaperTable, orders: Sequence[Order]) -> Table:
    """How many orders of each claim hold, and which do not."""
    shown = [kind for kind in get_args(Verdict) if any(order.verdict == kind for order in orders)]
    lines, notes = [], []
    for claim in dict.fromkeys(order.claim for order in orders):
        for metric in dict.fromkeys(order.metric for order in orders):
            some = [order for order in orders if (order.claim, order.metric) == (claim, metric)]
            counts = Counter(order.verdict for order in some)
            lines.append([claim, _metric(metric).heading, *(str(counts[kind] or "") for kind in shown)])
            for order in some:
                if order.verdict.startswith(("holds", "does not hold", "no difference")) and order.found is not None:
                    notes.append(_sentence(order, table.of_paper))
    named = "for which the paper prints the better figure, or that the claim names" if table.of_paper else "claimed"
    rule = (
        "An order holds, or does not, where the 95 % interval of the paired difference excludes 0; of two rows the "
        f"better is the one {named}. Fewer than {FEWEST_PEOPLE} people decide nothing. {_seeds_told(table, orders)}"
    )
    margins = {
        metric.title: metric.margin for metric in map(_metric, (order.metric for order in orders)) if metric.margin
    }
    if margins:
        within = ", ".join(f"{margin:g} of {title}" for title, margin in margins.items())
        rule += f" There is no difference where the whole interval is within {within}."
    if any(kind.endswith("the paper's figure") for kind in shown):
        rule += (
            " Of what the paper says of most cases, two rows whose figures it prints in the other order are told apart."
        )
    title = "The paper's orders" if table.of_paper else "Pair by pair"
    return Table(title, ["claim", "metric", *shown], lines, [rule, *_ahead(table, orders), *dict.fromkeys(notes)])


def _seeds_told(table: PaperTable, orders: Sequence[Order]) -> str:
    """Of what the intervals are."""
    seeds = [order.found.seeds for order in orders if order.found is not None]
    if max(seeds, default=1) == 1:
        return "It is of these trained runs: another seed may differ."
    blocks = list(dict.fromkeys(entry.block for entry in table.entries))
    told = "the table together"
    if len(blocks) > 1:
        told = f"a block together ({', '.join(blocks)}), and between blocks by the two rows alone"
    return (
        f"Intervals are over seeds (up to {max(seeds)}) and people; how much a difference differs from seed to seed is "
        f"told by all rows of {told}."
    )


def _metric(name: str) -> Metric:
    return FIGURE[name.removeprefix("figure/")] if name.startswith("figure/") else METRICS[name]


def _sentence(order: Order, of_paper: bool) -> str:
    found = order.found
    assert found is not None
    theirs = "" if order.expected is None else f", the paper's {order.expected:+.4f}"
    if of_paper and order.expected is None:
        theirs = ", which the paper says in words"
    return (
        f"{order.pair[0]} − {order.pair[1]}, {_metric(order.metric).heading}: {found.value:+.4f} [{found.low:+.4f}, "
        f"{found.high:+.4f}]{theirs}: {order.verdict}."
    )
