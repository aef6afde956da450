"""Draws what a page asks for, and tells it how far it is, with the pictures as they become clear."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from torch import Tensor

from imagpose.data.images import to_uint8
from imagpose.demo.archive import pack
from imagpose.demo.photographs import data_uri, shown
from imagpose.demo.request import Asked, command
from imagpose.demo.studio import Studio
from imagpose.errors import InputError
from imagpose.generation.canvases import Canvas
from imagpose.generation.command import draw_together, settings_of
from imagpose.generation.photographs import canvas_of_files
from imagpose.generation.pictures import pending

Told = dict[str, Any]
"""What the page is told: how far the drawing is, or what came of it, see ``static/results.js``."""
_EVERY = 0.3  # seconds between looks at the pictures
_THREAD = "drawing"


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The page wants no more of it."""


def is_drawing() -> bool:
    """Whether anything is being drawn in this process."""
    return any(thread.name == _THREAD for thread in threading.enumerate())


def draw(studio: Studio, asked: Asked, stopped: threading.Event) -> Iterator[Told]:
    """Draw; yields how far it is and at last the pictures.

    Args:
        studio: Which draws.
        asked: What to draw.
        stopped: Set to end after the step in progress.

    Raises:
        InputError: Something that was asked for cannot be drawn.
    """
    with TemporaryDirectory(dir=studio.scratch) as name:
        folder = Path(name)
        try:
            request = asked.write(folder, studio.model)
            canvas = canvas_of_files(request, studio.trained.detector).fitted(studio.trained.panels)
            poses = [shown(pose.picture(studio.size)) for pose in canvas.shown(studio.size)[2]]
            truths = [None if truth is None else truth.shown for truth in asked.truths]
            settings = settings_of(request, studio.trained, studio.weights, canvas)
            batch = pending([canvas], settings, folder / "images")
            watch = _Watch(canvas, settings["steps"], poses, stopped)
            began = time.perf_counter()
            yield watch.told()
            work = partial(draw_together, studio.pipe, batch, folder / "images", watch.on_step)
            yield from _while_working(watch, work)
        except Stopped:
            yield {"state": "stopped", "says": f"Stopped after {watch.taken} of {watch.steps} steps."}
            return
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from error
        again = command(request, settings)
        files = [(folder / "images" / one).read_bytes() for one in canvas.outputs]
        yield {
            "state": "done", "says": _summary(canvas, settings, time.perf_counter() - began),
            "pictures": [
                {"image": data_uri(content), "name": one, "pose": pose, "truth": truth}
                for content, one, pose, truth in zip(files, canvas.outputs, poses, truths, strict=True)
            ],
            "command": again, "archive": data_uri(pack(folder, again), "application/zip"),
        }  # fmt: skip


class _Watch:
    """Follows a drawing from inside of it: called after each step, in the thread that draws."""

    def __init__(self, canvas: Canvas, steps: int, poses: list[str], stopped: threading.Event) -> None:
        self.parts, self.each, self.steps = canvas.parts, steps, steps * canvas.turns
        self.poses, self.stopped = poses, stopped
        self.images: list[str | None] = [None] * len(poses)
        self.taken, self._looked = 0, 0.0
        self.news: queue.Queue[Told | None] = queue.Queue()

    def on_step(self, pipe: Any, index: int, timestep: Tensor, tensors: dict[str, Tensor]) -> None:
        """As diffusers' ``callback_on_step_end``.

        Raises:
            Stopped: The page is closed, or its user pressed Cancel.
        """
        if self.stopped.is_set():
            raise Stopped
        part = self.parts[self.taken // self.each]
        self.taken += 1
        if time.perf_counter() - self._looked > _EVERY or index == self.each - 1:
            self._looked = time.perf_counter()
            seen = to_uint8(pipe.synthesis.decode(tensors["pred_original_sample"], pipe.image_size))[0]
            for place, image in zip(part, seen, strict=True):
                self.images[place] = shown(Image.fromarray(image))
            self.news.put(self.told())

    def told(self) -> Told:
        """How far it is."""
        pictures = [{"image": image, "pose": pose} for image, pose in zip(self.images, self.poses, strict=True)]
        return {"state": "drawing", "taken": self.taken, "steps": self.steps, "pictures": pictures}


def _while_working(watch: _Watch, work: Callable[[], None]) -> Iterator[Told]:
    """Work in a thread, and yield its news meanwhile; whatever it raises is raised here.

    Who asks for no more news stops the work: the device is free when this returns.
    """
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # raised again below, in the thread that waits for it
            failure.append(error)
        finally:
            watch.news.put(None)

    thread = threading.Thread(target=run, name=_THREAD, daemon=True)
    thread.start()
    try:
        while (news := watch.news.get()) is not None:
            yield news
    except GeneratorExit:
        watch.stopped.set()
        raise
    finally:
        thread.join()
    if failure:
        raise failure[0]


def _summary(canvas: Canvas, settings: dict[str, Any], seconds: float) -> str:
    count, turns = len(canvas.outputs), canvas.turns
    canvases = f"{turns} canvases" if turns > 1 else "a canvas"
    return (
        f"{count} picture{'s' * (count > 1)} on {canvases} of {canvas.panels} panels in {seconds:.1f} s: "
        f"{settings['steps']} steps, guidance {settings['guidance']:g}, seed {canvas.seed}."
    )
