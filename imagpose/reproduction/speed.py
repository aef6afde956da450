"""``imagpose speed``: the paper's Figure 8, what a picture takes against its quality."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.evaluation.metrics import PAPERS
from imagpose.evaluation.scoring import Score
from imagpose.evaluation.screen import wide_console
from imagpose.evaluation.tables import Table, cell, to_csv
from imagpose.options.ranges import PositiveInt
from imagpose.reproduction.plot import save
from imagpose.reproduction.report import NOT_RUN
from imagpose.reproduction.rows import Row
from imagpose.reproduction.sweep import run, tell, write_tables
from imagpose.reproduction.timing import SAMPLERS, Way
from imagpose.reproduction.trained import Trial, TrialRequest

COMPARATORS = ("PIDM", "PoCoLD", "CFLD")
"""The other methods of the figure, which are not run here."""

_PAPER = (
    "The paper says of its own settings and hardware (Sec. 4.1, Figure 8) that IMAGPose is nearly 8 times faster than "
    "PIDM, and nearly 3 times faster than PoCoLD and CFLD; these are not run here."
)
_ON_SCREEN = (0, 5, 6, 9, 10, 11)  # columns of the table, of which not all find room


BASE = Way("DDIM", 20)
"""The paper's; costs are told as ratios to its."""
SWEEP = (
    Way("DDIM", 5), Way("DDIM", 10), BASE, Way("DDIM", 50), Way("DDIM", 20, "T2"), Way("DDIM", 20, "T3"),
    Way("DDIM", 20, "IMAGPose*"), Way("DPM++ 2M", 10), Way("DPM++ 2M", 20), Way("UniPC", 10),
    Way("DDIM", 20, guided=False),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SpeedRequest(TrialRequest):
    """What Figure 8 is made of.

    Attributes:
        sources: How many people, of each of whom one source and three targets are taken.
        repeats: Timed batches of each way; the median counts.
    """

    sources: PositiveInt = 12
    repeats: PositiveInt = 5


def speed(request: SpeedRequest) -> None:
    """Measure time, operations and quality of one trained model by steps, samplers and scenarios: Figure 8.

    Pictures and their scores are made once; all ways are timed anew by each call, in turn, since only times of one call
    may be compared.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    console = wide_console()
    trial = Trial.of(request, "speed")
    trial.check_many_steps()
    try:
        rows = run(trial, {way: trial.canvases(way.scenario) for way in SWEEP}, console, request.repeats)
        table = report(rows, trial.task.protocols[0].name)
        write_tables(trial.folder, table, _csv(rows))
        figure(rows, trial.task.protocols[0].name, trial.folder / "figure.png")
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    tell(trial.folder, table, _ON_SCREEN, console)


# Telling ------------------------------------------------------------------------------------------------------------

_QUALITY = tuple(PAPERS.values())


def report(rows: Mapping[str, Row], protocol: str) -> Table:
    """The table of one call's rows.

    Args:
        rows: By way's name.
        protocol: Whose scores to show.
    """
    base, lines, reasons = rows[BASE.name].cost, [], []
    for way in SWEEP:
        row = rows[way.name]
        cost, scores = row.cost, row.scores[protocol]
        times = [cost[f"seconds_per_{unit}"] for unit in ("canvas", "panel", "image")]
        ratios = [cost[name] / base[name] for name in ("seconds_per_image", "flops_per_image")]
        lines.append([
            way.label, f"{cost['masked_panels']:.0f}", f"{cost['kept_images']:.0f}", *(f"{one:.4g}" for one in times),
            f"{ratios[0]:.2f}", f"{cost['flops_per_canvas'] / 1e9:.4g}", f"{cost['flops_per_image'] / 1e9:.4g}",
            f"{ratios[1]:.2f}", *(cell(metric, scores[metric.name]) for metric in _QUALITY),
        ])  # fmt: skip
        reasons += [scores[metric.name].reason for metric in _QUALITY]
    header = [
        "", "masked panels", "kept images", "s a canvas", "s a masked panel", "s a kept image", "time ratio",
        "GFLOP a canvas", "GFLOP a kept image", "FLOP ratio", *(metric.heading for metric in _QUALITY),
    ]  # fmt: skip
    lines += [[name, *[NOT_RUN] * (len(header) - 1)] for name in COMPARATORS]
    row = rows[BASE.name]
    notes = [
        f"Seconds: median of {base['repeats']:.0f} batches of {base['batch_size']:.0f} canvases on {row.device}, the "
        f"whole pipeline from pictures to pictures in memory, all rows in turn ({row.config['measured']}).",
        f"Ratios are per kept image and to {BASE.label}; of T1's masked panels, which all show one pose, one is kept.",
        "FLOP: counted by torch, a multiplication and an addition being two; all of it, encoding and decoding too.",
        f"Quality by {protocol} on {row.samples} pairs of {row.data}, with 95 % bootstrap intervals over people.",
        _PAPER,
        *dict.fromkeys(reason for reason in reasons if reason),
    ]
    if row.drawn:
        notes.append("Drawn mannequins and a small network: neither speed nor quality compares with the paper's.")
    return Table("Figure 8: speed and quality", header, lines, notes)


def _csv(rows: Mapping[str, Row]) -> str:
    costs = list(rows[BASE.name].cost)
    header = ["sampler", "steps", "scenario", "guidance", *costs, "protocol", "metric", "value", "low", "high", "n"]
    lines = [
        [way.sampler, way.steps, way.scenario, row.config["guidance"], *(row.cost[name] for name in costs), protocol,
         metric, score.value, score.low, score.high, score.n]
        for way in SWEEP
        for row in [rows[way.name]]
        for protocol, of in row.scores.items()
        for metric, score in of.items()
    ]  # fmt: skip
    return to_csv([header, *lines])


_COLOURS = dict(zip(SAMPLERS, ("#1f6f8b", "#c8553d", "#5b8e3e"), strict=True))
_MARKERS: dict[Setting, str] = {"T1": "o", "T2": "s", "T3": "^", "IMAGPose*": "*"}


def figure(rows: Mapping[str, Row], protocol: str, path: Path) -> None:
    """Write the figure as PNG, whole or not at all.

    Args:
        rows: By way's name.
        protocol: Whose ``ssim_256`` to show.
        path: Of the file.
    """
    drawing = Figure(figsize=(10, 6), dpi=130, layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot()
    axes.set_xscale("log")
    seconds = {way: rows[way.name].cost["seconds_per_image"] for way in SWEEP}
    low, high = min(seconds.values()) / 1.2, max(seconds.values()) * 1.2
    axes.set_xlim(low, high)
    after = 0.0  # where the next label may stand: ways of like cost would write over each other
    for way in sorted(SWEEP, key=lambda way: seconds[way]):
        score, colour = rows[way.name].scores[protocol]["ssim_256"], _COLOURS[way.sampler]
        if score.value is None:
            continue
        below, above = _reach(score)
        axes.errorbar(
            seconds[way], score.value, yerr=[[below], [above]], fmt=_MARKERS[way.scenario], color=colour,
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
    keys = [Line2D([], [], color=colour, marker="o", linestyle="", label=name) for name, colour in _COLOURS.items()]
    keys += [Line2D([], [], color=grey, marker=m, linestyle="", label=name) for name, m in _MARKERS.items()]
    keys.append(Line2D([], [], color=grey, marker="o", markerfacecolor="white", linestyle="", label="without guidance"))
    axes.legend(handles=keys, frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    base = rows[BASE.name]
    data = "drawn mannequins, small network" if base.drawn else base.data
    told = f"{data}, {base.device}, batches of {base.cost['batch_size']:.0f}"
    drawing.suptitle(f"Speed and quality: {told}\n", fontsize=11)
    save(drawing, path)


def _reach(score: Score) -> tuple[float, float]:
    """How far an interval reaches below and above its value."""
    if score.value is None or score.low is None or score.high is None:
        return 0.0, 0.0
    return score.value - score.low, score.high - score.value
