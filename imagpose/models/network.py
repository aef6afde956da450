"""The trainable network: FLC, ILC, pose encoder and UNet, and the three conditions they exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from imagpose.models.flc import FLC
from imagpose.models.ilc import ILC
from imagpose.models.pose_encoder import PoseEncoder
from imagpose.models.unet import CanvasUNet


@dataclass(frozen=True)
class Conditions:
    """What the denoiser is told, by the paper's names.

    Attributes:
        F_C: Appearance tokens, (B, m + n, d).
        F_I: Masked latents and mask, (B, V, c + 1, h, w).
        F_P: Pose features, (B, V, pose_channels, h, w).
        nothing: F_I of a canvas with nothing given, (V, c + 1, h, w).
    """

    F_C: Tensor
    F_I: Tensor
    F_P: Tensor
    nothing: Tensor

    def keep(self, F_C: Tensor, F_I: Tensor, F_P: Tensor) -> Conditions:
        """Drop conditions sample by sample: zero tokens, black latents and mask 0, zero pose features.

        Args:
            F_C: (B,) booleans, whether to keep it.
            F_I: Likewise.
            F_P: Likewise.
        """
        return replace(
            self,
            F_C=self.F_C * F_C[:, None, None],
            F_I=torch.where(F_I[:, None, None, None, None], self.F_I, self.nothing),
            F_P=self.F_P * F_P[:, None, None, None, None],
        )

    @staticmethod
    def cat(parts: Sequence[Conditions]) -> Conditions:
        """Stack along the batch."""
        F_C, F_I, F_P = (torch.cat([getattr(part, name) for part in parts]) for name in ("F_C", "F_I", "F_P"))
        return Conditions(F_C, F_I, F_P, parts[0].nothing)


class Network(nn.Module):
    """Everything that is trained.

    Args:
        flc: Makes F_C.
        ilc: Makes F_I.
        pose_encoder: Makes F_P.
        unet: Predicts from all three.
    """

    def __init__(self, flc: FLC, ilc: ILC, pose_encoder: PoseEncoder, unet: CanvasUNet) -> None:
        super().__init__()
        self.flc, self.ilc, self.pose_encoder, self.unet = flc, ilc, pose_encoder, unet

    def conditions(
        self, source: Tensor, semantic: Tensor, given: Tensor, mask: Tensor, black: Tensor, poses: Tensor
    ) -> Conditions:
        """Encode the conditions once; they serve every denoising step.

        Args:
            source: Latents of the source, (B, c, h, w).
            semantic: F_H of the source, (B, n, encoder_dim).
            given: Latents of the panels, (B, V, c, h, w); those of masked panels have no influence.
            mask: (B, V), 0 = to generate, 1 = given.
            black: Latent of a black panel, (c, h, w).
            poses: Pose maps, (B, V, 3, H, W) in [0, 1].
        """
        return Conditions(
            F_C=self.flc(source, semantic),
            F_I=self.ilc(given, mask, black),
            F_P=self.pose_encoder(poses),
            nothing=self.ilc(given[:1], torch.zeros_like(mask[:1]), black)[0],
        )

    def forward(self, noisy: Tensor, timesteps: Tensor, conditions: Conditions) -> Tensor:
        """ε_θ(x_t, F_C, F_I, F_P, t), or v, in views (B, V, c, h, w)."""
        return self.unet(noisy, timesteps, conditions.F_C, conditions.F_I, conditions.F_P)


def build(
    unet_config: dict[str, object],
    encoder_dim: int,
    pose_channels: Sequence[int],
    texture_kernel: int,
    texture_tokens: bool,
    image_conditions: bool,
    cva: bool,
    cva_positions: bool,
    rows: int,
    cols: int,
) -> Network:
    """Assemble the network; widths follow from the UNet's configuration and the encoder."""
    unet = UNet2DConditionModel(**unet_config)
    latent_channels, dim = int(unet.config["in_channels"]), int(unet.config["cross_attention_dim"])
    ilc = ILC(latent_channels, image_conditions)
    canvas = CanvasUNet(unet, latent_channels + ilc.channels, rows, cols, cva, cva_positions)
    flc = FLC(encoder_dim, dim, latent_channels, texture_kernel, texture_tokens)
    return Network(flc, ilc, PoseEncoder(canvas.pose_channels, pose_channels), canvas)
