"""What a way to generate takes: seconds and operations, all ways in turn on one machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import diffusers
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from imagpose.data.scenarios import Setting
from imagpose.generation.canvases import Canvas
from imagpose.generation.command import inputs
from imagpose.output.progress import progress
from imagpose.pipeline import ImagposePipeline

SAMPLERS = {"DDIM": "DDIMScheduler", "DPM++ 2M": "DPMSolverMultistepScheduler", "UniPC": "UniPCMultistepScheduler"}
"""Classes of diffusers by the name of the sampler; each is made with the configuration the model was trained with."""
DISTILLED = "distilled"
"""The sampler of the student, which has a scheduler of its own and no guidance."""
OWN = "own"
"""The sampler that a model comes with, as ``generate`` draws."""

_UNITS = ("canvas", "panel", "image")


@dataclass(frozen=True)
class Way:
    """One way to generate.

    Attributes:
        sampler: A key of :data:`SAMPLERS`, :data:`DISTILLED` or :data:`OWN`.
        steps: Denoising steps.
        scenario: Of the paper.
        guided: Whether the guidance of the command is used, or none (w = 1), which is half the work.
        interval: The lowest and the highest timestep at which it is used; None is the model's own.
        form: Of guidance, see :class:`imagpose.sampler.Guidance`; None is the model's own.
        panels: V of the canvas; None is the smallest that fits of those that the model was trained on.
    """

    sampler: str
    steps: int
    scenario: Setting = "T1"
    guided: bool = True
    interval: tuple[int, int] | None = None
    form: str | None = None
    panels: int | None = None

    @property
    def label(self) -> str:
        """For people."""
        return " ".join([f"{self.sampler} {self.steps},", self.canvas, *self._guidance])

    @property
    def name(self) -> str:
        """Of its row, its pictures' folder and their files."""
        words = [self.sampler.lower().replace("++ ", ""), str(self.steps), self.canvas, *self._guidance]
        return "-".join(words).replace("*", "_star").replace(" ", "-")

    @property
    def canvas(self) -> str:
        """The setting of the paper, or ``pair`` where there are two panels."""
        return "pair" if self.panels == 2 else self.scenario

    @property
    def _guidance(self) -> list[str]:
        if self.sampler == DISTILLED:
            return []
        return (["interval"] if self.interval else []) if self.guided else ["unguided"]

    def w(self, asked: float | None) -> float | None:
        """The scale w: what the command asks for, or none, which is 1; None is the model's own.

        Args:
            asked: Of the command.
        """
        if self.sampler == DISTILLED:
            return None  # it has its guidance folded in
        return asked if self.guided else 1.0


class Pipelines:
    """The model, and the student distilled from it where there is one, each to be used in any of the ways.

    Args:
        model: On its device.
        student: Likewise.
    """

    def __init__(self, model: ImagposePipeline, student: ImagposePipeline | None = None) -> None:
        self.model, self.student = model, student
        self._own, self._form = model.scheduler, model.config["guidance_form"]

    def use(self, way: Way) -> ImagposePipeline:
        """The pipeline of a way, with its scheduler and form of guidance."""
        if way.sampler == DISTILLED:
            assert self.student is not None
            return self.student
        self.model.register_to_config(guidance_form=way.form or self._form)
        if way.sampler == OWN:
            self.model.scheduler = self._own
        else:
            self.model.scheduler = getattr(diffusers, SAMPLERS[way.sampler]).from_config(self._own.config)
        return self.model


def measure(
    pipelines: Pipelines,
    canvases: Mapping[Way, Sequence[Canvas]],
    guidance: float | None,
    batch_size: int,
    repeats: int,
) -> dict[str, dict[str, float]]:
    """What each way takes.

    Timed is the whole pipeline, from pictures and poses in memory to pictures in memory: pose maps, VAE, encoder, all
    steps, decoding of what is kept. All ways take batches of one size. In each round every way generates one batch, so
    that a slow minute of the machine falls on all alike; the first round warms up, and its operations are counted.

    Args:
        pipelines: Of all ways.
        canvases: Of each way, all of equally many sources and poses, on as many panels as they say.
        guidance: w, where a way has one; None is the model's own.
        batch_size: Canvases at once, fewer where a scenario has not so many.
        repeats: Timed rounds.

    Returns:
        By way's name: ``seconds_per_canvas`` (the median), ``seconds_per_panel`` of the masked panels, all of which are
        generated, ``seconds_per_image`` that is kept, ``flops_per_canvas``, ``flops_per_panel``, ``flops_per_image``,
        ``masked_panels`` and ``kept_images`` of one canvas, or of all over which its poses are spread, ``batch_size``
        and ``repeats``.
    """
    size = min(batch_size, *(len(of) for of in canvases.values()))
    size_of = pipelines.model.image_size
    batches = {way: (list(of[:size]), inputs(of[:size], size_of)) for way, of in canvases.items()}

    def generate(way: Way, steps: int) -> float:
        some, given = batches[way]
        pipe = pipelines.use(way)
        started = time.perf_counter()
        images = pipe(
            *given, way.scenario, steps, way.w(guidance), seed=[canvas.seed for canvas in some],
            output_type="pt", guidance_interval=way.interval, panels=some[0].panels,
        ).images  # fmt: skip
        assert isinstance(images, Tensor)
        images.cpu()  # waits for the device
        return time.perf_counter() - started

    flops: dict[Way, int] = {}
    seconds: dict[Way, list[float]] = {way: [] for way in canvases}
    with progress("Timing", (repeats + 1) * len(canvases), "batches") as advance:
        for way in {pipelines.use(way): way for way in canvases}.values():
            generate(way, 1)  # a black panel is encoded once, which is no way's work
        for number in range(repeats + 1):
            for way in canvases:
                if number:
                    seconds[way].append(generate(way, way.steps))
                else:
                    with FlopCounterMode(display=False) as counter:
                        generate(way, way.steps)
                    flops[way] = counter.get_total_flops()
                advance(1)
    costs = {}
    for way, (some, _) in batches.items():
        turns, panels, kept = some[0].turns, some[0].masked, len(some[0].outputs)
        cost: dict[str, float] = {}
        for unit, whole in (("seconds", statistics.median(seconds[way])), ("flops", flops[way])):
            each = whole / size
            cost |= {f"{unit}_per_{what}": each / n for what, n in zip(_UNITS, (turns, panels, kept), strict=True)}
        costs[way.name] = {
            **cost, "masked_panels": panels, "kept_images": kept, "batch_size": size, "repeats": repeats
        }  # fmt: skip
    return costs
