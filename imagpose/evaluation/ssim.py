"""SSIM as skimage computes it, image by image, but batched and on any device."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

Similarity = Callable[[Tensor, Tensor], Tensor]
"""Of generated and true images, (B, 3, H, W) in [0, 1], one number an image, (B,)."""

_K1, _K2 = 0.01, 0.03


@dataclass(frozen=True)
class Window:
    """A separable filter.

    Attributes:
        size: Side of the window in pixels.
        stages: One-dimensional filters to apply in turn, each as its taps, (n,), and the distance between them.
    """

    size: int
    stages: tuple[tuple[Tensor, int], ...]

    def filter(self, maps: Tensor) -> Tensor:
        """Filter where the whole window fits, (B, C, H, W) → (B, C, H - size + 1, W - size + 1)."""
        channels = maps.shape[1]
        for taps, step in self.stages:
            row = taps.to(maps.device).expand(channels, 1, 1, -1)
            maps = F.conv2d(maps, row.mT, dilation=(step, 1), groups=channels)
            maps = F.conv2d(maps, row, dilation=(1, step), groups=channels)
        return maps


def uniform_window(size: int) -> Window:
    """A box. One of 51 pixels is one of 3 and then one of 17 that looks at every third pixel: 20 taps, not 51."""
    inner = max(n for n in range(1, math.isqrt(size) + 1) if size % n == 0)
    stages = [(torch.full((n,), 1 / n), step) for n, step in ((inner, 1), (size // inner, inner)) if n > 1]
    return Window(size, tuple(stages))


def gaussian_window(sigma: float) -> Window:
    """A Gaussian cut off at 3.5 σ, as skimage cuts it: 11 taps for σ 1.5, 9 for σ 1.2."""
    radius = int(3.5 * sigma + 0.5)
    positions = torch.arange(-radius, radius + 1, dtype=torch.float64)
    taps = torch.exp(-0.5 * (positions / sigma) ** 2)
    return Window(2 * radius + 1, (((taps / taps.sum()).float(), 1),))


def ssim(
    generated: Tensor, truth: Tensor, window: Window, data_range: float | None = 1.0, sample_covariance: bool = False
) -> Tensor:
    """Mean structural similarity over channels and all places where the window fits.

    Equals ``skimage.metrics.structural_similarity`` with a channel axis. It is a function of the values divided by
    the range: images in 0-255 with a range of 255 give the same.

    Args:
        generated: Generated images, (B, C, H, W) in [0, 1].
        truth: True images, (B, C, H, W) in [0, 1].
        window: The window over which means and covariances are taken.
        data_range: The range of the values; None takes each generated image's own, largest less smallest value.
        sample_covariance: Whether to divide covariances by the window's pixels less one.

    Returns:
        One number an image, (B,); NaN where an image's range is 0.

    Raises:
        ValueError: The window is larger than the images.
    """
    if min(truth.shape[-2:]) < window.size:
        raise ValueError(f"the window of {window.size} pixels is larger than the image")
    correction = window.size**2 / (window.size**2 - 1) if sample_covariance else 1.0

    def score(a: Tensor, b: Tensor) -> Tensor:
        return _ssim(a.float(), b.float(), window, data_range, correction)

    # TensorFloat-32 keeps ten bits: far from enough.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        return _side_by_side(score, generated, truth)


def _side_by_side(score: Similarity, generated: Tensor, truth: Tensor) -> Tensor:
    """Score images; on the CPU each by one thread.

    One image's maps fit a core's cache, a batch's do not; and cores that share one image wait for each other after
    every operation, which on a busy machine takes longer than the operation.
    """
    if truth.device.type != "cpu":
        return score(generated, truth)
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        scores = list(pool.map(score, generated.split(1), truth.split(1)))
    torch.set_num_threads(threads)  # a worker's setting is the default of threads that start later
    return torch.cat(scores)


def _ssim(a: Tensor, b: Tensor, window: Window, data_range: float | None, correction: float) -> Tensor:
    # Of sum s and difference d the four filtered maps give all terms: 4 μ_a μ_b = μ_s² - μ_d², 4 cov = var_s - var_d,
    # 2 (μ_a² + μ_b²) = μ_s² + μ_d², 2 (var_a + var_b) = var_s + var_d. Variances are small differences of large
    # numbers; single precision serves because s lies around 0 and d is 0 where the images agree.
    s, d = (a + b).sub_(1), a - b
    maps = torch.cat([s, d, s * s, d * d], 1).contiguous(memory_format=torch.channels_last)
    mean_s, mean_d, squares_s, squares_d = window.filter(maps).chunk(4, 1)
    extent = torch.full_like(a[:, :1, :1, :1], data_range) if data_range is not None else _extent(a)
    c1, c2 = (2 * (k * extent).square() for k in (_K1, _K2))
    power_s, power_d = mean_s * mean_s, mean_d * mean_d
    variance_s, variance_d = (squares_s - power_s).mul_(correction), (squares_d - power_d).mul_(correction)
    power_s.add_(mean_s, alpha=2).add_(1 + c1)  # (μ_s + 1)², for 1 was taken off s
    variance_s.add_(c2)
    luminance = (power_s - power_d).div_(power_s + power_d)
    structure = (variance_s - variance_d).div_(variance_s + variance_d)
    return luminance.mul_(structure).flatten(1).mean(1)


def _extent(images: Tensor) -> Tensor:
    """Each image's largest less its smallest value, (B, 1, 1, 1)."""
    values = images.movedim(1, -1).flatten(1)  # as they mostly lie in memory: several times faster
    return (values.amax(1) - values.amin(1)).view(-1, 1, 1, 1)


def psnr(generated: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB for a range of 1, (B,); infinite where the images are equal."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    score = partial(peak_signal_noise_ratio, data_range=1.0, reduction="none", dim=(1, 2, 3))
    return _side_by_side(score, generated, truth)
