"""FLC, feature-level conditioning (Sec. 3.2): texture tokens of the VAE beside semantic tokens of the encoder.

    F_L = flatten(Conv2d(VAE(x))),  (B, c, h, w) → (B, m, d)
    F_H = encoder(x),               (B, n, encoder_dim) → (B, n, d)
    F_C = concat(F_L, F_H),         (B, m + n, d)                                       Eq. (3)

with

    x       the source image
    c       channels of the VAE's latents, 4; h and w are theirs, an eighth of the image's
    m       texture tokens: ⌈h/k⌉·⌈w/k⌉ of a convolution with kernel and stride k
    n       semantic tokens of the image encoder
    d       width of the UNet's cross-attention, 768 in Stable Diffusion 1.5
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imagpose.errors import InputError


class FLC(nn.Module):
    """The trainable tokenizer, and the concatenation of Eq. (3).

    Assumption: semantic tokens pass a linear layer and a norm into the UNet's cross-attention width, which the
    tokenizer's outputs have already; the paper gives both the same d, although DINOv2-G is 1536 wide and SD 768. The
    alternative, a UNet whose cross-attention is as wide as the encoder, would throw its pretrained keys away.

    Args:
        encoder_dim: Width of the encoder's tokens.
        dim: Width d of F_C, the UNet's ``cross_attention_dim``.
        latent_channels: Channels of the VAE's latents.
        kernel_size: Kernel and stride of the tokenizer: 16 in the paper.
        texture: Whether there are texture tokens at all; off in the paper's B0, B1 and B3.
    """

    def __init__(
        self, encoder_dim: int, dim: int, latent_channels: int = 4, kernel_size: int = 16, texture: bool = True
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        linear = nn.Linear(encoder_dim, dim)
        if encoder_dim == dim:  # a base model that learned from this encoder's tokens understands them at once
            nn.init.eye_(linear.weight)
            nn.init.zeros_(linear.bias)
        self.project = nn.Sequential(linear, nn.LayerNorm(dim))
        self.tokenizer = nn.Conv2d(latent_channels, dim, kernel_size, kernel_size) if texture else None

    def check_fits(self, height: int, width: int) -> None:
        """Refuse latents of which one kernel would hold all, and more padding than latents.

        Args:
            height: Of a panel's latents.
            width: Likewise.

        Raises:
            InputError: The kernel is larger than both.
        """
        if self.tokenizer is not None and self.kernel_size > max(height, width):
            raise InputError(
                f"model.init_args.texture_kernel is {self.kernel_size} and a panel's latents are {height}×{width}; "
                f"take at most {max(height, width)}."
            )

    def forward(self, source_latents: Tensor, semantic: Tensor) -> Tensor:
        """Join both kinds of tokens.

        Args:
            source_latents: F_L before the tokenizer, (B, c, h, w); padded with zeros to a multiple of the kernel.
            semantic: F_H as the encoder gives it, (B, n, encoder_dim).

        Returns:
            F_C = concat(F_L, F_H), (B, m + n, d); F_H alone, (B, n, d), where there are no texture tokens.
        """
        semantic = self.project(semantic)
        if self.tokenizer is None:
            return semantic
        down, across = -source_latents.shape[-2] % self.kernel_size, -source_latents.shape[-1] % self.kernel_size
        padded = F.pad(source_latents, (across // 2, across - across // 2, down // 2, down - down // 2))
        texture = self.tokenizer(padded).flatten(2).transpose(1, 2)
        return torch.cat([texture, semantic], dim=1)  # Eq. (3)
