"""``python -m imagpose generate``: pictures and poses, or a whole list of pairs, into a folder of PNGs."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagpose.data.body_pose import BodyPose
from imagpose.data.pictures import picture_text, read_picture
from imagpose.data.scenarios import arrange
from imagpose.errors import InputError
from imagpose.generation.jobs import Job, jobs_of_files, jobs_of_pairs
from imagpose.models import weights
from imagpose.options import trust
from imagpose.options.parser import Parser, device, size
from imagpose.options.ranges import DenoisingSteps, NonNegativeFloat, PositiveInt, Seed, argument
from imagpose.output.files import drop_unfinished, regular, whole_file, write_whole
from imagpose.output.progress import progress
from imagpose.output.sheet import SheetRow, contact_sheet
from imagpose.training.runs import from_folder

if TYPE_CHECKING:  # it imports torch and diffusers, which --help need not wait for
    from imagpose.pipeline import ImagposePipeline

DEMO = "mannequin-demo"
_ON_SHEET = 24  # canvases of a long list that the contact sheet shows


def _parse(args: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="python -m imagpose generate", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Draw a person in new poses. Give pictures and poses, or a dataset and its list of pairs.",
    )  # fmt: skip
    own = parser.add_argument_group("your pictures")
    own.add_argument("--source", type=Path, action="append", default=[], help="a picture of the person; up to three")
    own.add_argument("--source-pose", type=Path, action="append", default=[], help="its pose file, in the same order")
    own.add_argument("--target-pose", type=Path, action="append", default=[], help="a pose to draw; up to three")
    own.add_argument(
        "--pose-size", type=size, metavar="HxW", help="frame of the target poses whose files do not say it"
    )
    pairs = parser.add_argument_group("a whole list")
    pairs.add_argument("--data", type=Path, help="a DeepFashion or Market-1501 folder")
    pairs.add_argument("--pairs", type=Path, help="CSV of from,to, or another of the field's lists of pairs")
    pairs.add_argument(
        "--limit", type=argument(PositiveInt),
        help="only so many canvases, of as many people as can be: the same with any seed, and part of a larger limit's",
    )  # fmt: skip
    pairs.add_argument("--batch-size", type=argument(PositiveInt), default=8, help="canvases at once")
    parser.add_argument("--out", type=Path, default=Path("generated"), help="folder of the results")
    parser.add_argument("--scenario", default="auto", choices=("auto", "T1", "T2", "T3", "IMAGPose*"))
    parser.add_argument("--steps", type=argument(DenoisingSteps), default=20, help="denoising steps")
    add_model_options(parser)
    options = parser.parse_args(args)
    if (options.data is None) != (options.pairs is None):
        parser.error("--data and --pairs go together")
    if options.data is None and not (options.source and options.target_pose):
        parser.error("give --source, --source-pose and --target-pose, or --data and --pairs")
    if options.data is not None and (options.source or options.source_pose or options.target_pose):
        parser.error("give either your own pictures or --data and --pairs")
    return options


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which model generates, and how; :func:`load` and :func:`fingerprint` read them."""
    parser.add_argument("--run", type=Path, help="a run's folder, such as runs/tiny/version_0")
    parser.add_argument("--trust", action="append", default=[], metavar="NAME", help=trust.HELP)
    parser.add_argument("--model", default=DEMO, help="a pipeline folder, or the name of shipped weights")
    parser.add_argument("--seed", type=argument(Seed), default=0)
    parser.add_argument(
        "--device", type=device, help="cpu, cuda or another of torch's; default: cuda where there is one"
    )
    parser.add_argument("--guidance", type=argument(NonNegativeFloat), default=2.0, help="w of Eq. (5); 1 is none")
    parser.add_argument("--overwrite", action="store_true", help="generate again what is there already")


