"""The frozen VAE, panel by panel: images ⇄ latents."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from diffusers import AutoencoderKL
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from torch import Tensor

from imagpose.models import weights
from imagpose.models.frozen import Frozen


class Posterior(NamedTuple):
    """A Gaussian over latents; ``mean`` is its mode."""

    mean: Tensor
    std: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """The sample that standard normal ``noise`` selects."""
        return self.mean + self.std * noise


class VAE(Frozen):
    """diffusers' AutoencoderKL behind a panel-shaped door.

    Assumption: each panel is encoded and decoded by itself; the paper's VAE sees the joined canvas. By panel nothing
    bleeds across seams, the cost is linear in panels, and only targets need decoding.

    Args:
        autoencoder: The architecture, its weights read or not.
        file: The file that :meth:`load_weights` reads them from.
    """

    def __init__(self, autoencoder: AutoencoderKL, file: weights.File | None = None) -> None:
        super().__init__()
        self.autoencoder, self.file = autoencoder.to(memory_format=torch.channels_last), file
        self.scale = float(self.autoencoder.config["scaling_factor"])
        self.channels = int(self.autoencoder.config["latent_channels"])
        self.downscale = 2 ** (len(self.autoencoder.config["block_out_channels"]) - 1)
        self.freeze()

    @staticmethod
    def of_config(config: dict[str, Any], file: weights.File) -> VAE:
        """The architecture that a ``config.json`` in the diffusers layout describes."""
        return VAE(cast(AutoencoderKL, AutoencoderKL.from_config(config)), file)

    @staticmethod
    def of_folder(folder: Path) -> VAE:
        """The architecture of a folder with ``config.json`` and ``diffusion_pytorch_model.safetensors``."""
        config = {k: v for k, v in weights.read_config(folder / "config.json").items() if not k.startswith("_")}
        return VAE.of_config(config, weights.File(str(folder.absolute()), ("diffusion_pytorch_model.safetensors",)))

    def names(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The file's tensors in diffusers' names, whether it is diffusers' or a single-file checkpoint."""
        if any(key.endswith("encoder.down.0.block.0.norm1.weight") for key in tensors):
            return convert_ldm_vae_checkpoint(tensors, self.autoencoder.config)
        return tensors

    def load_weights(self) -> None:
        """Read the file."""
        assert self.file is not None
        weights.load(self.autoencoder, self.file.fetch(), self.names)

    @torch.no_grad()
    def encode(self, images: Tensor) -> Posterior:
        """Images, (..., 3, H, W) in [-1, 1] → their posterior over latents of unit scale, (..., c, H/8, W/8)."""
        posterior = self.autoencoder.encode(
            images.reshape(-1, *images.shape[-3:]).to(self.autoencoder.dtype)
        ).latent_dist
        mean, std = (
            (moment.float() * self.scale).reshape(*images.shape[:-3], *moment.shape[1:])
            for moment in (posterior.mean, posterior.std)
        )
        return Posterior(mean, std)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents of unit scale, (..., c, h, w) → images, (..., 3, 8h, 8w) in [-1, 1]."""
        flat = latents.reshape(-1, *latents.shape[-3:]) / self.scale
        images = self.autoencoder.decode(flat.to(self.autoencoder.dtype)).sample.float().clamp(-1, 1)
        return images.reshape(*latents.shape[:-3], *images.shape[1:])

    def black(self, size: tuple[int, int]) -> Tensor:
        """The latent of a black image of (height, width) pixels, (c, h, w)."""
        return self.encode(torch.full((3, *size), -1.0, device=next(self.parameters()).device)).mean
