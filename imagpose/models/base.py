"""A base model as Stable Diffusion is published: a folder in the diffusers layout, a hub id, or one single file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from torch import Tensor

from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.models.vae import VAE
from imagpose.objective import Schedule

PUBLISHED = Path(__file__).parent / "published"  # configurations alone, of models that are often met as single files
_TELLING = ("cross_attention_dim", "sample_size", "block_out_channels", "attention_head_dim")
_SINGLE_FILE_UNET = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"


class Base:
    """What IMAGPose starts from. Nothing but configurations is read until somebody loads the weights.

    Args:
        name: A folder or hub id in the diffusers layout (``unet/``, ``vae/``, ``scheduler/``; fp16 variants too), or
            one single-file checkpoint, whose configuration is the packaged one of Stable Diffusion 1.5 or 2.1.
        vae: Name of another VAE than the base's own, ``stabilityai/sd-vae-ft-mse`` say.

    Attributes:
        unet_config: Configuration of the base's UNet.
        unet_weights: The file of that UNet's weights.
        schedule: The noise that the base was trained with, and what it predicts.

    Raises:
        InputError: Its configuration cannot be had, or contradicts itself.
    """

    def __init__(self, name: str, vae: str | None = None) -> None:
        name = name.rstrip("/")
        self.name, self._vae = name, vae
        self.unet_weights = weights.File(name, _files("unet/"))
        self._published = self._find_published()
        self.unet_config = _architecture(self._config("unet/config.json"))
        if (channels := self.unet_config["in_channels"]) != self.unet_config["out_channels"]:
            raise InputError(
                f"The UNet of {name} takes {channels} channels, as that of inpainting models does; take the weights of "
                "a text-to-image model."
            )
        self.schedule = Schedule.of_base(self._config("scheduler/scheduler_config.json"))

    def vae(self) -> VAE:
        """Its VAE, or the one named in its stead; the weights not read yet."""
        if self._vae is None:
            config, file = self._config("vae/config.json"), weights.File(self.name, _files("vae/"))
        else:  # every Stable Diffusion VAE of four channels has one architecture, so a bare file needs no config
            file, own = weights.File(self._vae, _files("")), weights.File(self._vae, ("config.json",)).path()
            config = weights.read_config(own or PUBLISHED / "stable-diffusion-v1-5/vae/config.json")
        return VAE.of_config(_architecture(config), file)

    def changed(self, change: Schedule | None, own_unet: bool = True) -> Schedule:
        """Its schedule with what is said otherwise.

        Args:
            change: Of the schedule.
            own_unet: Whether its UNet is trained, which must have been trained to predict what the schedule says.

        Raises:
            InputError: The UNet is one of the published ones, beside the scheduler of another, with which it would
                train without an error, and badly.
        """
        schedule = (change or Schedule()).over(self.schedule)
        if own_unet and not (change and (change.prediction_type or change.zero_terminal_snr)):
            self._check_prediction(schedule)
        return schedule

    def _check_prediction(self, schedule: Schedule) -> None:
        for folder in sorted(PUBLISHED.iterdir()):
            known = weights.read_config(folder / "unet/config.json")
            if any(self.unet_config.get(key) != known[key] for key in _TELLING):
                continue
            trained = Schedule.of_base(weights.read_config(folder / "scheduler/scheduler_config.json"))
            if schedule.predicts != trained.predicts:
                raise InputError(
                    f"{self.name}/scheduler/scheduler_config.json says {schedule.predicts}, but unet/config.json is "
                    f"that of {folder.name}, which predicts {trained.predicts}; take the scheduler/ of the same "
                    "download, or say model.init_args.schedule to mean it."
                )
            return

    def _config(self, file: str) -> dict[str, Any]:
        wanted = weights.File(self.name, (file,))
        path = wanted.path()
        if path is None and self._published is not None:
            path = self._published / file
        return weights.read_config(path or wanted.fetch())

    def _find_published(self) -> Path | None:
        """The packaged configuration of a model known by name, or by a single file's tensors."""
        path = self.unet_weights.path()
        named = PUBLISHED / self.name.rsplit("/", 1)[-1]
        if named.is_dir():
            return named
        if path is None or path.parent.name == "unet":
            return None
        keys = weights.header(path).get(_SINGLE_FILE_UNET)
        if keys is None:
            raise InputError(f"{path} is no single-file checkpoint of Stable Diffusion: it has no {_SINGLE_FILE_UNET}.")
        width = keys.shape[1]
        if width == 768:
            return PUBLISHED / "stable-diffusion-v1-5"
        if width == 1024:  # 2.1 and 2.1-base differ in nothing but what they predict
            base = re.search(r"base|512", path.name)
            return PUBLISHED / ("stable-diffusion-2-1-base" if base else "stable-diffusion-2-1")
        raise InputError(f"{path} is neither Stable Diffusion 1.5 nor 2.1: its cross-attention is {width} wide.")


def unet_names(tensors: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    """A UNet's tensors in diffusers' names, whether the file is diffusers' or a single-file checkpoint."""
    if _SINGLE_FILE_UNET not in tensors:
        return tensors
    return convert_ldm_unet_checkpoint(tensors, config)


def _files(folder: str) -> tuple[str, ...]:
    return tuple(f"{folder}diffusion_pytorch_model{variant}.safetensors" for variant in ("", ".fp16"))


def _architecture(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if not key.startswith("_")}
