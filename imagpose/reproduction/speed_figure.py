"""Figure 8: seconds a kept image against quality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from imagpose.evaluation.scoring import Score
from imagpose.reproduction.plot import save
from imagpose.reproduction.rows import Row
from imagpose.reproduction.timing import DISTILLED, SAMPLERS, Way

_COLOURS = dict(zip((*SAMPLERS, DISTILLED), ("#1f6f8b", "#c8553d", "#5b8e3e", "#8656a8"), strict=True))
_MARKERS = {"T1": "o", "T2": "s", "T3": "^", "IMAGPose*": "*", "pair": "D"}


def figure(rows: Mapping[str, Row], ways: Sequence[Way], base: Way, protocol: str, path: Path) -> None:
    """Write the figure as PNG, whole or not at all.

    Args:
        rows: By way's name.
        ways: In order.
        base: Of which machine and data are told.
        protocol: Whose ``ssim_256`` to show.
        path: Of the file.
    """
    drawing = Figure(figsize=(10, 6), dpi=130, layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot()
    axes.set_xscale("log")
    seconds = {way: rows[way.name].cost["seconds_per_image"] for way in ways}
    low, high = min(seconds.values()) / 1.2, max(seconds.values()) * 1.2
    axes.set_xlim(low, high)
    after = 0.0  # where the next label may stand: ways of like cost would write over each other
    for way in sorted(ways, key=lambda way: seconds[way]):
        score, colour = rows[way.name].scores[protocol]["ssim_256"], _COLOURS[way.sampler]
        if score.value is None:
            continue
        below, above = _reach(score)
        axes.errorbar(
            seconds[way], score.value, yerr=[[below], [above]], fmt=_MARKERS[way.canvas], color=colour,
            ecolor=f"{colour}77", elinewidth=1.4, capsize=4, markersize=13 if way.scenario == "IMAGPose*" else 8,
            markerfacecolor=colour if way.guided else "white",
        )  # fmt: skip
        place = max(math.log(seconds[way] / low) / math.log(high / low), after)
        after = place + 0.03
        axes.annotate(
            way.label.replace(", T1", ""), (seconds[way], score.value + above), (place, 1.04), rotation=90,
            textcoords="axes fraction", ha="center", va="bottom", fontsize=9, color=colour,
            arrowprops={
                "arrowstyle": "-", "color": "#999999", "linestyle": ":", "linewidth": 0.8, "relpos": (0.5, 0),
                "shrinkA": 0, "shrinkB": 1,
            },
        )  # fmt: skip
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("seconds a kept image, logarithmic")
    axes.set_ylabel(f"SSIM_256 by {protocol}, 95 % interval")
    axes.grid(which="both", color="#e4e4e4")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    grey = "#777777"
    used, canvases = {way.sampler for way in ways}, {way.canvas for way in ways}
    keys = [
        Line2D([], [], color=c, marker="o", linestyle="", label=name) for name, c in _COLOURS.items() if name in used
    ]
    keys += [
        Line2D([], [], color=grey, marker=m, linestyle="", label=name)
        for name, m in _MARKERS.items()
        if name in canvases
    ]
    keys.append(Line2D([], [], color=grey, marker="o", markerfacecolor="white", linestyle="", label="without guidance"))
    axes.legend(handles=keys, frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    first = rows[base.name]
    data = "drawn mannequins, small network" if first.drawn else first.data
    told = f"{data}, {first.device}, batches of {first.cost['batch_size']:.0f}"
    drawing.suptitle(f"Speed and quality: {told}\n", fontsize=11)
    save(drawing, path)


def _reach(score: Score) -> tuple[float, float]:
    """How far an interval reaches below and above its value."""
    if score.value is None or score.low is None or score.high is None:
        return 0.0, 0.0
    return score.value - score.low, score.high - score.value
