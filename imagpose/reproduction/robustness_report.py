"""The table of robustness and its figures: every disturbance minus the undisturbed setting, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from imagpose.evaluation.metrics import Metric
from imagpose.evaluation.tables import Table, cell
from imagpose.reproduction.differences import difference, score, signed
from imagpose.reproduction.disturbances import NOISE_HEIGHT
from imagpose.reproduction.disturbed import UNDISTURBED, Disturbed, base_of
from imagpose.reproduction.panels_report import reasons, shown
from imagpose.reproduction.plot import plain, save
from imagpose.reproduction.rows import Row

Rows = Mapping[str, Row]
_NOTES = {
    "noise": "Keypoint noise: Gaussian, on x and y of every visible joint of the poses to draw and of the sources' "
    "poses. σ is in pixels of a picture {noise_height} pixels high, in this model's {height} it is σ × {scale:g}. Each "
    "pose has one draw, which σ scales; no joint leaves the picture.",
    "missing": "Missing joints: of the poses to draw and of the sources' poses, that share of the visible joints is "
    "dropped, and one at least is left; a larger share drops the same joints and more.",
    "swapped": "Wrong left and right: left joints are called right ones and the other way round, in the pose to draw "
    "(target), in the sources' poses, or in both.",
    "busy": "Busy backgrounds: the sources are the same people in the same poses, drawn before busy backgrounds. The "
    "truth keeps its plain one, as nothing tells a model of another: what a picture takes over of the sources' "
    "backgrounds is an error, to LPIPS everywhere, to the figure's SSIM within its box, to identity@1 and pattern@1 "
    "within the outlines of people.",
    "disagree": "Sources that disagree: the last one or two of T3's three sources are pictures of one other person of "
    "the test split, with that person's poses. The first, which FLC looks at, is the right one.",
}


def report(rows: Rows, ways: Sequence[Disturbed], height: int) -> tuple[Table, list[list[object]]]:
    """The table, and its lines for a CSV.

    Args:
        rows: By way's name.
        ways: In order.
        height: Of the model's pictures, in pixels.
    """
    first = rows[ways[0].name]
    metrics = shown(first)
    body: list[list[str]] = []
    lines: list[list[object]] = [[
        "row", "kind", "strength", "setting", "protocol", "metric", "value", "low", "high", "minus_undisturbed",
        "minus_low", "minus_high",
    ]]  # fmt: skip
    for way in ways:
        row, base = rows[way.name], rows[base_of(way).name]
        cells = []
        for protocol, metric in metrics:
            one, found = score([row], protocol, metric.name), None
            if row is not base:
                found = difference([row], [base], protocol, metric.name)
            cells += [cell(metric, one), "–" if row is base else signed(found, metric.digits)]
            minus = [found.value, found.low, found.high] if found else ["", "", ""]
            about = [way.name, way.kind, way.strength, way.scenario, protocol, metric.name]
            lines.append([*about, one.value, one.low, one.high, *minus])
        body.append([way.title, way.says, way.scenario, *cells])
    header = ["disturbance", "strength", "setting"]
    for _, metric in metrics:
        header += [metric.heading, f"{metric.title} − undisturbed's"]
    notes = [*_notes(first, ways, height), *reasons((rows[way.name] for way in ways), first)]
    return Table("Robustness of one trained model", header, body, notes), lines


def _notes(first: Row, ways: Sequence[Disturbed], height: int) -> list[str]:
    config, scale = first.config, height / NOISE_HEIGHT
    notes = [
        f"{first.samples} pairs of {len(set(first.pairs.identities))} people of {first.data}; {config['model']}, "
        f"guidance {config['guidance']:g}, {config['steps']} steps, the same noise in all. Only what the model is "
        "given is disturbed, never what its pictures are scored against.",
        "Differences are to the same setting undisturbed, pair by pair, with 95 % bootstrap intervals over people.",
    ]
    notes += [
        _NOTES[kind].format(noise_height=NOISE_HEIGHT, height=height, scale=scale)
        for kind in dict.fromkeys(way.kind for way in ways if way.kind != UNDISTURBED)
    ]
    if first.drawn:
        notes.append("Drawn mannequins and a small network: neither quality nor robustness compares with the paper's.")
    return notes


# The figures --------------------------------------------------------------------------------------------------------

_COLOUR, _GREY = "#1f6f8b", "#8a8a8a"


def figure(rows: Rows, ways: Sequence[Disturbed], path: Path) -> None:
    """Write the figure of one kind of disturbance as PNG, whole or not at all: a panel a metric, a line a strength.

    Args:
        rows: By way's name.
        ways: Of that kind, in order.
        path: Of the file.
    """
    base = rows[base_of(ways[0]).name]
    metrics = [(name, metric) for name, metric in shown(base) if base.scores[name][metric.name].value is not None]
    drawing = Figure(figsize=(3.4 * len(metrics) + 1.6, 0.5 * len(ways) + 1.9), dpi=130, layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.subplots(1, len(metrics), squeeze=False)[0]
    for place, (one, (protocol, metric)) in enumerate(zip(axes, metrics, strict=True)):
        _panel(one, [rows[way.name] for way in ways], base, protocol, metric)
        one.set_yticks(range(len(ways)), [way.says for way in ways] if not place else [""] * len(ways), fontsize=9)
    data = "drawn mannequins, small network" if base.drawn else base.data
    drawing.suptitle(
        f"{ways[0].title.capitalize()} in {ways[0].scenario}: {base.config['model']}, {data}, {base.samples} pairs\n"
        "minus the undisturbed, pair by pair, 95 % interval",
        fontsize=10,
    )
    save(drawing, path)


def _panel(axes: Axes, rows: Sequence[Row], base: Row, protocol: str, metric: Metric) -> None:
    axes.axvline(0, color=_GREY, linestyle=":", linewidth=1)
    for place, row in enumerate(rows):
        found = difference([row], [base], protocol, metric.name)
        if found is None:
            continue
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [place] * 2, color=_COLOUR, linewidth=2, alpha=0.45)
        axes.plot([found.value], [place], "o", color=_COLOUR, markersize=6)
    better = "lower" if metric.lower_is_better else "higher"
    undisturbed = f"undisturbed {base.scores[protocol][metric.name].value:.{metric.digits}f}"
    axes.set_title(f"{metric.title}, {better} is better\n{undisturbed}", fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))  # small differences have long figures
    plain(axes)
