"""From images and poses to conditions, and from noise to images: what training, evaluation and the pipeline share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imagpose.models.encoders import Encoder
from imagpose.models.network import Conditions, Network
from imagpose.models.vae import VAE, Posterior
from imagpose.panels import crop, pad
from imagpose.sampler import Guidance, OnStep, sample


class Seen(NamedTuple):
    """What the frozen networks say of a batch of canvases.

    Attributes:
        panels: The panels' posterior over latents, (B, V, c, h, w).
        source: The source's latents, (B, c, h, w).
        semantic: The source's tokens F_H, (B, n, encoder_dim).
    """

    panels: Posterior
    source: Tensor
    semantic: Tensor

    @classmethod
    def cached(cls, batch: dict[str, Tensor]) -> Seen:
        """What came with a batch from a cache, in full precision."""
        mean, std, source, semantic = (batch[name].float() for name in ("mean", "std", "source_mean", "semantic"))
        return cls(Posterior(mean, std), source, semantic)


class Synthesis:
    """The two frozen networks and the trained one, used together.

    Args:
        vae: Images ⇄ latents.
        encoder: Images → semantic tokens.
        network: Conditions, and what is predicted from them.
    """

    def __init__(self, vae: VAE, encoder: Encoder, network: Network) -> None:
        self.vae, self.encoder, self.network = vae, encoder, network
        self._black: dict[tuple[Any, ...], Tensor] = {}

    @property
    def multiple(self) -> int:
        """A panel's height and width in pixels are padded to a multiple of this."""
        return self.vae.downscale * self.network.unet.multiple

    def latent_shape(self, size: tuple[int, int], panels: int) -> tuple[int, int, int, int]:
        """Shape (V, c, h, w) of the latents of a canvas of V panels for images of (height, width)."""
        height, width = ((side + -side % self.multiple) // self.vae.downscale for side in size)
        return panels, self.vae.channels, height, width

    def latents_of(self, batch: dict[str, Tensor]) -> tuple[int, int, int, int]:
        """The same of a batch's canvases, by their ``poses`` (B, V, 3, H, W)."""
        panels, _, height, width = batch["poses"].shape[1:]
        return self.latent_shape((height, width), panels)

    def black(self, images: Tensor) -> Tensor:
        """The latent of a black panel of the size of some images, padded; encoded once a size and device."""
        height, width = (side + -side % self.multiple for side in images.shape[-2:])
        key = (height, width, images.device)
        if key not in self._black:
            self._black[key] = self.vae.black((height, width)).to(images.device)
        return self._black[key]

    def see(self, images: Tensor, source: Tensor) -> Seen:
        """Let the frozen networks look.

        Args:
            images: The panels, (B, V, 3, H, W) in [-1, 1].
            source: FLC's source, (B, 3, H, W) in [-1, 1].
        """
        panels = self.vae.encode(pad(images, self.multiple))
        return Seen(panels, self.vae.encode(pad(source, self.multiple)).mean, self.encoder(source))

    def _latents_once(self, source: Tensor, images: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Latents of the source (B, c, h, w) and of the panels (B, V, c, h, w), black where they are masked.

        Every picture is encoded once: panels that show FLC's source share its latent, and black is kept.
        """
        latents = self.vae.encode(pad(source, self.multiple)).mean
        panels = self.black(images).expand(*mask.shape, *latents.shape[1:]).clone()
        given = mask > 0
        shown = given & (images == source[:, None]).flatten(2).all(2)
        panels[shown] = latents[shown.nonzero()[:, 0]].to(panels)
        if (others := given & ~shown).any():
            panels[others] = self.vae.encode(pad(images[others], self.multiple)).mean.to(panels)
        return latents, panels

    def reconstruct(self, images: Tensor) -> Tensor:
        """Images through the VAE, (..., 3, H, W) in [-1, 1]: the ceiling of what can be generated."""
        latents = self.vae.encode(pad(images, self.multiple)).mean
        return self.decode(latents, (images.shape[-2], images.shape[-1]))

    def conditions(self, source: Tensor, semantic: Tensor, given: Tensor, mask: Tensor, poses: Tensor) -> Conditions:
        """What the frozen networks saw, and pose maps → F_C, F_I, F_P.

        Args:
            source: Latents of FLC's source, (B, c, h, w).
            semantic: The source's tokens F_H, (B, n, encoder_dim).
            given: Latents of the padded panels, (B, V, c, h, w); masked ones have no influence.
            mask: Which panels are given, (B, V): 0 = to generate, 1 = given.
            poses: Pose maps, (B, V, 3, H, W) in [0, 1].
        """
        padded = pad(poses, self.multiple, "constant")
        return self.network.conditions(source, semantic, given, mask, self.black(padded), padded)

    @torch.no_grad()
    def generate(
        self,
        canvases: dict[str, Tensor],
        noise: Tensor,
        scheduler: Any,
        guidance: Guidance,
        steps: int,
        wanted: Sequence[Sequence[int]] | None = None,
        on_step: OnStep | None = None,
        generator: Any = None,
    ) -> Tensor:
        """Generate panels; the pixels of masked panels are not looked at.

        Args:
            canvases: ``source`` (B, 3, H, W) and ``images`` (B, V, 3, H, W) in [-1, 1], ``poses`` (B, V, 3, H, W) in
                [0, 1], and ``mask`` (B, V), 0 = to generate, 1 = given.
            noise: Standard normal noise x_T, (B, V, c, h, w), see :meth:`latent_shape`.
            scheduler: Any scheduler of diffusers.
            guidance: How the predictions are combined, Eq. (5).
            steps: How many denoising steps are taken, from 1.
            wanted: The panels of each canvas to decode, n of every one; None decodes all.
            on_step: Called after every step, see :func:`imagpose.sampler.sample`; it sees the estimate of the wanted
                panels alone.
            generator: Draws the noise of a scheduler whose steps add some; DDIM's do not.

        Returns:
            The wanted panels, (B, n, 3, H, W) in [-1, 1]; given panels are the model's own rendering of them.
        """
        images, mask = canvases["images"], canvases["mask"]
        source, given = self._latents_once(canvases["source"], images, mask)
        semantic = self.encoder(canvases["source"])
        conditions = self.conditions(source, semantic, given, mask, canvases["poses"])
        rows = torch.arange(len(noise), device=noise.device)[:, None]
        panels = slice(None) if wanted is None else (rows, torch.tensor(wanted, device=noise.device))
        watch = on_step and (lambda i, t, x_t, x_0: on_step(i, t, x_t, x_0[panels]))
        latents = sample(self.network, conditions, noise, scheduler, guidance, steps, watch, generator)
        return self.decode(latents[panels], (images.shape[-2], images.shape[-1]))

    def decode(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        """Latents of padded panels → images.

        Args:
            latents: Of n panels of each canvas, (B, n, c, h, w).
            size: (height, width) of an image in pixels.

        Returns:
            (B, n, 3, H, W) in [-1, 1].
        """
        return crop(self.vae.decode(latents), size)
