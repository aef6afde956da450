"""Scores by region as a table, a CSV and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from imagpose.data.readers.index import Index
from imagpose.data.scenarios import Setting
from imagpose.evaluation.intervals import summarise
from imagpose.evaluation.matching import Pair
from imagpose.evaluation.metrics import FIGURE, METRICS, Metric
from imagpose.evaluation.scoring import Score
from imagpose.evaluation.tables import Table, cell
from imagpose.evaluation.visibility import FEWEST, REGIONS, Parted, Region
from imagpose.reproduction.differences import Difference, signed
from imagpose.reproduction.plot import plain, save
from imagpose.reproduction.rows import Row

SETTINGS: tuple[Setting, ...] = ("T1", "T2", "T3")
_METRICS = {
    "ssim": Metric("ssim", "SSIM"), "psnr": FIGURE["psnr"], "lpips": METRICS["lpips"],
    "identity_at_1": FIGURE["identity_at_1"], "pattern_at_1": FIGURE["pattern_at_1"],
}  # fmt: skip
_SHOWN = ("ssim", "lpips", "pattern_at_1")


@dataclass(frozen=True)
class ByRegion:
    """All pairs by region.

    Attributes:
        parted: By pair, in order.
        index: The dataset, which knows whom a pair shows.
    """

    parted: Mapping[Pair, Parted]
    index: Index

    def values(self, region: Region, setting: Setting, metric: str) -> dict[Pair, float]:
        """A metric of the pairs that have one there."""
        every = {pair: one.scores.get(region, {}).get(setting, {}) for pair, one in self.parted.items()}
        return {pair: scores[metric] for pair, scores in every.items() if metric in scores}

    def mean(self, region: Region, setting: Setting, metric: str) -> Score:
        """Their mean, with its interval over people."""
        found = self.values(region, setting, metric)
        if not found:
            return Score(None, reason=f"{metric} was measured of no pair there.")
        return Score.mean(list(found.values()), self._people(found))

    def gain(self, region: Region, setting: Setting, metric: str) -> Difference | None:
        """A setting's mean less T1's, pair by pair."""
        ours, base = (self.values(region, one, metric) for one in (setting, "T1"))
        both = [pair for pair in ours if pair in base]
        if not both:
            return None
        people = self._people(both)
        of = summarise("d", [ours[pair] - base[pair] for pair in both], people)
        return Difference(of["d"], of.get("d_low"), of.get("d_high"), len(both), len(set(people)))

    def share(self, region: Region) -> float:
        """Of the figure's pixels, on average over pairs."""
        return float(np.mean([one.shares[region] for one in self.parted.values()]))

    def lines(self) -> list[list[object]]:
        """One line of each pair, region and setting."""
        lines: list[list[object]] = [["from", "to", "region", "share", "setting", *_METRICS]]
        for (source, target), one in self.parted.items():
            for region in REGIONS:
                for setting in SETTINGS:
                    scores = one.scores.get(region, {}).get(setting, {})
                    told = [f"{scores[metric]:.6g}" if metric in scores else "" for metric in _METRICS]
                    lines.append([source, target, region, f"{one.shares[region]:.4f}", setting, *told])
        return lines

    def _people(self, pairs: Sequence[Pair] | Mapping[Pair, float]) -> list[str]:
        return [self.index.records[target].person for _, target in pairs]


def report(parted: ByRegion, base: Row) -> Table:
    """The table: a line a region and setting.

    Args:
        parted: All pairs.
        base: T1's row of whole pictures, which says of what these are.
    """
    metrics = [_METRICS[name] for name in _SHOWN]
    header = ["target's pixels", "share of the figure", "setting", "pairs"]
    for metric in metrics:
        header += [metric.heading, f"{metric.title} − T1's"]
    body = []
    for region, what in REGIONS.items():
        for setting in SETTINGS:
            cells = []
            for metric in metrics:
                gain = None if setting == "T1" else parted.gain(region, setting, metric.name)
                minus = "–" if gain is None else signed(gain, metric.digits)
                cells += [cell(metric, parted.mean(region, setting, metric.name)), minus]
            pairs = str(len(parted.values(region, setting, "ssim")))
            body.append([what, f"{parted.share(region):.2f}", setting, pairs, *cells])
    notes = [
        "T1 and T2 see the source alone, T3 two views more; all draw the same targets. A pixel is shown where at least "
        "half of what it shows of the figure can be seen in the source, as the renderer knows.",
        f"Of {base.samples} pairs of {base.data}, {len(set(base.pairs.identities))} people; a region counts where it "
        f"has {FEWEST} pixels. Means are over a region's pixels, then over pairs, with 95 % bootstrap intervals over "
        "people; differences are pair by pair.",
        "SSIM's windows and LPIPS's network reach over a region's edge, so these two differ less between regions than "
        "the pixels do. pattern@1 is of pairs whose patterns differ in the region. FID has no regions.",
        f"{base.config['model']}, guidance {base.config['guidance']:g}, {base.config['steps']} steps.",
    ]
    return Table("What sources show, and what they do not", header, body, notes)


