"""The networks that benchmarks measure: random weights of the published layout, or reduced ones; no file is read."""

from __future__ import annotations

from typing import Any

import torch

from imagpose.models.encoders import TimmEncoder
from imagpose.module import IMAGPose

_SMALLEST = {
    "in_channels": 4, "out_channels": 4, "block_out_channels": [16, 32], "layers_per_block": 1,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "attention_head_dim": 2, "cross_attention_dim": 16, "norm_num_groups": 4,
}  # fmt: skip


def full_size(device: str, **options: Any) -> IMAGPose:
    """The network of sd15_dinov2g, at 256×176 and at 512×352.

    Args:
        device: That the random weights are drawn on.
        options: Of :class:`imagpose.module.IMAGPose`.
    """
    with torch.device(device):
        encoder = TimmEncoder("vit_giant_patch14_dinov2", options={"img_size": 224})
        return IMAGPose(encoder, "stable-diffusion-v1-5/stable-diffusion-v1-5", **options)


def reduced(device: str, **options: Any) -> IMAGPose:
    """The embedded UNet and VAE, with an encoder as dear beside them as DINOv2-G beside Stable Diffusion."""
    with torch.device(device):
        shape = {"img_size": 64, "patch_size": 8, "embed_dim": 384, "depth": 18, "num_heads": 6}
        encoder = TimmEncoder("vit_tiny_patch16_224", image_size=64, options=shape)
        return IMAGPose(encoder, "mannequin-sd-v", pose_channels=(16, 32, 64), texture_kernel=4, **options)


def smallest(device: str, **options: Any) -> IMAGPose:
    """The embedded VAE with next to nothing beside it: shows that a benchmark runs, and measures nothing of use."""
    with torch.device(device):
        shape = {"img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2}
        encoder = TimmEncoder("vit_tiny_patch16_224", image_size=32, options=shape)
        return IMAGPose(encoder, "mannequin-sd-v", unet=_SMALLEST, pose_channels=(4, 8, 8), texture_kernel=4, **options)
