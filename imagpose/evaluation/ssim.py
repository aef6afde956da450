"""SSIM as skimage computes it, image by image, but batched and on any device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.nn.functional as F
from torch import Tensor

_K1, _K2 = 0.01, 0.03


def uniform_window(size: int) -> Tensor:
    """The taps of a box filter, (size,)."""
    return torch.full((size,), 1 / size)


def gaussian_window(sigma: float) -> Tensor:
    """The taps of a Gaussian cut off at 3.5 σ, as skimage cuts it: 11 taps for σ 1.5, 9 for σ 1.2."""
    radius = int(3.5 * sigma + 0.5)
    positions = torch.arange(-radius, radius + 1, dtype=torch.float64)
    taps = torch.exp(-0.5 * (positions / sigma) ** 2)
    return (taps / taps.sum()).float()


def ssim(
    generated: Tensor, truth: Tensor, window: Tensor, data_range: float | Tensor = 1.0, sample_covariance: bool = False
) -> Tensor:
    """Mean structural similarity over channels and all places where the window fits.

    Equals ``skimage.metrics.structural_similarity`` with a channel axis. It is a function of the values divided by
    the range: images in 0-255 with a range of 255 give the same.

    Args:
        generated: (B, C, H, W) in [0, 1].
        truth: Likewise.
        window: Taps of the separable window, (n,).
        data_range: One number, or one an image, (B,).
        sample_covariance: Divide covariances by n² - 1 rather than n².

    Returns:
        (B,); NaN where an image's range is 0.

    Raises:
        ValueError: The window is larger than the images.
    """
    if min(truth.shape[-2:]) < len(window):
        raise ValueError(f"the window of {len(window)} pixels is larger than the image")
    ranges = torch.as_tensor(data_range, device=truth.device).float().expand(len(truth))
    correction = len(window) ** 2 / (len(window) ** 2 - 1) if sample_covariance else 1.0

    def score(a: Tensor, b: Tensor, data_range: Tensor) -> Tensor:
        return _ssim(a.float(), b.float(), window.to(a.device), data_range, correction)

    if truth.device.type == "cpu":
        return torch.cat(_side_by_side(score, generated.split(1), truth.split(1), ranges.split(1)))
    # TensorFloat-32 keeps ten bits: far from enough.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return score(generated, truth, ranges)


def _side_by_side(score: Callable[..., Tensor], *images: Sequence[Tensor]) -> list[Tensor]:
    """Score images on the CPU, each by one thread.

    One image's maps fit a core's cache, a batch's do not; and cores that share one image wait for each other after
    every operation, which on a busy machine takes longer than the operation.
    """
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        scores = list(pool.map(score, *images))
    torch.set_num_threads(threads)  # a worker's setting is the default of threads that start later
    return scores


def _ssim(a: Tensor, b: Tensor, window: Tensor, data_range: Tensor, correction: float) -> Tensor:
    # Variances are small differences of large numbers. In single precision they stay exact enough where values lie
    # around 0, and where the covariance is derived from (a - b)², so that equal regions give exactly 1.
    a, b = a - 0.5, b - 0.5
    maps = torch.cat([a, b, a * a + b * b, (a - b).square()], 1).contiguous(memory_format=torch.channels_last)
    taps = window.expand(maps.shape[1], 1, 1, -1)
    columns = F.conv2d(maps, taps.mT, groups=maps.shape[1])
    mean_a, mean_b, squares, differences = F.conv2d(columns, taps, groups=maps.shape[1]).chunk(4, 1)
    product, sum_of_squares = 2 * mean_a * mean_b, mean_a.square() + mean_b.square()
    covariance = correction * (squares - differences - product)  # twice
    variance = correction * (squares - sum_of_squares)  # of both
    c1, c2 = ((k * data_range).square().view(-1, 1, 1, 1) for k in (_K1, _K2))
    shift = mean_a + mean_b + 0.5 + c1  # puts back the 0.5 that was taken off
    luminance = (product + shift) / (sum_of_squares + shift)
    return (luminance * (covariance + c2) / (variance + c2)).flatten(1).mean(1)


def psnr(generated: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB for a range of 1, (B,); infinite where the images are equal."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    return peak_signal_noise_ratio(generated, truth, data_range=1.0, reduction="none", dim=(1, 2, 3))
