"""Figure 6 as a plot: a panel each for R2G, G2R and Jab, a line a method, and the paper's number beside."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from imagpose.evaluation.scoring import Score
from imagpose.options.names import amount
from imagpose.reproduction.plot import plain, save
from imagpose.study.counting import Counted
from imagpose.study.questions import Key
from imagpose.study.report import PRINTED

_OURS, _PAPER, _CHANCE = "#1f6f8b", "#c8553d", "#8a8a8a"


def draw(counted: Counted, key: Key, path: Path) -> None:
    """Write the plot as PNG, whole or not at all.

    Args:
        counted: What votes say.
        key: Whose pictures were shown.
        path: Of the file.
    """
    panels = [("R2G", counted.r2g, 50.0), ("G2R", counted.g2r, 50.0), ("Jab", counted.jab, 100 / len(key.methods))]
    panels = [(name, of, chance) for name, of, chance in panels if any(s.value is not None for s in of.values())]
    height = 0.34 * len(key.methods) + 1.9
    figure = Figure(figsize=(3.2 * len(panels) + 1.2, height), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for place, (name, of, chance) in enumerate(panels):
        _panel(axes[place], name, of, key.methods, chance, named=place == 0)
    lines = {line.get_label(): line for one in axes for line in one.get_legend_handles_labels()[0]}
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    about = "drawn mannequins, not the paper's pictures" if key.drawn else "higher is better"
    figure.suptitle(
        f"User study: {amount(len(counted.votes), 'rater')}, {about}\n95 % intervals over raters and items", fontsize=10
    )
    save(figure, path)


def _panel(axes: Axes, name: str, of: dict[str, Score], methods: tuple[str, ...], chance: float, named: bool) -> None:
    axes.axvline(chance, color=_CHANCE, linestyle=":", linewidth=1.2, label="by chance")
    if name in PRINTED:
        axes.axvline(
            PRINTED[name], color=_PAPER, linestyle="--", linewidth=1.2, label="IMAGPose, as the paper prints it"
        )
    for place, method in enumerate(methods):
        score = of.get(method, Score(None))
        if score.value is None:
            axes.text(0.02, place, "not asked", transform=axes.get_yaxis_transform(), va="center", fontsize=8)
            continue
        if score.low is not None and score.high is not None:
            axes.plot([score.low, score.high], [place, place], color=_OURS, linewidth=2.5, alpha=0.45)
        axes.plot([score.value], [place], "o", color=_OURS, markersize=5)
    axes.set_title(f"{name}, %", fontsize=10)
    axes.set_xlim(0, 100)
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.set_yticks(range(len(methods)), methods if named else [""] * len(methods), fontsize=9)
    plain(axes)