def generate(args: Sequence[str]) -> None:
    """Carry out the command.

    Raises:
        InputError: An option, a file or the disk is not as it must be; the sentence says which.
    """
    options = _parse(args)
    if options.out.exists() and not options.out.is_dir():  # else it is found out when all is drawn
        raise InputError(f"{options.out} is no folder; name another --out.")
    jobs = list(jobs_of_pairs(options) if options.data else jobs_of_files(options))
    for job in jobs:
        arrange(len(job.sources), len(job.target_poses), job.setting)  # a mistake is told before a model is loaded
    for job in jobs[:_ON_SHEET]:
        job.read_truths()  # likewise
    settings = {
        "model": str(options.run or options.model), "weights": fingerprint(options), "scenario": options.scenario,
        "seed": options.seed, "steps": options.steps, "guidance": options.guidance,
    }  # fmt: skip
    folder: Path = options.out / "images"
    if not options.data:
        ours = {name for job in jobs for name in job.outputs}
        if others := sorted(path.name for path in folder.glob("*.png") if path.name not in ours):
            raise InputError(f"{folder} holds other pictures, such as {others[0]}; name another --out.")
    missing = pending(jobs, settings, folder, options.overwrite)
    for place in (options.out, folder):
        drop_unfinished(place)
    try:
        if missing:
            draw(load(options), missing, folder, options.batch_size)
        given = {
            name: [str(one) for one in value] if isinstance(value, list) else str(value)
            for name in ("source", "source_pose", "target_pose", "pose_size", "data", "pairs", "limit")
            if (value := getattr(options, name))
        }
        write_whole(options.out / "settings.json", json.dumps({**settings, **given}, indent=1) + "\n")
        save(
            contact_sheet([_row(job, folder) for job in jobs[:_ON_SHEET]]), options.out / "contact_sheet.png", settings
        )
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{options.out} cannot be written ({reason}); make room or name another --out.") from error
    images, shown = sum(len(job.outputs) for job in jobs), min(len(jobs), _ON_SHEET)
    if len(missing) < len(jobs):
        there = len(jobs) - len(missing)
        print(f"{there} of {len(jobs)} canvases were there already; --overwrite makes them again.")
    print(
        f"{images} pictures are in {folder}; {options.out / 'contact_sheet.png'} shows {shown} of {len(jobs)} canvases."
    )


# Generating ---------------------------------------------------------------------------------------------------------


def pending(
    jobs: Sequence[Job], settings: dict[str, Any], folder: Path, overwrite: bool = False
) -> list[tuple[Job, dict[str, Any]]]:
    """The canvases whose pictures are still to be made, each with the record that its pictures will carry.

    Args:
        jobs: All canvases.
        settings: What they are made with: ``steps`` and ``guidance`` are followed, the rest is only recorded.
        folder: Of the pictures.
        overwrite: Whether to make again what is there.

    Raises:
        InputError: A picture is there that was made otherwise.
    """
    return [
        (job, record)
        for job, record in ((job, _record(job, settings)) for job in jobs)
        if overwrite or not all([_is_there(folder / name, record) for name in job.outputs])
    ]


def load(options: argparse.Namespace) -> ImagposePipeline:
    """The model of :func:`add_model_options`, on its device.

    Raises:
        InputError: It cannot be read, or the device cannot be used.
    """
    import torch
    from diffusers.utils import logging

    from imagpose.pipeline import ImagposePipeline

    logging.disable_progress_bar()  # of loading; ours is about what takes time
    if options.run:
        pipe = ImagposePipeline.from_run(options.run, options.trust)
    else:
        pipe = ImagposePipeline.from_pretrained(options.model)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        pipe.to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"--device {device} cannot be used: {str(error).splitlines()[0]}") from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(
    pipe: ImagposePipeline,
    jobs: Sequence[tuple[Job, dict[str, Any]]],
    folder: Path,
    batch_size: int,
    title: str = "Generating",
) -> None:
    """Generate canvases and write their pictures, each whole; what an interruption leaves out is pending.

    Args:
        pipe: The model.
        jobs: Canvases with their records, see :func:`pending`.
        folder: Of the pictures.
        batch_size: Canvases at once.
        title: Of the progress bar.
    """
    with progress(title, len(jobs), "canvases") as advance:
        for batch in _batched(jobs, batch_size):
            some, settings = [job for job, _ in batch], batch[0][1]

            def on_step(*args: Any, share: float = len(batch) / settings["steps"]) -> None:
                advance(share)

            images = pipe(
                *inputs(some), some[0].setting, settings["steps"], settings["guidance"],
                seed=[job.seed for job in some], callback_on_step_end=on_step,
            ).images  # fmt: skip
            for (job, record), drawn in zip(batch, images, strict=True):
                for name, image in zip(job.outputs, drawn, strict=True):
                    save(image, folder / name, record)


