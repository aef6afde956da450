"""``imagpose panels``: what a picture takes, and how good it is, on canvases of two, four, six and nine panels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from imagpose.data.mannequins.folder import MannequinSet
from imagpose.errors import InputError
from imagpose.evaluation.screen import wide_console
from imagpose.evaluation.tables import to_csv
from imagpose.generation.canvases import Canvas
from imagpose.options.ranges import DenoisingSteps, PositiveInt, SeveralViews, Timestep, check_interval
from imagpose.reproduction.chosen import TARGETS, choose
from imagpose.reproduction.filled import ALSO_IN_INTERVAL, CANVASES, EVERY_STEP, PAPERS, Filled
from imagpose.reproduction.panels_report import figure, report, to_lines
from imagpose.reproduction.rows import write_row
from imagpose.reproduction.sweep import run, tell, write_tables
from imagpose.reproduction.timing import DISTILLED, Way
from imagpose.reproduction.trained import StudentRequest, Trial
from imagpose.reproduction.wide import Wide

NINE_VIEWS = MannequinSet(identities=48, views=9, test_identities=40, seed=2)
"""People whom no shipped weights were trained on, nor any run on data/mannequins or data/crowd."""
_ON_SCREEN = (0, 1, 2, 5, 6, 8, 10, 12, 14, 15)  # columns of the table, of which not all find room


@dataclass(frozen=True, kw_only=True)
class PanelsRequest(StudentRequest):
    """What the table of panels is made of.

    Attributes:
        data: A dataset; mannequins of nine views are drawn if they are missing.
        sources: How many people, of each of whom one source is taken, and all their other views as poses.
        views: Of each person that are used, source and poses; nine fill nine panels, fewer are repeated.
        steps: Denoising steps.
        guidance_interval: The lowest and the highest timestep at which guidance counts in the rows with an interval;
            the others are guided at every step, as in the paper.
        repeats: Timed batches of each way; the median counts.
        wide: The experiment at whose width operations are counted too; nothing of it is loaded.
    """

    data: Path = Path("data/nine_views")
    sources: PositiveInt = 25
    views: SeveralViews = 9
    steps: DenoisingSteps = 20
    guidance_interval: tuple[Timestep, Timestep] = (500, 1000)
    repeats: PositiveInt = 3
    wide: str = "sd15_dinov2g"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_interval("--guidance_interval", self.guidance_interval)
        if self.guidance_interval == EVERY_STEP:
            raise InputError(
                "--guidance_interval is every step, which has rows of its own; give another, such as 500 1000."
            )


def panels(request: PanelsRequest) -> None:
    """Measure time, operations and quality of one trained model on canvases of 2, 4, 6 and 9 panels.

    All rows draw the same (source, target) pairs, some also with an interval of guidance, and all in a distilled
    model's few steps where there is one. Quality is compared pair by pair with the paper's T1, guided at every step.
    Poses that find no room are spread over several canvases. Pictures and their scores are made once; all rows are
    timed anew by each call, in turn.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    console = wide_console()
    wide = Wide.of(request.wide)
    choice = partial(
        choose, count=request.sources, seed=request.seed, targets=request.views - 1, further=request.views - 2
    )
    trial = Trial.of(request, "panels", choice, NINE_VIEWS)
    trial.check_many_steps()
    ways = _ways(request, trial.student.model.steps if trial.student else None)
    try:
        canvases: dict[Way, list[Canvas]] = {way: _canvases(trial, way, request.views) for way in ways}
        rows = run(trial, canvases, console, request.repeats)
        for way in ways:
            row, first = rows[way.name], canvases[way][0]
            counted = sum(wide.flops(first, way, trial.guidance).values())
            sizes = {
                "canvases": first.turns,
                "panels": way.panels,
                "wide_flops_per_image": counted / len(first.outputs),
            }
            config = {**row.config, "views": request.views}
            rows[way.name] = replace(row, cost={**row.cost, **sizes}, config=config)
            write_row(rows[way.name], request.results, trial.folder.name)
        table = report(rows, ways, trial.model.panels, wide)
        write_tables(trial.folder, table, to_csv(to_lines(rows, ways)))
        figure(rows, ways, wide.name, trial.folder / "figure.png")
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    tell(trial.folder, table, _ON_SCREEN, console)


def _ways(request: PanelsRequest, few: int | None) -> list[Filled]:
    """Every canvas at every step, some in the interval too, and all in the few steps of a distilled model."""
    ways = [
        replace(way, steps=request.steps, interval=interval)
        for way in CANVASES
        for interval in (EVERY_STEP, request.guidance_interval)
        if interval == EVERY_STEP or way.key in ALSO_IN_INTERVAL
    ]
    return ways + [replace(way, sampler=DISTILLED, steps=few) for way in CANVASES if few]


def _canvases(trial: Trial, way: Filled, views: int) -> list[Canvas]:
    sources = TARGETS if way.panels == PAPERS.panels else min(way.panels, views) - 1
    return trial.canvases(way.scenario, way.panels, sources, views - 1)
