"""The frozen VAE, panel by panel: images ⇄ latents."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from imagpose import weights
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
        folder: Where :meth:`load_weights` reads them.
    """

    def __init__(self, autoencoder: AutoencoderKL, folder: Path | None = None) -> None:
        super().__init__()
        self.autoencoder, self.folder = autoencoder.to(memory_format=torch.channels_last), folder
        self.scale = float(self.autoencoder.config["scaling_factor"])
        self.channels = int(self.autoencoder.config["latent_channels"])
        self.downscale = 2 ** (len(self.autoencoder.config["block_out_channels"]) - 1)
        self.freeze()

    @staticmethod
    def of_folder(folder: Path) -> VAE:
        """The architecture that a folder in the diffusers layout describes."""
        config = {k: v for k, v in weights.read_config(folder).items() if not k.startswith("_")}
        return VAE(cast(AutoencoderKL, AutoencoderKL.from_config(config)), folder)

    def load_weights(self) -> None:
        """Read ``diffusion_pytorch_model.safetensors``."""
        assert self.folder is not None
        weights.load(self.autoencoder, self.folder / "diffusion_pytorch_model.safetensors")

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
