"""``imagpose speed``: the paper's Figure 8, what a picture takes against its quality."""

from __future__ import annotations

from dataclasses import dataclass

from imagpose.errors import InputError
from imagpose.evaluation.screen import wide_console
from imagpose.evaluation.tables import to_csv
from imagpose.options.names import joined
from imagpose.options.ranges import PositiveInt
from imagpose.reproduction.speed_figure import figure
from imagpose.reproduction.speed_report import against, counted, lines_of, report
from imagpose.reproduction.sweep import run, tell, write_tables
from imagpose.reproduction.timing import DISTILLED, Way
from imagpose.reproduction.trained import StudentRequest, Trial
from imagpose.reproduction.wide import Wide

_ON_SCREEN = (0, 4, 5, 7, 8, 9, 10)  # columns of the table, of which not all find room


BASE = Way("DDIM", 20)
"""The paper's; costs are told as ratios to its."""
SWEEP = (
    Way("DDIM", 5), Way("DDIM", 10), BASE, Way("DDIM", 50), Way("DDIM", 20, "T2"), Way("DDIM", 20, "T3"),
    Way("DDIM", 20, "IMAGPose*"), Way("DPM++ 2M", 10), Way("DPM++ 2M", 20), Way("UniPC", 10),
    Way("DDIM", 20, guided=False), Way("DDIM", 20, interval=(500, 1000)), Way("DDIM", 20, "auto", panels=2),
    Way("DDIM", 4, guided=False), Way("DPM++ 2M", 4, guided=False), Way("DDIM", 1, guided=False),
)  # fmt: skip
"""Of any model."""
FEW = (
    Way(DISTILLED, 4), Way(DISTILLED, 2), Way(DISTILLED, 1), Way(DISTILLED, 4, "auto", panels=2),
    Way(DISTILLED, 4, "IMAGPose*"),
)  # fmt: skip
"""Of a model that was distilled from it."""


@dataclass(frozen=True, kw_only=True)
class SpeedRequest(StudentRequest):
    """What Figure 8 is made of.

    Attributes:
        sources: How many people, of each of whom one source and three targets are taken.
        repeats: Timed batches of each way; the median counts.
        rows: Names of the ways to draw, such as ddim-20-T1, with which all others are compared; all unless given.
        wide: The experiment at whose width operations are counted too; nothing of it is loaded.
    """

    sources: PositiveInt = 12
    repeats: PositiveInt = 5
    rows: tuple[str, ...] = ()
    wide: str = "sd15_dinov2g"


def speed(request: SpeedRequest) -> None:
    """Measure time, operations and quality of one trained model by steps, samplers and scenarios: Figure 8.

    Where there is a model that was distilled from it, its few steps are drawn and timed beside. Pictures and their
    scores are made once; all ways are timed anew by each call, in turn, since only times of one call may be compared.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    console = wide_console()
    every = {way.name: way for way in (*SWEEP, *(FEW if request.student else ()))}
    if unknown := [name for name in request.rows if name not in every]:
        raise InputError(f"--rows {unknown[0]} is none of the ways, which are {joined(sorted(every))}.")
    ways = [way for name, way in every.items() if not request.rows or way == BASE or name in request.rows]
    wide = Wide.of(request.wide)
    trial = Trial.of(request, "speed")
    trial.check_many_steps()
    try:
        canvases = {way: trial.canvases(way.scenario, way.panels) for way in ways}
        rows = run(trial, canvases, console, request.repeats)
        protocol = trial.task.protocols[0].name
        table = report(rows, ways, BASE)
        write_tables(trial.folder, table, to_csv(lines_of(rows, ways, BASE)))
        whole = counted({way: canvases[way][0] for way in ways}, BASE, trial.guidance, wide)
        write_tables(trial.folder, whole, to_csv([whole.header, *whole.rows]), "counted")
        if any(way.sampler == DISTILLED for way in ways):
            few = against(rows, ways, BASE)
            write_tables(trial.folder, few, to_csv([few.header, *few.rows]), "distilled")
        figure(rows, ways, BASE, protocol, trial.folder / "figure.png")
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    tell(trial.folder, table, _ON_SCREEN, console)