def to_lines(parted: ByRegion) -> list[list[object]]:
    """The table as lines of a CSV: one a region, setting and metric."""
    lines: list[list[object]] = [[
        "region", "share", "setting", "metric", "value", "low", "high", "n", "minus_T1", "minus_low", "minus_high",
    ]]  # fmt: skip
    for region in REGIONS:
        for setting in SETTINGS:
            for metric in _METRICS:
                one = parted.mean(region, setting, metric)
                gain = None if setting == "T1" else parted.gain(region, setting, metric)
                minus = [gain.value, gain.low, gain.high] if gain else ["", "", ""]
                share = f"{parted.share(region):.4f}"
                lines.append([region, share, setting, metric, one.value, one.low, one.high, one.n, *minus])
    return lines


_COLOURS = {"T1": "#8a8a8a", "T2": "#c8553d", "T3": "#1f6f8b"}
_EDGES = (0.0, 0.02, 0.1, 0.2, 0.35, 1.0)  # of the share that only further sources show


def figure(parted: ByRegion, whole: Mapping[Setting, Row], path: Path) -> None:
    """Write the figure as PNG, whole or not at all.

    On the left SSIM by region; on the right what T3 gains over T1 in the whole figure's box, by how much of the figure
    only its further sources show.

    Args:
        parted: All pairs.
        whole: Rows of whole pictures by setting.
        path: Of the file.
    """
    drawing = Figure(figsize=(11, 4.2), dpi=130, layout="constrained")
    FigureCanvasAgg(drawing)
    left, right = drawing.subplots(1, 2)
    for number, setting in enumerate(SETTINGS):
        for place, region in enumerate(REGIONS):
            at = place + 0.2 * (number - 1)
            one = parted.mean(region, setting, "ssim")
            if one.value is None:
                continue
            if one.low is not None and one.high is not None:
                left.plot([at, at], [one.low, one.high], color=_COLOURS[setting], linewidth=3, alpha=0.45)
            left.plot([at], [one.value], "o", color=_COLOURS[setting], label=setting if place == 0 else None)
    named = [f"{what}\n({parted.share(region):.0%} of the figure)" for region, what in REGIONS.items()]
    left.set_xticks(range(len(REGIONS)), named, fontsize=8)
    left.set_title("SSIM of pixels …", fontsize=10)
    left.legend(frameon=False, fontsize=9)
    plain(left)
    _gain_by_share(right, parted, whole)
    base = whole["T1"]
    drawing.suptitle(f"Copied and invented: {base.samples} pairs of drawn mannequins, 95 % intervals", fontsize=11)
    save(drawing, path)


def _gain_by_share(axes: Axes, parted: ByRegion, whole: Mapping[Setting, Row]) -> None:
    three, one = (np.array(whole[setting].pairs.values["figure/ssim"]) for setting in ("T3", "T1"))
    gains = three - one
    shares = np.array([of.shares["others"] for of in parted.parted.values()])
    people = np.array(whole["T1"].pairs.identities)
    axes.axhline(0, color="#8a8a8a", linestyle=":", linewidth=1)
    axes.plot(shares, gains, ".", color=_COLOURS["T3"], alpha=0.25, markersize=5)
    for low, high in pairwise(_EDGES):
        some = (shares >= low) & ((shares < high) | (high == 1))
        if not some.any():
            continue
        of = summarise("g", gains[some].tolist(), people[some].tolist())
        at = float(shares[some].mean())
        if "g_low" in of:
            axes.plot([at, at], [of["g_low"], of["g_high"]], color="black", linewidth=2)
        axes.plot([at], [of["g"]], "o", color="black")
    axes.set_xlabel("share of the figure that only further sources show", fontsize=9)
    axes.set_title("T3's SSIM minus T1's, in the figure's box", fontsize=10)
    plain(axes)
