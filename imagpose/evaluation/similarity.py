"""SSIM and PSNR inside the figure's box: a plain background would lift every score."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure


def in_box(generated: Tensor, target: Tensor, boxes: Tensor) -> dict[str, Tensor]:
    """Score images one by one, on the CPU: boxes have many sizes, for each of which a GPU sets up its convolution anew.

    Args:
        generated: Generated images, (B, 3, H, W) in [-1, 1].
        target: True images, (B, 3, H, W) in [-1, 1].
        boxes: The figures' boxes, (B, 4) integers: top, bottom, left, right.

    Returns:
        ``ssim`` (Gaussian window, σ 1.5, range 1) and ``psnr`` in dB, one number an image, (B,), on the images' device.
    """
    scores: dict[str, list[Tensor]] = {"ssim": [], "psnr": []}
    for one, other, (top, bottom, left, right) in zip(generated.cpu(), target.cpu(), boxes.tolist(), strict=True):
        a, b = ((image[None, :, top:bottom, left:right].float() + 1) / 2 for image in (one, other))
        ssim = structural_similarity_index_measure(a, b, gaussian_kernel=True, sigma=1.5, data_range=1.0)
        assert isinstance(ssim, Tensor)
        scores["ssim"].append(ssim)
        scores["psnr"].append(peak_signal_noise_ratio(a, b, data_range=1.0))
    return {name: torch.stack(values).to(generated.device) for name, values in scores.items()}