def inputs(jobs: Sequence[Job]) -> tuple[list[list[Image.Image]], list[list[BodyPose]], list[list[BodyPose]]]:
    """What the pipeline takes of canvases: sources, their poses and the poses to draw."""
    return (
        [job.read_sources() for job in jobs],
        [list(job.source_poses) for job in jobs],
        [list(job.target_poses) for job in jobs],
    )


def _batched(jobs: Sequence[tuple[Job, Any]], size: int) -> Iterator[list[tuple[Job, Any]]]:
    """Batches of canvases that hold equally many sources and poses."""
    kinds: dict[tuple[int, int], list[tuple[Job, Any]]] = {}
    for job, record in jobs:
        kinds.setdefault((len(job.sources), len(job.target_poses)), []).append((job, record))
    for kind in kinds.values():
        for i in range(0, len(kind), size):
            yield kind[i : i + size]


# What a picture was made with ---------------------------------------------------------------------------------------


def fingerprint(options: argparse.Namespace) -> str:
    """Of the weights' content: a model retrained under its old name is another model."""
    if options.run:
        path = from_folder(options.run).last
    else:
        folder = Path(options.model) if Path(options.model).is_dir() else weights.find(options.model)
        path = folder / "network" / "diffusion_pytorch_model.safetensors"
    try:
        with open(regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a whole pipeline folder or run.") from error


def _record(job: Job, settings: dict[str, Any]) -> dict[str, Any]:
    """All that decides how a job's pictures look."""
    digest = hashlib.sha256()
    for path in job.sources:
        digest.update(path.read_bytes())
    for pose in (*job.source_poses, *job.target_poses):
        digest.update(repr((pose.size, pose.keypoints.round(3).tolist())).encode())
    return {**settings, "seed": job.seed, "inputs": digest.hexdigest()[:16]}


def _is_there(path: Path, record: dict[str, Any]) -> bool:
    """Whether a picture of just this record exists.

    Raises:
        InputError: One exists that was made otherwise; the two are not mixed.
    """
    if not os.path.exists(path):
        return False
    try:
        theirs = json.loads(picture_text(path, path.parent)["imagpose"])
    except (InputError, KeyError, ValueError):  # no picture, or not ours
        theirs = {}
    for name, value in record.items():
        if theirs.get(name) != value:
            made = f"with {name} {theirs[name]}, and it is {value} now" if name in theirs else "by something else"
            raise InputError(f"{path} was made {made}; add --overwrite or name another --out.")
    return True


# Files --------------------------------------------------------------------------------------------------------------


def save(image: Image.Image, path: Path, settings: dict[str, Any]) -> None:
    """Write a PNG that says it is synthetic, whole or not at all."""
    info = PngInfo()
    info.add_text("Description", "Synthetic image of a person, generated by imagpose; not a photograph.")
    info.add_text("DigitalSourceType", "trainedAlgorithmicMedia")  # IPTC's term
    info.add_text("imagpose", json.dumps(settings))
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        image.save(unfinished, format="PNG", pnginfo=info)


def _row(job: Job, folder: Path) -> SheetRow:
    drawn = [read_picture(folder / name, folder) for name in job.outputs]
    size = (drawn[0].height, drawn[0].width)
    poses = [pose.picture(size) for pose in job.target_poses]
    return SheetRow(job.read_sources(), poses, drawn, job.read_truths(), ", ".join(job.outputs))
