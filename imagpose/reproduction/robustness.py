"""``imagpose robustness``: how one trained model stands inputs that are not as they should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from imagpose.data.keypoints import visible
from imagpose.data.mannequins.folder import is_drawn
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.pictures import picture_size
from imagpose.data.readers.index import ImageRecord, Index
from imagpose.errors import InputError
from imagpose.evaluation.screen import show, wide_console
from imagpose.evaluation.tables import to_csv
from imagpose.generation.canvases import Canvas
from imagpose.options.names import joined
from imagpose.options.ranges import DenoisingSteps
from imagpose.reproduction.disturbances import before_busy, disagreeing, noised, swapped, thinned, with_poses
from imagpose.reproduction.disturbed import STRENGTHS, UNDISTURBED, Disturbed, ways_of
from imagpose.reproduction.robustness_report import figure, report
from imagpose.reproduction.sweep import narrowed, run, write_tables
from imagpose.reproduction.timing import Way
from imagpose.reproduction.trained import Trial, TrialRequest


@dataclass(frozen=True, kw_only=True)
class RobustnessRequest(TrialRequest):
    """What the table of robustness is made of.

    Attributes:
        kinds: Of disturbances: noise, missing, swapped, busy, disagree; all that the dataset allows unless given.
        steps: Denoising steps; the model's own unless given.
    """

    kinds: tuple[str, ...] = ()
    steps: DenoisingSteps | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if unknown := [kind for kind in self.kinds if kind not in STRENGTHS]:
            raise InputError(f"--kinds {unknown[0]} is none of them, which are {joined(STRENGTHS)}.")


def robustness(request: RobustnessRequest) -> None:
    """Disturb what one trained model is given, kind by kind and stronger each time, and compare with the undisturbed.

    Noise on the keypoints, missing joints, left taken for right and busy backgrounds are tried in T1, sources of
    which some show another person in T3. All ways draw the same pairs from the same noise, and are scored against the
    same undisturbed truth, pair by pair. Pictures are made once; a call that was interrupted goes on.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    console = wide_console()
    trial = Trial.of(request, "robustness")
    ways = ways_of(kinds_of(request, trial.task.index), request.steps or trial.model.steps)
    try:
        plain = {way.scenario: trial.canvases(way.scenario) for way in ways if way.kind == UNDISTURBED}
        canvases: dict[Way, list[Canvas]] = {way: disturb(trial, way, plain[way.scenario]) for way in ways}
        rows = run(trial, canvases, console)
        height, _ = picture_size(trial.images(ways[0].name) / canvases[ways[0]][0].outputs[0])
        table, lines = report(rows, ways, height)
        write_tables(trial.folder, table, to_csv(lines))
        for kind in dict.fromkeys(way.kind for way in ways if way.kind != UNDISTURBED):
            figure(rows, [way for way in ways if way.kind == kind], trial.folder / f"{kind}.png")
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    on_screen = [*range(5), *range(6, len(table.header), 2)]  # of most metrics the difference alone finds room
    show(narrowed(table, on_screen), console)
    print(f"The tables are {trial.folder / 'table'}.md, .tex and .csv; beside them is a figure of each kind.")


def kinds_of(request: RobustnessRequest, index: Index) -> list[str]:
    """The kinds that are asked for, or all that the dataset allows, in the order in which they are told.

    Args:
        request: Of the command.
        index: Of its dataset.

    Raises:
        InputError: A kind is asked for that it does not allow.
    """
    plain = is_drawn(index.root) and not Wardrobe.of(index.root).busy
    if plain or "busy" not in request.kinds:
        return [kind for kind in request.kinds or STRENGTHS if plain or kind != "busy"]
    raise InputError(
        f"--kinds busy draws the sources again, and {request.data} holds no mannequins before plain backgrounds; "
        "leave it out or name another --data."
    )


def disturb(trial: Trial, way: Disturbed, canvases: Sequence[Canvas]) -> list[Canvas]:
    """The canvases of a way.

    Args:
        trial: Whose dataset further pictures are taken from, and whose folder drawn ones are put in.
        way: Says how.
        canvases: Undisturbed, of its setting.

    Raises:
        InputError: The dataset has nobody else to take sources from.
        OSError: A drawn source cannot be written.
    """
    index, strength = trial.task.index, way.strength
    if way.kind == "noise":
        return [with_poses(canvas, partial(noised, sigma=float(strength))) for canvas in canvases]
    if way.kind == "missing":
        return [with_poses(canvas, partial(thinned, share=int(strength) / 100)) for canvas in canvases]
    if way.kind == "swapped":
        sources, targets = strength in ("sources", "both"), strength in ("target", "both")
        return [with_poses(canvas, lambda pose, _: swapped(pose), sources, targets) for canvas in canvases]
    if way.kind == "busy":
        wardrobe, folder = Wardrobe.of(index.root), trial.images("busy_sources")
        return [before_busy(canvas, wardrobe, folder) for canvas in canvases]
    if way.kind == "disagree":
        others = strangers(index)
        return [disagreeing(canvas, others, int(strength)) for canvas in canvases]
    return list(canvases)


def strangers(index: Index) -> dict[str, list[ImageRecord]]:
    """By person of the test split, views of one identity in which a joint was found: as many as ever are replaced.

    Raises:
        InputError: There are not two people with so many.
    """
    most = max(map(int, STRENGTHS["disagree"]))
    found: dict[str, list[ImageRecord]] = {}
    for views in index.identities("test").values():
        seen = [record for record in views if visible(record.keypoints).any()]
        if len(seen) >= most:
            found.setdefault(seen[0].person, seen)
    if len(found) < 2:
        raise InputError(
            f"--kinds disagree takes {most} views of another person of the test split, and {index.root} has nobody; "
            "leave it out or name another --data."
        )
    return found
