"""Writes the tables of docs/evidence.md from the orders in results/: which of the paper's claims hold, and how many."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from imagpose.evaluation.metrics import METRICS
from imagpose.evaluation.tables import Table
from imagpose.reproduction.paper import ALL, PaperTable

PAGE = Path(__file__).with_name("evidence.md")
RESULTS = PAGE.parents[1] / "results"
BEGIN, END = "<!-- python -m docs.evidence writes from here -->", "<!-- to here -->"
KINDS = ("holds", "no difference", "does not hold", "undecided", "not measured", "not run")

Order = dict[str, str]


def main() -> None:
    """Put the tables of what is in results/ between the page's two marks."""
    PAGE.write_text(page(PAGE.read_text()))


def page(text: str) -> str:
    """A text with the tables between its two marks."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{rest.split(END)[1]}"


def tables() -> str:
    """Every claim of the paper's tables and figures, a line each metric, and how many orders have which verdict."""
    found = {table: orders for table in ALL.values() if table.of_paper and (orders := _orders(table))}
    lines = [line for table, orders in found.items() for line in _lines(table, orders)]
    header = ["claim", "metric", "differences", "pairs", "seeds", "verdicts"]
    return Table(
        "The paper's orders", header, lines, _totals([one for some in found.values() for one in some])
    ).markdown()


def _orders(table: PaperTable) -> list[Order]:
    path = RESULTS / table.name / "tiny_orders.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _kind(order: Order, column: str = "verdict") -> str:
    """Its verdict, without what the paper's own figure says."""
    return next(kind for kind in KINDS if order[column].startswith(kind))


def _lines(table: PaperTable, orders: Sequence[Order]) -> list[list[str]]:
    lines = []
    for claim in dict.fromkeys(order["claim"] for order in orders):
        for metric in ("ssim_256", "lpips"):
            some = [order for order in orders if (order["claim"], order["metric"]) == (claim, metric)]
            measured = [order for order in some if order["our difference"]]
            lines.append([
                f"{table.title.split(':')[0]}: {claim}", METRICS[metric].heading,
                _span(measured, "our difference", "+.4f"), _span(measured, "pairs"), _span(measured, "seeds"),
                _told(some),
            ])  # fmt: skip
    return lines


def _span(orders: Sequence[Order], column: str, form: str = "g") -> str:
    """The smallest and the largest value of a column."""
    texts = [f"{value:{form}}" for value in sorted(float(order[column]) for order in orders if order.get(column))]
    return " to ".join(dict.fromkeys([*texts[:1], *texts[-1:]]))


def _totals(orders: Sequence[Order]) -> list[str]:
    there = [order for order in orders if order["metric"] != "fid"]
    different = list({(order["better"], order["worse"], order["metric"]): order for order in there}.values())
    alone = Counter(_kind(order, "verdict by its own seeds") for order in there)["undecided"]
    return [
        f"By SSIM and LPIPS there are {len(there)} orders: {_told(there)}.",
        f"{_undecided(there)}; {alone} would be if each difference's own seeds alone told its spread.",
        f"{len(there) - len(different)} stand under two claims. There are {len(different)} different ones: "
        f"{_told(different)}. {_undecided(different)}.",
        f"{len(orders) - len(there)} more are by FID, whose Inception weights were not at hand: none is measured.",
    ]


def _told(orders: Sequence[Order]) -> str:
    """How many have which verdict."""
    counts = Counter(map(_kind, orders))
    return ", ".join(f"{kind} {counts[kind]}" for kind in KINDS if counts[kind])


def _undecided(orders: Sequence[Order]) -> str:
    measured = [order for order in orders if order["our difference"]]
    undecided = sum(_kind(order) == "undecided" for order in measured)
    return f"{undecided} of the {len(measured)} that are measured are undecided"


if __name__ == "__main__":
    main()
