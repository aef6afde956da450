"""The table of panels and its figure: cost and paired quality by the number of panels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from imagpose.evaluation.metrics import FIGURE, METRICS, Metric
from imagpose.evaluation.tables import Table, cell
from imagpose.options.names import joined
from imagpose.reproduction.differences import difference, signed
from imagpose.reproduction.filled import PAPERS, Filled
from imagpose.reproduction.paper import UNIFORMITY
from imagpose.reproduction.plot import plain, save
from imagpose.reproduction.rows import Row
from imagpose.reproduction.timing import DISTILLED
from imagpose.reproduction.wide import Wide

Rows = Mapping[str, Row]


def compared(row: Row) -> tuple[str, Metric]:
    """The protocol and the metric of the SSIM by which rows are compared: inside the figure's box, if that is known."""
    return ("figure", FIGURE["ssim"]) if "figure" in row.scores else (next(iter(row.scores)), METRICS["ssim_256"])


def shown(row: Row) -> list[tuple[str, Metric]]:
    """The protocols and metrics of quality that a table shows, the one that rows are compared by first."""
    protocol, ssim = compared(row)
    own = next(name for name in row.scores if name != "figure")
    drawn = [("figure", FIGURE["pattern_at_1"]), ("figure", FIGURE["identity_at_1"])] if protocol == "figure" else []
    return [(protocol, ssim), (own, METRICS["lpips"]), *drawn]


def quality(row: Row, base: Row) -> list[str]:
    """The cells of what :func:`shown` names, the first followed by its difference to the base's, pair by pair."""
    metrics = shown(base)
    first, *others = (cell(metric, row.scores[name][metric.name]) for name, metric in metrics)
    protocol, ssim = metrics[0]
    minus = "–" if row is base else signed(difference([row], [base], protocol, ssim.name), ssim.digits)
    return [first, minus, *others]


def reasons(rows: Iterable[Row], base: Row) -> list[str]:
    """Why some of these cells are empty, each once."""
    scores = (row.scores[name][metric.name] for row in rows for name, metric in shown(base))
    return list(dict.fromkeys(one.reason for one in scores if one.reason))


def report(rows: Rows, ways: Sequence[Filled], trained: Collection[int], wide: Wide) -> Table:
    """The table of one call's rows.

    Args:
        rows: By way's name.
        ways: In order.
        trained: The numbers of panels that the model was trained on.
        wide: At whose width operations were counted too.
    """
    base = rows[PAPERS.name]
    (_, ssim), *others = shown(base)
    lines = []
    for way in ways:
        row, cost = rows[way.name], rows[way.name].cost
        each = {unit: cost[f"{unit}_per_image"] for unit in _UNITS}
        told = [cell for unit in _UNITS for cell in (f"{each[unit] / _UNITS[unit]:.4g}", _ratio(row, base, unit))]
        counts = [f"{cost['canvases']:.0f}", f"{cost['kept_images']:.0f}"]
        lines.append([str(way.panels), way.filling, way.guidance, *counts, *told, *quality(row, base)])
    header = [
        "panels", "filled with", "guided at", "canvases", "kept images", "s a kept image", "time ratio",
        "GFLOP a kept image", "FLOP ratio", f"TFLOP a kept image as {wide.name}", f"FLOP ratio as {wide.name}",
        ssim.heading, f"{ssim.title} − T1's", *(metric.heading for _, metric in others),
    ]  # fmt: skip
    notes = [
        *_notes(base, ways, trained, wide),
        *order_of_settings(rows),
        *reasons((rows[way.name] for way in ways), base),
    ]
    return Table("Panels: cost and quality", header, lines, notes)


_UNITS = {"seconds": 1.0, "flops": 1e9, "wide_flops": 1e12}


def order_of_settings(rows: Rows) -> list[str]:
    """By how much T3 is better than T2 and both than T1, in each metric; nothing of settings that were not drawn."""
    pairs = [pair for claim in UNIFORMITY.claims for pair in claim.pairs if set(pair) <= rows.keys()]
    if not pairs:
        return []
    told = []
    for name, metric in shown(rows[PAPERS.name]):
        found = (
            f"{better} − {worse} {signed(difference([rows[better]], [rows[worse]], name, metric.name), metric.digits)}"
            for better, worse in pairs
        )
        told.append(f"{metric.title}: {', '.join(found)}")
    return [f"The paper has T3 better than T2 and T2 better than T1. {'; '.join(told)}."]


def _ratio(row: Row, base: Row, unit: str) -> str:
    return f"{row.cost[f'{unit}_per_image'] / base.cost[f'{unit}_per_image']:.2f}"


