"""``imagpose visibility``: what a trained model copies and what it invents, by what the sources show of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from imagpose.data.mannequins.folder import is_drawn
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.evaluation.clothes import cases
from imagpose.evaluation.matching import Pair, read
from imagpose.evaluation.scoring import Networks
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import to_csv
from imagpose.evaluation.visibility import Parted, Split, lpips_by_region, score_all
from imagpose.generation.canvases import Canvas
from imagpose.options.ranges import DenoisingSteps
from imagpose.output.files import write_whole
from imagpose.output.progress import progress
from imagpose.reproduction.sweep import run, write_tables
from imagpose.reproduction.timing import Way
from imagpose.reproduction.trained import Trial, TrialRequest
from imagpose.reproduction.visibility_report import SETTINGS, ByRegion, figure, report, to_lines


@dataclass(frozen=True, kw_only=True)
class VisibilityRequest(TrialRequest):
    """What is drawn and split.

    Attributes:
        steps: Denoising steps.
    """

    steps: DenoisingSteps = 20


def visibility(request: VisibilityRequest) -> None:
    """Score one trained model in T1, T2 and T3 on what the source shows of the target, what only T3's further sources
    show and what none of them does.

    The renderer knows where each point of a figure is in every picture of it, so this is exact, and only mannequins
    can tell it. FID is of whole pictures and has no regions.

    Raises:
        InputError: The dataset is of photographs, or a file or the disk is not as it must be; the sentence says which.
    """
    console = wide_console()
    if request.data.exists() and not is_drawn(request.data):
        raise InputError(
            f"{request.data} holds no drawn mannequins, and of photographs nobody knows what a source shows; name a "
            "folder that imagpose mannequins drew with --data."
        )
    trial = Trial.of(request, "visibility")
    trial.check_many_steps()
    ways = {setting: Way("DDIM", request.steps, setting) for setting in SETTINGS}
    canvases = {way: trial.canvases(way.scenario) for way in ways.values()}
    try:
        rows = run(trial, canvases, console)
        whole = {setting: rows[way.name] for setting, way in ways.items()}
        parted = ByRegion(split(trial, ways, canvases[ways["T3"]], console), trial.task.index)
        table = report(parted, whole["T1"])
        write_tables(trial.folder, table, to_csv(to_lines(parted)))
        write_whole(trial.folder / "by_pair.csv", to_csv(parted.lines()))
        figure(parted, whole, trial.folder / "figure.png")
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    show(table, console)
    print(
        f"The tables are {trial.folder / 'table'}.md, .tex and .csv, every pair is in {trial.folder / 'by_pair.csv'}, "
        f"the figure is {trial.folder / 'figure.png'}."
    )


def split(trial: Trial, ways: Mapping[Setting, Way], several: Sequence[Canvas], console: Console) -> dict[Pair, Parted]:
    """Score every pair's pictures by region.

    Args:
        trial: The model and its pairs.
        ways: By setting, whose pictures are drawn.
        several: T3's canvases, in the order of the pairs; their sources decide the regions.
        console: For progress and what is missing.
    """
    index, root = trial.task.index, trial.task.index.root
    name_of = {record.path: name for name, record in index.records.items()}
    pictures: list[dict[str, np.ndarray]] = [
        {setting: read(trial.images(way.name) / canvas.outputs[0]) for setting, way in ways.items()}
        for canvas in several
    ]
    shown = ((target, of) for (_, target), of in zip(trial.task.pairs, pictures, strict=True))
    drawn, ours = Wardrobe.of(root).size, pictures[0]["T1"].shape[:2]
    if ours != drawn:
        raise InputError(
            f"{root} is drawn at {_by(drawn)} pixels and the model draws {_by(ours)}; draw a set of its size with "
            "imagpose mannequins --spec.size."
        )
    splits = [
        Split(case, tuple(name_of[path] for path in canvas.sources))
        for case, canvas in zip(cases(index, shown, trial.request.seed), several, strict=True)
    ]
    networks = Networks.load((), trial.task.device)
    if networks.lpips is None:
        console.print(f"There is no LPIPS: {networks.missing['lpips']}", highlight=False, markup=False)
    found: dict[Pair, Parted] = {}
    with progress("Regions", len(splits), "pairs", console=console) as advance:
        for pair, one, of in zip(trial.task.pairs, score_all(splits), pictures, strict=True):
            if networks.lpips is not None:
                for setting, image in of.items():
                    for region, value in lpips_by_region(networks.lpips, image, one.truth, one.regions).items():
                        one.scores[region][setting]["lpips"] = value
            found[pair] = one
            advance(1)
    return found


def _by(size: tuple[int, ...]) -> str:
    return f"{size[0]}×{size[1]}"
