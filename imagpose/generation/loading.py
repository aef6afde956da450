"""The model that a command was told to draw with, ready on its device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagpose.errors import InputError
from imagpose.generation.model import Model

# Not beside the requests: to learn the types of their fields, the parser carries out such a block of their file.
if TYPE_CHECKING:  # it imports torch and diffusers, which --help need not wait for
    from imagpose.pipeline import ImagposePipeline


def load(chosen: Model) -> ImagposePipeline:
    """The model, on its device.

    Raises:
        InputError: It cannot be read, or the device cannot be used.
    """
    import torch
    from diffusers.utils import logging

    from imagpose.pipeline import ImagposePipeline

    logging.disable_progress_bar()  # of loading; ours is about what takes time
    if chosen.run:
        pipe = ImagposePipeline.from_run(chosen.run, chosen.trust)
    else:
        pipe = ImagposePipeline.from_pretrained(chosen.model)
    device = chosen.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        pipe.to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"--device {device} cannot be used: {str(error).splitlines()[0]}") from error
    pipe.set_progress_bar_config(disable=True)
    return pipe
