"""``python -m imagpose uniformity``: the paper's Figure 7, one trained model in each of its scenarios."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from PIL import Image

from imagpose.data.mannequins.folder import is_drawn
from imagpose.data.pictures import read_picture
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError
from imagpose.evaluation.evaluate import show
from imagpose.evaluation.scoring import Networks
from imagpose.generation.command import draw, load, pending, save
from imagpose.generation.jobs import Job
from imagpose.options.parser import Parser, wide_console
from imagpose.options.ranges import DenoisingSteps, argument
from imagpose.output.sheet import lay_out
from imagpose.reproduction.report import brief, render
from imagpose.reproduction.rows import write_row
from imagpose.reproduction.trained import TARGETS, Trial, add_options

SETTINGS: dict[str, Setting] = {"T1": "T1", "T2": "T2", "T3": "T3", "IMAGPose_star": "IMAGPose*"}
"""The paper's scenarios by their row's name, which is a file's name too."""

_ON_SHEET = 4  # people


def uniformity(args: Sequence[str]) -> None:
    """Carry out the command.

    Every setting draws the same (source, target) pairs. T1, T2 and T3 draw each on a canvas of its own: T1 repeats the
    pose in three masked panels, T2 the source in three given ones, T3 gives three different views, never the target.
    IMAGPose* draws the three targets of a source on one canvas. A source of T3 may be the target of another pair.

    Raises:
        InputError: An option, a file or the disk is not as it must be; the sentence says which.
    """
    parser = Parser(
        prog="python -m imagpose uniformity", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="One trained model in the paper's T1, T2, T3 and IMAGPose*, on the same pairs: its Figure 7.",
    )  # fmt: skip
    add_options(parser, sources=40)
    parser.add_argument("--steps", type=argument(DenoisingSteps), default=20, help="denoising steps")
    options = parser.parse_args(args)
    console = wide_console()
    trial = Trial.of(options, "uniformity")
    made = {name: trial.settings(setting, options.steps, options.guidance) for name, setting in SETTINGS.items()}
    jobs = {name: trial.jobs(setting) for name, setting in SETTINGS.items()}
    missing = {name: pending(jobs[name], made[name], trial.images(name), options.overwrite) for name in SETTINGS}
    try:
        if any(missing.values()):
            pipe = load(options)
            for name, some in missing.items():
                draw(pipe, some, trial.images(name), options.batch_size, SETTINGS[name])
        networks = Networks.load(trial.task.protocols, trial.task.device)
        for row in trial.score(networks, console, made).values():
            write_row(row, options.results, trial.folder.name)
        sheet = trial.folder / "panels.png"
        save(panels(trial, jobs).quantize(256), sheet, {**made["T1"], "scenario": list(SETTINGS.values())})
        tables = render(trial.folder.name, options.results, "tiny" if is_drawn(trial.task.index.root) else "full")
    except OSError as error:
        raise InputError(f"{trial.folder} cannot be written ({error.strerror}); name another --results.") from error
    for table in (brief(tables[0]), *tables[1:]):
        show(table, console)
    print(f"Tables, rows and {sheet} are in {trial.folder}, the pictures in {trial.folder / 'images'}.")


def panels(trial: Trial, jobs: Mapping[str, Sequence[Job]]) -> Image.Image:
    """A few people in every setting, one pair a row; IMAGPose* draws the three rows of a person at once.

    Args:
        trial: Whose pictures to show.
        jobs: By setting.
    """
    single, several = (jobs[name][: _ON_SHEET * TARGETS] for name in ("T1", "T3"))
    drawn = {
        setting: [[read_picture(trial.images(name) / job.outputs[0], trial.images(name))] for job in single]
        for name, setting in SETTINGS.items()
    }
    size = drawn["T1"][0][0].size
    columns = [
        ("source", [job.read_sources() for job in single]),
        ("T3's further sources", [job.read_sources()[1:] for job in several]),
        ("pose", [[job.target_poses[0].picture((size[1], size[0]))] for job in single]),
        *drawn.items(),
        ("truth", [job.read_truths() for job in single]),
    ]
    return lay_out(columns, size, [job.outputs[0] for job in single])
