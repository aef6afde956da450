"""ILC, image-level conditioning (Sec. 3.3): the given panels beside the noise, and a mask that tells them apart.

    F_I   = concat(VAE(masked panels), mask),   (B, V, c + 1, h, w)
    input = concat(x_t, F_I),                   (B, V, 2c + 1, h, w): 4 + 4 + 1 = 9 channels

with

    x_t     noisy latents of all panels, (B, V, c, h, w)
    mask    0 = to generate, 1 = given, one number a panel spread over its latents, (B, V, 1, h, w)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ILC(nn.Module):
    """Builds F_I: the masked latents and the binary mask that join the noisy latents at the UNet's input.

    Assumption: a masked panel's latent is that of a black image, as the paper pads with black images; the alternative,
    zeros, is a latent that no image has. The mask is 0 where a panel is to be generated and 1 where it is given.

    Args:
        latent_channels: Channels of the VAE's latents.
        images: Whether the masked latents are given; off in the paper's B0–B2, which see the mask alone.
        mask: Whether the mask is given; off in the paper's M1, which sees neither.

    Attributes:
        channels: How many channels F_I has. With four of noisy latents the UNet's input has 9, without images 5,
            without a mask 4.
    """

    def __init__(self, latent_channels: int = 4, images: bool = True, mask: bool = True) -> None:
        super().__init__()
        self.images, self.mask = images, mask
        self.channels = latent_channels * images + mask

    def forward(self, latents: Tensor, mask: Tensor, black: Tensor) -> Tensor:
        """Mask the panels that are to be generated.

        Args:
            latents: Latents of every panel, (B, V, c, h, w); what a masked panel holds has no influence.
            mask: Which panels are given, (B, V): 0 = to generate, 1 = given.
            black: Latent of a black panel, (c, h, w).

        Returns:
            F_I, (B, V, ``channels``, h, w).
        """
        keep = mask[:, :, None, None, None]
        parts = [torch.where(keep > 0, latents, black)] if self.images else []
        plane = keep.expand(-1, -1, int(self.mask), *black.shape[-2:]).to(black.dtype)
        return torch.cat([*parts, plane], dim=2)
