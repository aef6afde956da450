"""A run's model from its folder, for use outside the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jsonargparse import ArgumentError

from imagpose.errors import InputError
from imagpose.module import IMAGPose
from imagpose.options import trust
from imagpose.options.parse_errors import sentence
from imagpose.training import runs
from imagpose.training.experiment import build_model


def module_of_run(folder: Path, trusted: Sequence[str] = ()) -> IMAGPose:
    """Build the model that a run was started with and fill it from ``checkpoints/last.ckpt``; nothing is unpickled.

    Args:
        folder: Of the run.
        trusted: Modules and packages whose code may be run beside that of :data:`imagpose.options.trust.PACKAGES`.

    Raises:
        InputError: It is no run of IMAGPose, names a class of another package, or its checkpoint is damaged or belongs
            to another experiment.
    """
    run = runs.from_folder(folder)
    if run.last.is_dir():
        raise InputError(f"{run.last} is a folder of shards, which only training reads; name another run.")
    runs.check_checkpoint(run.last)
    options = trust.read_run(run.config, trusted)
    if options["model"]["class_path"] not in (runs.IMAGPOSE, runs.DISTILLATION, runs.FINETUNING):
        raise InputError(f"{folder} is a run of {options['model']['class_path']}, which generates no people.")
    try:
        module = build_model(options)
    except ArgumentError as error:
        raise InputError(
            f"{run.config} is of another version of imagpose ({sentence(error).rstrip('.')}); train the run anew."
        ) from error
    checkpoint = torch.load(run.last, map_location="cpu", weights_only=True)
    module.panels = runs.panels_of(options, run.config)  # a checkpoint of older times does not say them
    module.setup("predict")
    module.on_load_checkpoint(checkpoint, run.last)
    module.load_state_dict(checkpoint["state_dict"], strict=False)
    return module.eval()
