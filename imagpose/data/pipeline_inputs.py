"""What a pipeline is called with: checked before anything is computed, and refused in a sentence."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.errors import InputError
from imagpose.options.ranges import Panels, check_interval

OUTPUT_TYPES = ("pil", "np", "pt")
_MOST = 2**63 - 1  # the largest seed that torch takes
_TAKES: dict[str, tuple[type, str]] = {
    "sources": (Image.Image, "pictures of PIL, such as PIL.Image.open('me.jpg')"),
    "source_poses": (BodyPose, "poses, such as BodyPose.read('me.json')"),
    "target_poses": (BodyPose, "poses, such as BodyPose.read('walk.json')"),
}


def as_batches(**inputs: Any) -> list[list[list[Any]]]:
    """Each of sources, source poses and target poses as a batch of canvases, a list of lists.

    Raises:
        InputError: One holds something else than pictures or poses, or they are not equally many canvases.
    """
    batches = [_as_batch(name, value) for name, value in inputs.items()]
    lengths = [len(batch) for batch in batches]
    if len(set(lengths)) != 1 or not lengths[0]:
        raise InputError(
            f"There are {lengths[0]} canvases of sources, {lengths[1]} of source poses and {lengths[2]} of target "
            "poses; give each of them as equally many lists."
        )
    return batches


def _as_batch(name: str, value: Any) -> list[list[Any]]:
    many = list(value) if isinstance(value, (list, tuple)) else [value]
    nested = bool(many) and all(isinstance(one, (list, tuple)) for one in many)
    batch = [list(one) for one in many] if nested else [many]
    kind, takes = _TAKES[name]
    for one in (one for canvas in batch for one in canvas):
        if not isinstance(one, kind):
            said = repr(one) if isinstance(one, str) and len(one) <= 80 else f"a {type(one).__name__}"
            raise InputError(f"{name} holds {said if one is not None else 'None'}; it takes {takes}.")
    return batch


def check_numbers(steps: Any, most_steps: int, guidance_scale: Any, output_type: Any) -> None:
    """Refuse what no sampler can do.

    Args:
        steps: How many denoising steps to take, 1 to ``most_steps``.
        most_steps: Timesteps that the scheduler was trained with.
        guidance_scale: A finite number.
        output_type: The form of the images, one of :data:`OUTPUT_TYPES`.

    Raises:
        InputError: One is something else.
    """
    if not _is_whole(steps) or not 1 <= steps <= most_steps:
        raise InputError(f"num_inference_steps is {steps!r}; it takes a whole number from 1 to {most_steps}.")
    try:
        finite = math.isfinite(guidance_scale)
    except (TypeError, ValueError, OverflowError):
        finite = False
    if not finite:
        raise InputError(f"guidance_scale is {guidance_scale!r}; it takes a finite number, and 1 is no guidance.")
    if output_type not in OUTPUT_TYPES:
        raise InputError(f"There is no output_type {output_type!r}; there are: {', '.join(OUTPUT_TYPES)}.")


def check_canvas(panels: Any, interval: Any) -> None:
    """Refuse a number of panels, or an interval of guidance, that there is not; None of either is the pipeline's own.

    Args:
        panels: V of the canvases.
        interval: The lowest and the highest timestep.

    Raises:
        InputError: One is something else.
    """
    if panels is not None and (not _is_whole(panels) or int(panels) not in Panels.range):  # type: ignore[attr-defined]
        raise InputError(f"panels is {panels!r}; it must be {Panels.range}.")  # type: ignore[attr-defined]
    check_interval("guidance_interval", interval)


def check_alike(canvases: Sequence[Sequence[Sequence[Any]]]) -> None:
    """Refuse canvases that hold different numbers of sources or of poses.

    Args:
        canvases: Sources, their poses, and the poses to draw, of each.

    Raises:
        InputError: They do.
    """
    if len({(len(sources), len(targets)) for sources, _, targets in canvases}) != 1:
        raise InputError("Canvases of one batch must hold equally many sources and poses; call once for each kind.")


def generators(
    seed: Any, generator: Any, canvases: int, seeded: Callable[[int], torch.Generator]
) -> list[torch.Generator]:
    """One generator a canvas; it draws the noise, the panel that is taken, and what a stochastic scheduler adds.

    Args:
        seed: A number, which gives canvas i the seed ``seed + i``, or one for each canvas.
        generator: Taken instead, one for all canvases or one for each; None takes the seed.
        canvases: How many there are.
        seeded: Makes the generator of a seed.

    Raises:
        InputError: They are of another type, out of range, or too few or too many.
    """
    if isinstance(generator, torch.Generator):
        return [generator] * canvases
    if generator is not None:
        if not _is_sequence(generator) or not all(isinstance(one, torch.Generator) for one in generator):
            raise InputError("generator is none of torch's; it takes one, or a list of one for each canvas.")
        _check_count(generator, "generators", canvases)
        return list(generator)
    many = [seed + i for i in range(canvases)] if _is_whole(seed) else seed
    if not _is_sequence(many) or not all(map(_is_whole, many)):
        raise InputError(f"seed is {seed!r}; it takes a whole number, or a list of one for each canvas.")
    _check_count(many, "seeds", canvases)
    if min(many) < 0:
        raise InputError(f"Seeds must not be negative: {min(many)}.")
    if max(many) > _MOST:
        raise InputError(f"Seeds must not be larger than {_MOST}: {max(many)}.")
    return [seeded(int(one)) for one in many]


def _check_count(many: Sequence[Any], kind: str, canvases: int) -> None:
    if len(many) != canvases:
        raise InputError(f"There are {len(many)} {kind} for {canvases} canvases; give one, or one for each.")


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__len__") and hasattr(value, "__iter__") and not isinstance(value, (str, dict))


def _is_whole(value: Any) -> bool:
    """Whether a value is a whole number: Python's, numpy's or torch's, but no True or False."""
    try:
        operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return not isinstance(value, bool)
