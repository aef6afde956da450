"""``imagpose generate``: pictures and poses, or a whole list of pairs, into a folder of PNGs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.pictures import read_picture
from imagpose.errors import InputError
from imagpose.generation.canvases import Canvas, canvases_of_pairs
from imagpose.generation.loading import load
from imagpose.generation.loras import read_loras
from imagpose.generation.model import DEMO, DISTILLED_DEMO, FEW_STEPS, Trained, fingerprint
from imagpose.generation.photographs import canvas_of_files
from imagpose.generation.pictures import Record, pending, save
from imagpose.generation.poses import over
from imagpose.generation.request import GenerationRequest
from imagpose.options.names import amount
from imagpose.output.files import drop_unfinished, write_whole
from imagpose.output.progress import progress
from imagpose.output.sheet import SheetRow, contact_sheet

if TYPE_CHECKING:  # it imports torch and diffusers, which --help need not wait for
    from imagpose.pipeline import CallbackOnStepEnd, ImagposePipeline

_INPUTS = (
    "source", "source_pose", "target_pose", "person", "detector_weights", "pose_size", "data", "pairs", "limit",
)  # fmt: skip
_ON_SHEET = 24  # canvases of a long list that the contact sheet shows


def generate(request: GenerationRequest) -> None:
    """Draw a person in new poses. Give pictures and poses, or a dataset and its list of pairs.

    Raises:
        InputError: A file or the disk is not as it must be; the sentence says which.
    """
    request = _of_few_steps(request)
    loras = read_loras(request.loras)
    if request.out.exists() and not request.out.is_dir():  # else it is found out when all is drawn
        raise InputError(f"{request.out} is no folder; name another --out.")
    weights, trained = fingerprint(request), Trained.of(request)
    canvases = list(_canvases(request, trained))
    canvases = [canvas.fitted(trained.panels, request.panels) for canvas in canvases]
    for canvas in canvases:
        _ = canvas.turns  # a mistake is told before a model is loaded
    for canvas in canvases[:_ON_SHEET]:
        canvas.read_truths()  # likewise
    trained = loras.sampled(trained)
    settings = {**settings_of(request, trained, weights, canvases[0]), **loras.record}
    folder = request.out / "images"
    if not request.data:
        ours = {name for canvas in canvases for name in canvas.outputs}
        if others := sorted(path.name for path in folder.glob("*.png") if path.name not in ours):
            raise InputError(f"{folder} holds other pictures, such as {others[0]}; name another --out.")
    missing = pending(canvases, settings, folder, request.overwrite)
    for place in (request.out, folder):
        drop_unfinished(place)
    try:
        if missing:
            pipe = load(request)
            for path, scale in request.loras:
                pipe.load_lora_weights(path, adapter_name=str(path), scale=scale)
            draw(pipe, missing, folder, request.batch_size)
        write_whole(request.out / "settings.json", json.dumps({**settings, **_given(request)}, indent=1) + "\n")
        sheet = contact_sheet([_row(canvas, folder) for canvas in canvases[:_ON_SHEET]])
        save(sheet, request.out / "contact_sheet.png", settings)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{request.out} cannot be written ({reason}); make room or name another --out.") from error
    images, shown = sum(len(canvas.outputs) for canvas in canvases), min(len(canvases), _ON_SHEET)
    if len(missing) < len(canvases):
        there = len(canvases) - len(missing)
        print(f"{there} of {len(canvases)} canvases were there already; --overwrite makes them again.")
    sheet_of = f"{request.out / 'contact_sheet.png'} shows {shown} of {amount(len(canvases), 'canvas', 'canvases')}"
    print(f"{amount(images, 'picture is', 'pictures are')} in {folder}; {sheet_of}.")


def _of_few_steps(request: GenerationRequest) -> GenerationRequest:
    """The same of the distilled weights, where few steps and no guidance are asked of the demo weights."""
    few = request.steps is not None and request.steps <= FEW_STEPS
    told = request.lora or request.guidance is not None or request.guidance_interval is not None
    if not few or request.name != DEMO or told:
        return request
    print(f"{request.steps} steps are drawn by {DISTILLED_DEMO}, which learned them; --guidance 1 takes {DEMO} itself.")
    return replace(request, model=DISTILLED_DEMO)


def _canvases(request: GenerationRequest, trained: Trained) -> Iterator[Canvas]:
    if request.data is None or request.pairs is None:
        yield canvas_of_files(request, trained.detector)
    else:
        yield from canvases_of_pairs(request.data, request.pairs, request.scenario, request.seed, request.limit)


def settings_of(request: GenerationRequest, trained: Trained, weights: str, canvas: Canvas) -> Record:
    """What the pictures of a request are made with, see :meth:`imagpose.generation.model.Trained.settings`."""
    settings = trained.settings(
        request, weights, request.scenario, request.steps, request.guidance, request.guidance_interval
    )
    if request.framing != "letterbox":
        settings["framing"] = request.framing
    if canvas.detector:
        settings["detector"] = canvas.detector
    return settings


def _given(request: GenerationRequest) -> Record:
    """What the settings say of the inputs."""
    return {
        name: [str(one) for one in value] if isinstance(value, tuple) and name != "pose_size" else str(value)
        for name in _INPUTS
        if (value := getattr(request, name))
    }


def draw(
    pipe: ImagposePipeline,
    canvases: Sequence[tuple[Canvas, Record]],
    folder: Path,
    batch_size: int,
    title: str = "Generating",
) -> None:
    """Generate canvases and write their pictures, each whole; what an interruption leaves out is pending.

    Args:
        pipe: The model.
        canvases: With their records, see :func:`imagpose.generation.pictures.pending`.
        folder: Of the pictures.
        batch_size: Canvases at once.
        title: Of the progress bar.
    """
    with progress(title, len(canvases), "canvases") as advance:
        for batch in _batched(canvases, batch_size):
            (canvas, settings), *_ = batch

            def on_step(*args: Any, share: float = len(batch) / (settings["steps"] * canvas.turns)) -> None:
                advance(share)

            draw_together(pipe, batch, folder, on_step)


def draw_together(
    pipe: ImagposePipeline, batch: Sequence[tuple[Canvas, Record]], folder: Path, on_step: CallbackOnStepEnd
) -> None:
    """Generate canvases of equally many sources and poses at once, and write their pictures.

    Args:
        pipe: The model.
        batch: The canvases with their records.
        folder: Of the pictures.
        on_step: Called after each step, see :class:`imagpose.pipeline.ImagposePipeline`.
    """
    some, settings = [canvas for canvas, _ in batch], batch[0][1]
    images = pipe(
        *inputs(some, pipe.image_size), some[0].setting, settings["steps"], settings["guidance"],
        seed=[canvas.seed for canvas in some], callback_on_step_end=on_step,
        guidance_interval=settings.get("guidance_interval"), panels=some[0].panels,
    ).images  # fmt: skip
    for (canvas, record), drawn in zip(batch, images, strict=True):
        for name, image in zip(canvas.outputs, drawn, strict=True):
            save(image, folder / name, record)


def inputs(
    canvases: Sequence[Canvas], size: tuple[int, int]
) -> tuple[list[list[Image.Image]], list[list[BodyPose]], list[list[BodyPose]]]:
    """What a pipeline that draws (height, width) takes of canvases: sources, their poses and the poses to draw."""
    shown = [canvas.shown(size) for canvas in canvases]
    return [one[0] for one in shown], [one[1] for one in shown], [one[2] for one in shown]


def _batched(canvases: Sequence[tuple[Canvas, Record]], size: int) -> Iterator[list[tuple[Canvas, Record]]]:
    """Batches of canvases that hold equally many sources and poses."""
    kinds: dict[tuple[int, int], list[tuple[Canvas, Record]]] = {}
    for canvas, record in canvases:
        kinds.setdefault((len(canvas.sources), len(canvas.target_poses)), []).append((canvas, record))
    for kind in kinds.values():
        for i in range(0, len(kind), size):
            yield kind[i : i + size]


def _row(canvas: Canvas, folder: Path) -> SheetRow:
    drawn = [read_picture(folder / name, folder) for name in canvas.outputs]
    size = (drawn[0].height, drawn[0].width)
    sources, given, wanted = canvas.shown(size)
    if canvas.detector:  # what was found is there to be looked at
        sources = [one for both in zip(sources, map(over, given, sources), strict=True) for one in both]
    poses = [pose.picture(size) for pose in wanted]
    return SheetRow(sources, poses, drawn, canvas.read_truths(), ", ".join(canvas.outputs))
