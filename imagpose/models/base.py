"""A base model in the published layout: Stable Diffusion's ``vae/``, ``unet/`` and ``scheduler/`` folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagpose import weights
from imagpose.models.vae import VAE
from imagpose.objective import Schedule


class Base:
    """What IMAGPose starts from. Nothing but the configurations is read until somebody loads the weights.

    Args:
        name: Weights folder, see :func:`imagpose.weights.find`.

    Attributes:
        unet_config: Of its UNet.
        unet_weights: Its UNet's safetensors file.
        schedule: The noise it was trained with, and what it predicts.
    """

    def __init__(self, name: str) -> None:
        self.folder: Path = weights.find(name)
        self.unet_config = _architecture(self.folder / "unet")
        self.unet_weights = self.folder / "unet" / "diffusion_pytorch_model.safetensors"
        self.schedule = Schedule.of_base(weights.read_config(self.folder / "scheduler", "scheduler_config.json"))

    def vae(self) -> VAE:
        """Its VAE, the weights not read yet."""
        return VAE.of_folder(self.folder / "vae")


def _architecture(folder: Path) -> dict[str, Any]:
    return {key: value for key, value in weights.read_config(folder).items() if not key.startswith("_")}
