"""``python -m imagpose generate``: pictures and poses, or a whole list of pairs, into a folder of PNGs."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from imagpose.data.body_pose import BodyPose
from imagpose.data.deepfashion import ANNOTATION_SIZE, DeepFashion
from imagpose.data.scenarios import arrange
from imagpose.errors import InputError
from imagpose.runs import write_atomically
from imagpose.sheet import Row, contact_sheet

DEMO = "mannequin-demo"
_ON_SHEET = 24  # canvases of a long list that the contact sheet shows
_T3_SOURCES = 3


@dataclass(frozen=True)
class Job:
    """One canvas to generate.

    Attributes:
        sources: Pictures of one person.
        source_poses: Their poses.
        target_poses: The poses to draw.
        outputs: File name of each result.
        seed: Of the canvas.
        truths: The true pictures where they are known; only the contact sheet sees them.
    """

    sources: tuple[Path, ...]
    source_poses: tuple[BodyPose, ...]
    target_poses: tuple[BodyPose, ...]
    outputs: tuple[str, ...]
    seed: int
    truths: tuple[Path, ...] = ()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (python -m imagpose generate --help lists the options).")


def _parse(args: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="python -m imagpose generate", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Draw a person in new poses. Give pictures and poses, or a dataset and its list of pairs.",
    )  # fmt: skip
    own = parser.add_argument_group("your pictures")
    own.add_argument("--source", type=Path, action="append", default=[], help="a picture of the person; up to three")
    own.add_argument("--source-pose", type=Path, action="append", default=[], help="its pose file, in the same order")
    own.add_argument("--target-pose", type=Path, action="append", default=[], help="a pose to draw; up to three")
    pairs = parser.add_argument_group("a whole list")
    pairs.add_argument("--data", type=Path, help="a DeepFashion folder")
    pairs.add_argument("--pairs", type=Path, help="CSV of from,to; names as in the folder's lists")
    pairs.add_argument("--limit", type=int, help="only the first so many rows")
    pairs.add_argument("--batch-size", type=int, default=8, help="canvases at once")
    parser.add_argument("--run", type=Path, help="a run's folder, such as runs/tiny/version_0")
    parser.add_argument("--model", default=DEMO, help="a pipeline folder, or the name of shipped weights")
    parser.add_argument("--out", type=Path, default=Path("generated"), help="folder of the results")
    parser.add_argument("--scenario", default="auto", choices=("auto", "T1", "T2", "T3", "IMAGPose*"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20, help="denoising steps")
    parser.add_argument("--guidance", type=float, default=2.0, help="w of Eq. (5); 1 is none")
    parser.add_argument("--overwrite", action="store_true", help="generate again what is there already")
    options = parser.parse_args(args)
    if (options.data is None) != (options.pairs is None):
        parser.error("--data and --pairs go together")
    if options.data is None and not (options.source and options.target_pose):
        parser.error("give --source, --source-pose and --target-pose, or --data and --pairs")
    if options.data is not None and (options.source or options.source_pose or options.target_pose):
        parser.error("give either your own pictures or --data and --pairs")
    for name in ("steps", "batch_size"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def generate(args: Sequence[str]) -> None:
    """Carry out the command.

    Raises:
        InputError: An option, a file or the disk is not as it must be; the sentence says which.
    """
    options = _parse(args)
    jobs = list(_jobs_of_pairs(options) if options.data else _jobs_of_files(options))
    for job in jobs:
        arrange(len(job.sources), len(job.target_poses), options.scenario)  # a mistake is told before a model is loaded
    settings = {
        "model": str(options.run or options.model), "scenario": options.scenario, "seed": options.seed,
        "steps": options.steps, "guidance": options.guidance,
    }  # fmt: skip
    folder: Path = options.out / "images"
    _check_folder(options, settings)
    missing = [job for job in jobs if options.overwrite or not all((folder / name).exists() for name in job.outputs)]
    if missing:
        _write(missing, settings, options, folder)
    skipped = len(jobs) - len(missing)
    rows = [_row(job, folder) for job in jobs[:_ON_SHEET]]
    try:
        _save(contact_sheet(rows), options.out / "contact_sheet.png", settings)
    except OSError as error:
        raise _disk(error, options.out) from error
    images, shown = sum(len(job.outputs) for job in jobs), min(len(jobs), _ON_SHEET)
    if skipped:
        print(f"{skipped} of {len(jobs)} canvases were there already; --overwrite makes them again.")
    print(
        f"{images} pictures are in {folder}; {options.out / 'contact_sheet.png'} shows {shown} of {len(jobs)} canvases."
    )


def _write(jobs: Sequence[Job], settings: dict[str, Any], options: argparse.Namespace, folder: Path) -> None:
    from diffusers.utils import logging

    from imagpose.pipeline import ImagposePipeline

    logging.disable_progress_bar()  # of loading; ours is about what takes time
    pipe = ImagposePipeline.from_run(options.run) if options.run else ImagposePipeline.from_pretrained(options.model)
    pipe.set_progress_bar_config(disable=True)
    columns = ("Generating", BarColumn(), MofNCompleteColumn(), TextColumn("canvases,"), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("", total=len(jobs))
        for batch in _batched(jobs, options.batch_size):

            def on_step(*args: Any, canvases: int = len(batch)) -> None:
                progress.advance(task, canvases / options.steps)

            images = pipe(
                [[read_picture(path) for path in job.sources] for job in batch],
                [job.source_poses for job in batch],
                [job.target_poses for job in batch],
                options.scenario, options.steps, options.guidance, seed=[job.seed for job in batch],
                callback_on_step_end=on_step,
            ).images  # fmt: skip
            try:
                for job, drawn in zip(batch, images, strict=True):
                    for name, image in zip(job.outputs, drawn, strict=True):
                        _save(image, folder / name, {**settings, "canvas_seed": job.seed})
            except OSError as error:
                raise _disk(error, folder) from error


def _batched(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
    """Batches of canvases that hold equally many sources and poses."""
    kinds: dict[tuple[int, int], list[Job]] = {}
    for job in jobs:
        kinds.setdefault((len(job.sources), len(job.target_poses)), []).append(job)
    for kind in kinds.values():
        for i in range(0, len(kind), size):
            yield kind[i : i + size]


def _check_folder(options: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Pictures of other settings are not mixed with those of these."""
    path = options.out / "settings.json"
    inputs = {
        name: [str(one) for one in value] if isinstance(value, list) else str(value)
        for name in ("source", "source_pose", "target_pose", "data", "pairs")
        if (value := getattr(options, name))
    }
    if path.exists() and not options.overwrite and any(options.out.glob("images/*.png")):
        try:
            theirs = json.loads(path.read_text())
        except ValueError as error:
            raise InputError(f"{path} is no JSON ({error}); delete it or name another --out.") from error
        for name, value in {**settings, **inputs}.items():
            if theirs.get(name) != value:
                raise InputError(
                    f"{options.out} holds pictures made with {name} {theirs.get(name)}, and it is {value} now; add "
                    "--overwrite or name another --out."
                )
    try:
        write_atomically(path, json.dumps({**settings, **inputs}, indent=1) + "\n")
    except OSError as error:
        raise _disk(error, options.out) from error


