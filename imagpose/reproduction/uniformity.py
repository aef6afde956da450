"""``imagpose uniformity``: the paper's Figure 7, one trained model in each of its scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from imagpose.data.mannequins.folder import is_drawn
from imagpose.data.pictures import read_picture
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.evaluation.scoring import Networks
from imagpose.evaluation.screen import show, wide_console
from imagpose.generation.canvases import Canvas
from imagpose.generation.command import draw
from imagpose.generation.loading import load
from imagpose.generation.pictures import pending, save
from imagpose.options.ranges import DenoisingSteps
from imagpose.output.sheet import lay_out
from imagpose.reproduction.chosen import TARGETS
from imagpose.reproduction.report import brief, render
from imagpose.reproduction.rows import write_row
from imagpose.reproduction.trained import Trial, TrialRequest

SETTINGS: dict[str, Setting] = {"T1": "T1", "T2": "T2", "T3": "T3", "IMAGPose_star": "IMAGPose*"}
"""The paper's scenarios by their row's name, which is a file's name too."""

_ON_SHEET = 4  # people


@dataclass(frozen=True, kw_only=True)
class UniformityRequest(TrialRequest):
    """What Figure 7 is made of.

    Attributes:
        steps: Denoising steps; the model's own unless given.
    """

    steps: DenoisingSteps | None = None


def uniformity(request: UniformityRequest) -> None:
    """Draw the same pairs by one trained model in the paper's T1, T2, T3 and IMAGPose*: its Figure 7.

    Every setting draws the same (source, target) pairs. T1, T2 and T3 draw each on a canvas of its own: T1 repeats the
    pose in three masked panels, T2 the source in three given ones, T3 gives three different views, never the target.
    IMAGPose* draws the three targets of a source on one canvas. A source of T3 may be the target of another pair.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    console = wide_console()
    trial = Trial.of(request, "uniformity")
    made = {name: trial.settings(setting, request.steps, request.guidance) for name, setting in SETTINGS.items()}
    canvases = {name: trial.canvases(setting) for name, setting in SETTINGS.items()}
    missing = {name: pending(canvases[name], made[name], trial.images(name), request.overwrite) for name in SETTINGS}
    try:
        if any(missing.values()):
            pipe = load(request)
            for name, some in missing.items():
                draw(pipe, some, trial.images(name), request.batch_size, SETTINGS[name])
        networks = Networks.load(trial.task.protocols, trial.task.device)
        for row in trial.score(networks, console, made).values():
            write_row(row, request.results, trial.folder.name)
        sheet = trial.folder / "panels.png"
        save(panels(trial, canvases).quantize(256), sheet, {**made["T1"], "scenario": list(SETTINGS.values())})
        tables = render(trial.folder.name, request.results, "tiny" if is_drawn(trial.task.index.root) else "full")
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    for table in (brief(tables[0]), *tables[1:]):
        show(table, console)
    print(f"Tables, rows and {sheet} are in {trial.folder}, the pictures in {trial.folder / 'images'}.")


def panels(trial: Trial, canvases: Mapping[str, Sequence[Canvas]]) -> Image.Image:
    """A few people in every setting, one pair a row; IMAGPose* draws the three rows of a person at once.

    Args:
        trial: Whose pictures to show.
        canvases: By setting.
    """
    single, several = (canvases[name][: _ON_SHEET * TARGETS] for name in ("T1", "T3"))
    drawn = {
        setting: [[read_picture(trial.images(name) / canvas.outputs[0], trial.images(name))] for canvas in single]
        for name, setting in SETTINGS.items()
    }
    size = drawn["T1"][0][0].size
    columns = [
        ("source", [canvas.read_sources() for canvas in single]),
        ("T3's further sources", [canvas.read_sources()[1:] for canvas in several]),
        ("pose", [[canvas.target_poses[0].picture((size[1], size[0]))] for canvas in single]),
        *drawn.items(),
        ("truth", [canvas.read_truths() for canvas in single]),
    ]
    return lay_out(columns, size, [canvas.outputs[0] for canvas in single])