def _notes(base: Row, ways: Sequence[Filled], trained: Collection[int], wide: Wide) -> list[str]:
    views = base.config["views"]
    notes = [
        f"Of each person one source and its {views - 1} other views as poses; all rows draw the same pairs. Poses that "
        "find no room on one canvas are spread over as few as hold them, which the column of canvases counts, and "
        f"sources are repeated where a person has fewer than a canvas takes ({views - 1} beside a pose).",
        f"Seconds: median of {base.cost['repeats']:.0f} batches of {base.cost['batch_size']:.0f} on {base.device}, the "
        f"whole pipeline from pictures to pictures in memory, all rows in turn ({base.config['measured']}).",
        "FLOP: counted by torch, a multiplication and an addition being two; all of it, encoding and decoding too. "
        f"As {wide.name}: the same canvases and steps at its width and {'×'.join(map(str, wide.size))}, on the meta "
        "device, where nothing is computed.",
        "Ratios are per kept image and to the paper's T1: four panels, guided at every step. Differences are to it "
        "too, pair by pair, with 95 % bootstrap intervals over people.",
        f"Quality on {base.samples} pairs of {base.data}, of {len(set(base.pairs.identities))} people, with 95 % "
        f"bootstrap intervals over people; guidance {base.config['guidance']:g}, {base.config['steps']} steps.",
    ]
    if others := sorted({way.panels for way in ways} - set(trained)):
        notes.append(
            f"{base.config['model']} was trained on canvases of {joined(sorted(trained))} panels: rows of "
            f"{joined(others)} show what it does untrained."
        )
    if base.drawn:
        notes.append("Drawn mannequins and a small network: neither speed nor quality compares with the paper's.")
    return notes


def to_lines(rows: Rows, ways: Sequence[Filled]) -> list[list[object]]:
    """The table as lines of a CSV: one a row, protocol and metric."""
    base = rows[PAPERS.name]
    lines: list[list[object]] = [[
        "row", "filling", "scenario", "steps", "guidance", "interval_low", "interval_high", *base.cost, "protocol",
        "metric", "value", "low", "high", "n", "minus_T1", "minus_T1_low", "minus_T1_high",
    ]]  # fmt: skip
    for way in ways:
        row = rows[way.name]
        about = [way.name, way.filling, way.scenario, way.steps, row.config["guidance"], *way.interval]
        for protocol, of in row.scores.items():
            for metric, one in of.items():
                found = None if row is base else difference([row], [base], protocol, metric)
                minus = [found.value, found.low, found.high] if found else ["", "", ""]
                scores = [protocol, metric, one.value, one.low, one.high, one.n]
                lines.append([*about, *(row.cost[name] for name in base.cost), *scores, *minus])
    return lines


# The figure ---------------------------------------------------------------------------------------------------------

_COLOURS, _GREY = {"": "#1f6f8b", "interval": "#c8553d", DISTILLED: "#8656a8"}, "#8a8a8a"


def figure(rows: Rows, ways: Sequence[Filled], wide: str, path: Path) -> None:
    """Write the figure as PNG, whole or not at all: a line a canvas, and a colour a manner of guidance.

    Args:
        rows: By way's name.
        ways: In order.
        wide: Name of the experiment at whose width operations were counted too.
        path: Of the file.
    """
    base = rows[PAPERS.name]
    protocol, ssim = compared(base)
    fillings = list(dict.fromkeys((way.panels, way.filling) for way in ways))
    drawing = Figure(figsize=(13, 0.5 * len(fillings) + 2), dpi=130, layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.subplots(1, 3)
    titles = ("seconds a kept image,\nshare of T1's", f"FLOP a kept image at {wide}'s width,\nshare of T1's",
              f"{ssim.title} minus T1's,\npair by pair, 95 % interval")  # fmt: skip
    for place, (one, title) in enumerate(zip(axes, titles, strict=True)):
        _prepare(one, fillings, place == 0)
        one.set_title(title, fontsize=10)
        one.axvline(0 if place == 2 else 1, color=_GREY, linestyle=":", linewidth=1)
    for way in ways:
        colour = _COLOURS[way.manner]
        height = fillings.index((way.panels, way.filling)) + 0.22 * (list(_COLOURS).index(way.manner) - 1)
        row = rows[way.name]
        for one, unit in zip(axes, ("seconds", "wide_flops"), strict=False):
            share = row.cost[f"{unit}_per_image"] / base.cost[f"{unit}_per_image"]
            one.plot([share], [height], "o", color=colour, markersize=6)
            one.annotate(f"{share:.2f}", (share, height), (6, 0), textcoords="offset points", va="center", fontsize=7,
                         color=colour)  # fmt: skip
        found = None if row is base else difference([row], [base], protocol, ssim.name)
        if found is not None:
            if found.low is not None and found.high is not None:
                axes[2].plot([found.low, found.high], [height] * 2, color=colour, linewidth=2, alpha=0.45)
            axes[2].plot([found.value], [height], "o", color=colour, markersize=6)
    for one in axes[:2]:
        one.set_xlim(0, one.get_xlim()[1] * 1.08)
    told = {way.manner: way.guidance if way.manner == DISTILLED else f"guided at {way.guidance}" for way in ways}
    keys = [Line2D([], [], color=_COLOURS[m], marker="o", linestyle="", label=label) for m, label in told.items()]
    drawing.legend(handles=keys, frameon=False, fontsize=9, loc="outside lower center", ncols=len(keys))
    data = "drawn mannequins, small network" if base.drawn else base.data
    drawing.suptitle(f"Panels: {data}, {base.device}, {base.samples} pairs", fontsize=11)
    save(drawing, path)


def _prepare(axes: Axes, fillings: Sequence[tuple[int, str]], named: bool) -> None:
    """Empty axes of a line a canvas, those of another number of panels apart."""
    labels = [f"{panels}: {filling}" for panels, filling in fillings]
    axes.set_yticks(range(len(fillings)), labels if named else [""] * len(fillings), fontsize=9)
    axes.set_ylim(len(fillings) - 0.5, -0.5)
    for place in range(1, len(fillings)):
        if fillings[place][0] != fillings[place - 1][0]:
            axes.axhline(place - 0.5, color="#d0d0d0", linewidth=0.8)
    plain(axes)