def _disk(error: OSError, folder: Path) -> InputError:
    return InputError(f"{folder} cannot be written ({error.strerror or error}); make room or name another --out.")


# Jobs ---------------------------------------------------------------------------------------------------------------


def _jobs_of_files(options: argparse.Namespace) -> Iterator[Job]:
    if len(options.source) != len(options.source_pose):
        raise InputError(
            f"There are {len(options.source)} --source and {len(options.source_pose)} --source-pose; every source "
            "needs a pose file, from a keypoint detector or, for a dataset's picture, python -m imagpose pose."
        )
    for path in options.source:
        read_picture(path)  # before the model is loaded
    yield Job(
        tuple(options.source), tuple(BodyPose.read(path) for path in options.source_pose),
        tuple(BodyPose.read(path) for path in options.target_pose),
        tuple(f"{number}_{path.stem}.png" for number, path in enumerate(options.target_pose, start=1)), options.seed,
    )  # fmt: skip


def _jobs_of_pairs(options: argparse.Namespace) -> Iterator[Job]:
    index = DeepFashion(options.data)
    pairs = index.pairs_of(options.pairs)[: options.limit]
    if not pairs:
        raise InputError(f"{options.pairs} lists no pairs.")

    def pose(name: str) -> BodyPose:
        found = BodyPose(ANNOTATION_SIZE, index.records[name].keypoints)
        if (found.keypoints < 0).all():
            raise InputError(f"{name} in {options.pairs} has no visible joint; leave it out of the list.")
        with Image.open(index.records[name].path) as image:
            size = (image.height, image.width)
        return BodyPose(size, index.records[name].keypoints_at(size))

    def job(sources: Sequence[str], targets: Sequence[str], number: int) -> Job:
        return Job(
            tuple(index.records[name].path for name in sources), tuple(pose(name) for name in sources),
            tuple(pose(name) for name in targets),
            tuple(f"{Path(sources[0]).stem}_2_{Path(name).stem}_vis.png" for name in targets),
            options.seed + number, tuple(index.records[name].path for name in targets),
        )  # fmt: skip

    if options.scenario == "IMAGPose*":  # up to three targets of one source share a canvas
        by_source: dict[str, list[str]] = {}
        for source, target in pairs:
            by_source.setdefault(source, []).append(target)
        groups = [(s, t[i : i + 3]) for s, t in by_source.items() for i in range(0, len(t), 3)]
        if alone := next((source for source, targets in groups if len(targets) == 1), None):
            raise InputError(f"{alone} in {options.pairs} is left with one target; IMAGPose* takes two or three.")
        yield from (job([source], targets, number) for number, (source, targets) in enumerate(groups))
        return
    views: dict[str, list[str]] = {}
    for name, record in index.records.items():
        views.setdefault(record.identity, []).append(name)
    for number, (source, target) in enumerate(pairs):
        sources = [source]
        if options.scenario == "T3":  # more views of the same garment, never the target
            others = [n for n in views[index.records[source].identity] if n not in (source, target)]
            order = np.random.default_rng([options.seed, 8, number]).permutation(len(others))
            sources += [others[i] for i in order[: _T3_SOURCES - 1]]
            if len(sources) < 2:
                raise InputError(f"{source} in {options.pairs} has no further view for T3; take it out or choose T1.")
        yield job(sources, [target], number)


# Files --------------------------------------------------------------------------------------------------------------


def read_picture(path: Path) -> Image.Image:
    """A user's picture.

    Raises:
        InputError: It is missing or no image.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError as error:
        raise InputError(f"There is no picture {path}.") from error
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(f"{path} is not a readable image ({error}).") from error


def _save(image: Image.Image, path: Path, settings: dict[str, Any]) -> None:
    """Write a PNG that says it is synthetic, whole or not at all."""
    info = PngInfo()
    info.add_text("Description", "Synthetic image of a person, generated by imagpose; not a photograph.")
    info.add_text("DigitalSourceType", "trainedAlgorithmicMedia")  # IPTC's term
    info.add_text("imagpose", json.dumps(settings))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        image.save(unfinished, format="PNG", pnginfo=info)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _row(job: Job, folder: Path) -> Row:
    return Row(
        [read_picture(path) for path in job.sources], job.target_poses,
        [read_picture(folder / name) for name in job.outputs], [read_picture(path) for path in job.truths],
    )  # fmt: skip
