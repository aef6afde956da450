"""A table as a plot: a panel a metric, a line a row with its interval; the paper's own figures above, if it has any."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from imagpose.evaluation.metrics import FIGURE, METRICS, PAPERS
from imagpose.evaluation.scoring import Score
from imagpose.evaluation.tables import printed
from imagpose.output.files import write_whole
from imagpose.reproduction.differences import score
from imagpose.reproduction.paper import Entry, PaperTable
from imagpose.reproduction.rows import Row

_PAPER, _OURS = "#8a8a8a", ("#1f6f8b", "#c8553d", "#5b8e3e")  # one colour a block


def draw(table: PaperTable, rows: dict[str, list[Row]], protocol: str, path: Path) -> None:
    """Write a table's plot as PNG, whole or not at all.

    Where a metric was not measured there is no panel; mannequins have one of pattern@1 instead of FID.

    Args:
        table: Of the paper.
        rows: By method.
        protocol: By which they are compared.
        path: Of the file.
    """
    drawn = any(row.drawn for seeds in rows.values() for row in seeds)
    panels = [(column, METRICS[column].title, protocol, metric) for column, metric in PAPERS.items()]
    if drawn:
        panels.append(("", FIGURE["pattern_at_1"].title, "figure", FIGURE["pattern_at_1"]))
    papers = {row.method: row for row in printed(table.name)}
    shown = []
    for column, title, name, metric in panels:
        ours = {row: one for row, seeds in rows.items() if (one := score(seeds, name, metric.name)).value is not None}
        told = {row: value for row, of in papers.items() if column and (value := of.number(column)) is not None}
        if ours:
            better = "lower" if metric.lower_is_better else "higher"
            shown.append((f"{title}, {better} is better", told, ours))
    if not shown:
        return
    entries = list(table.entries)
    height = 0.26 * len(entries) + 0.9
    high = 1 + table.of_paper
    figure = Figure(figsize=(3.1 * len(shown) + 1.6, high * height + 0.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(high, len(shown), squeeze=False)
    blocks = list(dict.fromkeys(entry.block for entry in entries))
    for place, (heading, told, ours) in enumerate(shown):
        if table.of_paper:
            _papers(axes[0][place], entries, told, place == 0)
        _panel(axes[-1][place], entries, ours, [_OURS[blocks.index(entry.block)] for entry in entries], place == 0)
        axes[0][place].set_title(heading, fontsize=10)
    first = next(iter(rows.values()))[0]
    if table.of_paper:
        axes[0][0].set_ylabel("the paper", fontsize=9)
        axes[1][0].set_ylabel("here", fontsize=9)
    counts = [len(some) for some in rows.values()]
    fewest, seeds = min(counts), max(counts)
    span = f"{seeds}" if fewest == seeds else f"{fewest} to {seeds}"
    steps = max(row.steps or 0 for some in rows.values() for row in some)
    trained = f"here {steps:,} steps, " if steps else ""
    data = "drawn mannequins and small networks" if drawn else first.data
    about = f"{trained}{span} seed{'s' if seeds > 1 else ''}, {first.samples:,} pairs of {data}\n"
    about += "95 % interval of each row by itself; the table's orders are paired, and see more"
    figure.suptitle(f"{table.title}; {about}", fontsize=11)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_whole(path, picture.getvalue())


def _papers(axes: Axes, entries: Sequence[Entry], told: dict[str, float], named: bool) -> None:
    values = {method: Score(value) for method, value in told.items()}
    _panel(axes, entries, values, [_PAPER] * len(entries), named)
    if not told:
        axes.text(0.5, 0.5, "the paper has none", ha="center", va="center", transform=axes.transAxes, color=_PAPER)
        axes.set_xticks([])


def _panel(axes: Axes, entries: Sequence[Entry], scores: dict[str, Score], colours: Sequence[str], named: bool) -> None:
    for place, (entry, colour) in enumerate(zip(entries, colours, strict=True)):
        one = scores.get(entry.method)
        if one is None or one.value is None:
            if named and scores:
                axes.text(0.02, place, "–", transform=axes.get_yaxis_transform(), va="center", fontsize=8)
            continue
        if one.low is not None and one.high is not None:
            axes.plot(
                [one.low, one.high], [place, place], color=colour, linewidth=2, alpha=0.45, solid_capstyle="round"
            )
        axes.plot([one.value], [place], "o", color=colour, markersize=5)
    axes.set_yticks(
        range(len(entries)), [entry.method for entry in entries] if named else [""] * len(entries), fontsize=8
    )
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(5))  # figures of four digits beside each other
    plain(axes)


def plain(axes: Axes) -> None:
    """Axes of horizontal lines: a light grid behind them, no ticks beside the names, and no frame but the bottom."""
    axes.grid(axis="x", color="#e4e4e4")
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
