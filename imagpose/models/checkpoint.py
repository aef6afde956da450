"""What a checkpoint of IMAGPose must hold; one that is not ours is told from one that is damaged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models.ema import EMA
from imagpose.models.pipeline_folder import is_size
from imagpose.models.weights import check_finite
from imagpose.options.ranges import are_panels


def check_contents(checkpoint: Mapping[str, Any], network: nn.Module, ema: EMA, path: Path) -> None:
    """Refuse a checkpoint whose trainable part, average or image size is not one that this network can go on from.

    Args:
        checkpoint: The checkpoint as it was read.
        network: The trainable part.
        ema: The network's moving average.
        path: Path of the checkpoint, for the messages.

    Raises:
        InputError: It is of another experiment, is not whole, or holds numbers that are not finite.
    """
    state = checkpoint["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path} is damaged: its state_dict is no mapping of tensors; {_ANEW}.")
    theirs = {name: tuple(value.shape) for name, value in state.items()}
    ours = {f"network.{name}": tuple(value.shape) for name, value in network.state_dict().items()}
    if theirs != ours:
        odd = next(name for name in sorted(theirs.keys() | ours.keys()) if theirs.get(name) != ours.get(name))
        raise InputError(
            f"{path} is of another experiment: {odd} is {theirs.get(odd, 'missing')} in it and "
            f"{ours.get(odd, 'missing')} in this model; name the experiment it was trained with."
        )
    written_by_trainer = "pytorch-lightning_version" in checkpoint
    for part in ("ema", "callbacks") if written_by_trainer else ("ema",):
        if not isinstance(checkpoint.get(part), dict):
            raise InputError(f"{path} is not whole: it has no {part!r}; {_ANEW}.")
    if "loops" in checkpoint and not _are_loops(checkpoint["loops"]):  # one of weights alone has none
        raise InputError(f"{path} is not whole: its 'loops' do not tell how far its run was; {_ANEW}.")
    check_finite(state, path)
    if ema.model is not None:
        _check_average(checkpoint["ema"], network, path)
    panels = checkpoint.get("panels")  # a checkpoint of older times has none, and was of four
    if panels is not None and not are_panels(panels):
        raise InputError(f"{path} is damaged: its panels {panels!r} are no list of numbers of panels; {_ANEW}.")
    size = checkpoint.get("image_size")
    if size is not None and not is_size(size):
        raise InputError(f"{path} is damaged: its image_size {size} is no height and width in pixels; {_ANEW}.")


def load_average(checkpoint: Mapping[str, Any], ema: EMA, path: Path) -> None:
    """Go on from a checkpoint's average.

    Args:
        checkpoint: One that :func:`check_contents` let pass.
        ema: The network's moving average.
        path: Path of the checkpoint, for the message.

    Raises:
        InputError: The average cannot be read.
    """
    try:
        ema.load_state_dict(checkpoint["ema"])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged: its average cannot be read ({error}); delete it.") from error


def check_steps(checkpoint: dict[str, Any], canvases: int | list[int], batches_a_step: int, path: Path) -> None:
    """Refuse to go on with steps of another size, and count the batches of those that were taken.

    Args:
        checkpoint: As it was read; is changed.
        canvases: Of a step of all processes now, of each number of panels where there are several.
        batches_a_step: Batches that a step is parted into now.
        path: Of the checkpoint, for the message.

    Raises:
        InputError: The run's steps were of more or fewer, or the checkpoint does not tell how many there were.
    """
    was = checkpoint.get("canvases_a_step")
    if type(was) is type(canvases) and was != canvases:  # a list is told by a list alone
        again = f"{was} again" if isinstance(was, int) else "what it was, parted as it was"
        raise InputError(
            f"The run's steps were of {was} canvases and would be of {canvases} now; make data.batch_size × "
            f"trainer.accumulate_grad_batches × processes {again}, or start another run with RUN=new."
        )
    _count_batches(checkpoint, batches_a_step, path)


def _count_batches(checkpoint: Mapping[str, Any], batches_a_step: int, path: Path) -> None:
    """Set the count of batches, which the trainer goes by, to that of the steps taken, parted as they are now."""
    if "loops" not in checkpoint:
        return
    try:
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        batches = checkpoint["global_step"] * batches_a_step
        for counts in (progress["total"], progress["current"]):
            counts.update(dict.fromkeys(counts, batches))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} does not tell how far its run was; start another with RUN=new.") from error


_ANEW = "delete it, or start another run with RUN=new"


def _are_loops(loops: Any) -> bool:
    """Whether they are Lightning's, of which each command restores its own."""
    names = ("fit_loop", "validate_loop", "test_loop", "predict_loop")
    return isinstance(loops, dict) and all(isinstance(loops.get(name), dict) for name in names)


def _check_average(average: dict[str, Any], network: nn.Module, path: Path) -> None:
    tensors = average.get("shadow_params")
    if not isinstance(tensors, list) or not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise InputError(f"{path} is not whole: its 'ema' has no averaged weights; {_ANEW}.")
    ours = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    if len(tensors) != len(ours):
        raise InputError(f"{path} is damaged: it averages {len(tensors)} tensors of {len(ours)}; {_ANEW}.")
    for (name, shape), tensor in zip(ours.items(), tensors, strict=True):
        if tuple(tensor.shape) != shape:
            raise InputError(
                f"{path} is damaged: the average of {name} is {tuple(tensor.shape)} where it is {shape}; {_ANEW}."
            )
    check_finite(dict(zip((f"the average of {name}" for name in ours), tensors, strict=True)), path)
