"""The tables of Figure 8: cost and paired quality, what is counted at full width, and few steps against many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagpose.evaluation.tables import Table
from imagpose.generation.canvases import Canvas
from imagpose.reproduction.differences import difference, signed
from imagpose.reproduction.panels_report import quality, reasons, shown
from imagpose.reproduction.report import NOT_RUN
from imagpose.reproduction.rows import Row
from imagpose.reproduction.timing import DISTILLED, Way
from imagpose.reproduction.wide import Wide
from imagpose.sampler import Guidance

COMPARATORS = ("PIDM", "PoCoLD", "CFLD")
"""The other methods of the figure, which are not run here."""
COUNTED_ELSEWHERE = {"PIDM": 112.0, "CFLD": 122.0}
"""TFLOP of one 256×176 picture; CFLD's is what it takes at least."""
Rows = Mapping[str, Row]

_PAPER = (
    "The paper says of its own settings and hardware (Sec. 4.1, Figure 8) that IMAGPose is nearly 8 times faster than "
    "PIDM, and nearly 3 times faster than PoCoLD and CFLD; these are not run here."
)
_DRAWN = "Drawn mannequins and a small network: neither speed nor quality compares with the paper's."


def report(rows: Rows, ways: Sequence[Way], base: Way) -> Table:
    """The table of one call's rows.

    Args:
        rows: By way's name.
        ways: In order.
        base: To which costs and quality are compared.
    """
    first = rows[base.name]
    (_, ssim), *others = shown(first)
    lines = []
    for way in ways:
        row = rows[way.name]
        cost = row.cost
        ratios = [f"{cost[name] / first.cost[name]:.3f}" for name in ("seconds_per_image", "flops_per_image")]
        lines.append([
            way.label, f"{cost['masked_panels']:.0f}", f"{cost['kept_images']:.0f}",
            f"{cost['seconds_per_canvas']:.4g}",
            f"{cost['seconds_per_image']:.4g}", ratios[0], f"{cost['flops_per_image'] / 1e9:.4g}", ratios[1],
            *quality(row, first),
        ])  # fmt: skip
    header = [
        "", "masked panels", "kept images", "s a canvas", "s a kept image", "time ratio", "GFLOP a kept image",
        "FLOP ratio", ssim.heading, f"{ssim.title} − {base.label}'s", *(metric.heading for _, metric in others),
    ]  # fmt: skip
    lines += [[name, *[NOT_RUN] * (len(header) - 1)] for name in COMPARATORS]
    notes = [
        f"Seconds: median of {first.cost['repeats']:.0f} batches of {first.cost['batch_size']:.0f} canvases on "
        f"{first.device}, the whole pipeline from pictures to pictures in memory, all rows in turn "
        f"({first.config['measured']}).",
        f"Ratios are per kept image and to {base.label}; of T1's masked panels, which all show one pose, one is kept. "
        "pair: one source and one pose on two panels.",
        "FLOP: counted by torch, a multiplication and an addition being two; all of it, encoding and decoding too.",
        f"Quality on {first.samples} pairs of {first.data}, with 95 % bootstrap intervals over people; differences "
        "are pair by pair.",
        _PAPER,
        *reasons((rows[way.name] for way in ways), first),
        *([_DRAWN] if first.drawn else []),
    ]
    return Table("Figure 8: speed and quality", header, lines, notes)


def counted(canvases: Mapping[Way, Canvas], base: Way, guidance: Guidance, wide: Wide) -> Table:
    """What a picture takes at a full-size experiment's width, and which part of it is what.

    Args:
        canvases: One of each way.
        base: To which the others are compared.
        guidance: Of the ways that are guided; some have an interval of their own.
        wide: At whose width operations are counted.
    """
    parts = {}
    for way, canvas in canvases.items():
        found = wide.flops(canvas, way, guidance)
        parts[way] = {name: value / len(canvas.outputs) / 1e12 for name, value in found.items()}
    whole = {way: sum(of.values()) for way, of in parts.items()}
    lines = [
        [way.label, *(f"{one:.2f}" for one in of.values()), f"{whole[way]:.2f}",
         *(f"{one / whole[way]:.1f}" for one in (whole[base], *COUNTED_ELSEWHERE.values()))]
        for way, of in parts.items()
    ]  # fmt: skip
    lines += [
        [name, "", "", "", f"{'≥ ' if name == 'CFLD' else ''}{value:.0f}", f"{whole[base] / value:.2f}", "", ""]
        for name, value in COUNTED_ELSEWHERE.items()
    ]
    header = [
        "", "conditions", "predictions", "decoding", "TFLOP a kept image",
        *(f"times less than {name}" for name in (base.label, *COUNTED_ELSEWHERE)),
    ]  # fmt: skip
    height, width = wide.size
    return Table(
        f"Figure 8: counted at the width of {wide.name}", header, lines,
        [
            f"TFLOP a kept image of {height}×{width}, a multiplication and an addition being two; on the meta device, "
            "where nothing is computed.",
            "conditions: VAE and image encoder on each source, once, FLC, ILC and the pose maps; a black panel's "
            "latent is computed once for all pictures and is not in it. predictions: UNet and CVA, twice a guided "
            "step. decoding: the VAE on what is kept.",
            "PIDM's and CFLD's numbers were counted elsewhere, from their published code on a picture of 256×176; this "
            "command does not count them.",
        ],
    )  # fmt: skip


def against(rows: Rows, ways: Sequence[Way], base: Way) -> Table:
    """The distilled model's ways minus the many steps it learned from, and minus its own number of steps undistilled.

    Args:
        rows: By way's name.
        ways: In order.
        base: The many steps.
    """
    metrics = shown(rows[base.name])
    lines = []
    for way in (way for way in ways if way.sampler == DISTILLED):
        same = [one for one in ways if (one.scenario, one.panels) == (way.scenario, way.panels)]
        many = [one for one in same if one.sampler == base.sampler and one.steps == base.steps and one.w(None) is None]
        plain = [one for one in same if one.steps == way.steps and one.w(None) == 1]
        for other in dict.fromkeys([base, *(one for one in many if one.interval is None), *plain]):
            found = [difference([rows[way.name]], [rows[other.name]], of, metric.name) for of, metric in metrics]
            told = [signed(one, metric.digits) for one, (_, metric) in zip(found, metrics, strict=True)]
            lines.append([way.label, other.label, *told])
    first = rows[base.name]
    note = (
        f"Pair by pair on {first.samples} pairs of {first.data}, from the same noise, with 95 % bootstrap intervals "
        "over people."
    )
    header = ["", "minus", *(metric.heading for _, metric in metrics)]
    return Table("Figure 8: few distilled steps against others", header, lines, [note])


def lines_of(rows: Rows, ways: Sequence[Way], base: Way) -> list[list[object]]:
    """The first table as lines of a CSV: one a row, protocol and metric."""
    costs = list(rows[base.name].cost)
    lines: list[list[object]] = [
        ["row", "sampler", "steps", "scenario", "guidance", *costs, "protocol", "metric", "value", "low", "high", "n"]
    ]
    for way in ways:
        row = rows[way.name]
        about = [way.name, way.sampler, way.steps, way.scenario, row.config["guidance"]]
        lines += [
            [*about, *(row.cost[name] for name in costs), protocol, metric, one.value, one.low, one.high, one.n]
            for protocol, of in row.scores.items()
            for metric, one in of.items()
        ]
    return lines
