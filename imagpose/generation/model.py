"""Which trained model generates: a pipeline folder or a run, on a device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.options.devices import check_device
from imagpose.options.ranges import NonNegativeFloat, Seed, check_arguments
from imagpose.output.files import regular
from imagpose.training.runs import from_folder

if TYPE_CHECKING:  # it imports torch and diffusers, which --help need not wait for
    from imagpose.pipeline import ImagposePipeline

DEMO = "mannequin-demo"


@dataclass(frozen=True, kw_only=True)
class ChosenModel:
    """What every command that generates asks for: the model, and how it draws.

    Attributes:
        run: A run's folder, such as runs/tiny/version_0, whose averaged weights are taken instead of a pipeline's.
        trust: Modules or packages, beside imagpose, lightning, torch and diffusers, whose classes the run's config.yaml
            may name; their code is then run.
        model: A pipeline folder, or the name of shipped weights.
        seed: Of every random draw.
        device: cpu, cuda or another of torch's; cuda where there is one unless given.
        guidance: w of Eq. (5); 1 is none.
        overwrite: Whether to generate again what is there already.
    """

    run: Path | None = None
    trust: tuple[str, ...] = ()
    model: str = DEMO
    seed: Seed = 0
    device: str | None = None
    guidance: NonNegativeFloat = 2.0
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")
        if self.device is not None:
            check_device(self.device)

    @property
    def name(self) -> str:
        """The run's folder or the model's name, as records keep it."""
        return str(self.run or self.model)


def load(chosen: ChosenModel) -> ImagposePipeline:
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


def fingerprint(chosen: ChosenModel) -> str:
    """Of the weights' content: a model retrained under its old name is another model.

    Raises:
        InputError: There are no such weights.
    """
    if chosen.run:
        path = from_folder(chosen.run).last
    else:
        folder = Path(chosen.model) if Path(chosen.model).is_dir() else weights.find(chosen.model)
        path = folder / "network" / "diffusion_pytorch_model.safetensors"
    try:
        with open(regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name a whole pipeline folder or run.") from error
