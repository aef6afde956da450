"""What each published evaluator of this field computes, one object a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from imagpose.evaluation.ssim import Similarity, gaussian_window, psnr, ssim, uniform_window

Array = np.ndarray
Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Frames:
    """One picture as a protocol looks at it, (H, W, 3) float32 in [0, 1] or, interpolated, a little beyond.

    Attributes:
        pixels: What SSIM and PSNR compare.
        features: What LPIPS and FID look at.
    """

    pixels: Array
    features: Array


Preparation = Callable[
    [Array, Size], Frames
]  # of a picture as it was read, (H, W, 3) uint8, and the size to measure at


@dataclass(frozen=True)
class Protocol:
    """One way to measure.

    Attributes:
        name: Name of the method whose evaluator it is.
        about: A line that explains it to the reader of a table.
        truth: Prepares a dataset's picture, of the test pairs and of the FID reference.
        generated: Prepares a generated picture.
        similarities: Functions that compare two pictures, by metric's name.
        lpips_normalised: Whether LPIPS gets values in [-1, 1], as it wants them, or in [0, 1].
        network: Name of FID's network, a key of ``backbones.EXTRACTORS``.
        resamples: Whether a generated picture of another size than the one to measure at is brought to it.
        lpips_batch: The evaluator's batch, where LPIPS drops the last incomplete one.
        fid_batch: The evaluator's batch, where FID drops the last incomplete one, of true and generated pictures.
    """

    name: str
    about: str
    truth: Preparation
    generated: Preparation
    similarities: Mapping[str, Similarity]
    lpips_normalised: bool = True
    network: str = "imagenet"
    resamples: bool = True
    lpips_batch: int | None = None
    fid_batch: int | None = None


# Similarities -------------------------------------------------------------------------------------------------------


def ssim_uniform(generated: Tensor, truth: Tensor) -> Tensor:
    """The field's ``ssim``: a uniform window of 51 pixels, sample covariance, range 1."""
    return ssim(generated, truth, uniform_window(51), 1.0, sample_covariance=True)


def ssim_gaussian(generated: Tensor, truth: Tensor, sigma: float) -> Tensor:
    """The field's ``ssim_256``: a Gaussian window; the range is that of the prediction, and changes with it."""
    return ssim(generated, truth, gaussian_window(sigma), data_range=None)


def ssim_fixed(generated: Tensor, truth: Tensor) -> Tensor:
    """SSIM as Wang et al. defined it: a Gaussian window of σ 1.5 and the whole range."""
    return ssim(generated, truth, gaussian_window(1.5), 1.0)


def ssim_torchmetrics(generated: Tensor, truth: Tensor) -> Tensor:
    """SSIM as torchmetrics computes it by default."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    scores = structural_similarity_index_measure(generated, truth, data_range=1.0, reduction="none")
    assert isinstance(scores, Tensor)
    return scores


# Preparations -------------------------------------------------------------------------------------------------------


def _bicubic(image: Array, size: Size) -> Array:
    """Pillow's antialiased bicubic filter, rounded to bytes; a picture of that size stays as it is."""
    if image.shape[:2] == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC))


def _unit(image: Array) -> Array:
    return image.astype(np.float32) / 255


def _same(frame: Array) -> Frames:
    return Frames(frame, frame)


def _interpolate(frame: Array, size: Size, mode: str, antialias: bool = False) -> Array:
    # Without antialiasing torch computes what cv2.resize does on floats, the -0.75 of its cubic included.
    views = torch.from_numpy(frame).movedim(-1, 0)[None]
    resized = F.interpolate(views, size, mode=mode, align_corners=False, antialias=antialias)
    return resized[0].movedim(0, -1).numpy()


def _stored(size: Size) -> Size:
    """The size of the files that GFLA's and PIDM's evaluators read: square on DeepFashion, unchanged on Market-1501."""
    return size if size == (128, 64) else (size[0], size[0])


def resized(image: Array, size: Size) -> Frames:
    """Brought to the size by Pillow's bicubic filter."""
    return _same(_unit(_bicubic(image, size)))


def unresampled(image: Array, size: Size) -> Frames:
    """As it is."""
    return _same(_unit(image))


def stored_square(image: Array, size: Size) -> Frames:
    """As the files were stored, squeezed into a square.

    Assumption: GFLA's files were stored as JPEG too, of a quality that nobody published. Pictures are not compressed
    again here; whoever has those files names them as the dataset, and they are measured as they are.
    """
    return _same(_unit(_bicubic(image, _stored(size))))


def stored_then_bilinear(image: Array, size: Size) -> Frames:
    """The stored square for SSIM; for LPIPS and FID brought to the size by cv2's bilinear filter."""
    frame = _unit(_bicubic(image, _stored(size)))
    return Frames(frame, _interpolate(frame, size, "bilinear"))


def cubic(image: Array, size: Size) -> Frames:
    """Brought to the size by cv2's cubic filter, in floats and without clipping."""
    return _same(_interpolate(_unit(image), size, "bicubic"))


def antialiased(image: Array, size: Size) -> Frames:
    """Brought to the size by torch's antialiased bicubic filter and cut off to bytes, not rounded.

    A picture of that size already went through it before it was saved.
    """
    if image.shape[:2] == size:
        return unresampled(image, size)
    frame = _interpolate(_unit(image), size, "bicubic", antialias=True)
    return _same(_unit((frame * 255).clip(0, 255).astype(np.uint8)))


# The protocols ------------------------------------------------------------------------------------------------------


def _field(sigma: float) -> dict[str, Similarity]:
    return {"ssim": ssim_uniform, "ssim_256": partial(ssim_gaussian, sigma=sigma), "psnr": psnr}


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "strict", "ours: no resampling of what was generated, fixed ranges, no image dropped",
            resized, unresampled,
            {"ssim": ssim_uniform, "ssim_256": ssim_fixed, "psnr": psnr},
            resamples=False,
        ),
        Protocol(
            "pcdms", "PCDMs: cv2 cubic without clipping, σ 1.2, LPIPS on [0, 1], batches dropped",
            cubic, cubic, _field(1.2), lpips_normalised=False, lpips_batch=64, fid_batch=128,
        ),
        Protocol(
            "cfld", "CFLD: truth by Pillow's bicubic, prediction by torch's and cut off to bytes, σ 1.5",
            resized, antialiased, _field(1.5),
        ),
        Protocol(
            "pidm", "PIDM: SSIM on squares, σ 1.2; LPIPS and FID after cv2 bilinear; batches of 64 dropped",
            stored_then_bilinear, stored_then_bilinear, _field(1.2), lpips_batch=64, fid_batch=64,
        ),
        Protocol(
            "gfla", "GFLA: everything on squares, σ 1.5; batches of 64 dropped",
            stored_square, stored_square, _field(1.5), lpips_batch=64, fid_batch=64,
        ),
        Protocol(
            "clean", "torchmetrics' SSIM and PSNR, LPIPS, clean-fid",
            resized, resized, {"ssim_256": ssim_torchmetrics, "psnr": psnr}, network="fid",
        ),
    )
}  # fmt: skip
