"""Scores of what a source shows and of what none does: copying against inventing, which only drawn people can tell.

A target's figure is split into three regions by three sources: what the first shows, what only the others show, and
what none does. The first is all that T1 and T2 see, so a gain of T3 belongs into the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from lpips import LPIPS
from PIL import Image
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from imagpose.data.images import to_tensor
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.workers import allotted, spread
from imagpose.evaluation.clothes import Case, Rivals, nearest

Array = np.ndarray
Region = Literal["source", "others", "none"]
REGIONS: dict[Region, str] = {
    "source": "that the source shows", "others": "that only further sources show", "none": "that no source shows"
}  # fmt: skip
"""By name, what the pixels of each are."""
FEWEST = 20
"""Pixels that a region must have for a picture to be scored there."""
Scores = dict[str, float]


@dataclass(frozen=True)
class Split:
    """A pair whose pictures are scored by region.

    Attributes:
        case: The pair.
        sources: Names of the sources that decide the regions, the first one first.
    """

    case: Case
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Parted:
    """One pair by region.

    Attributes:
        truth: The picture that all are compared with, as it was drawn, (H, W, 3) uint8.
        regions: (H, W) booleans each.
        shares: Of the figure's pixels.
        scores: By the judged picture's name, where the region is large enough; a metric that cannot be told there, as
            the pattern where all patterns look alike, is missing.
    """

    truth: Array
    regions: dict[Region, Array]
    shares: dict[Region, float]
    scores: dict[Region, dict[str, Scores]]


def regions(wardrobe: Wardrobe, target: str, silhouette: Array, sources: Sequence[str]) -> dict[Region, Array]:
    """The parts of a target's figure, (H, W) booleans each, which together are its silhouette.

    Args:
        wardrobe: Of the folder.
        target: Name of the target picture.
        silhouette: Where its figure is, (H, W) booleans.
        sources: Names of pictures of the same person; one at least.
    """
    first, *others = wardrobe.shown(target, sources) & silhouette
    further = np.logical_or.reduce(others) if others else np.zeros_like(first)
    return {"source": first, "others": further & ~first, "none": silhouette & ~further & ~first}


def score(split: Split) -> Parted:
    """Score one pair's pictures: SSIM and PSNR, and whether the right person and pattern is nearest, by region.

    SSIM is its map (Gaussian window, σ 1.5, range 1) averaged over a region's pixels; its windows reach over the
    region's edge.
    """
    of = Rivals.of(split.case)
    parts = regions(Wardrobe.of(split.case.root), split.case.target, of.silhouette, split.sources)
    shares = {name: float(part.sum() / of.silhouette.sum()) for name, part in parts.items()}
    scores: dict[Region, dict[str, Scores]] = {name: {} for name, part in parts.items() if part.sum() >= FEWEST}
    for picture, image in split.case.images.items():
        similar = _ssim_map(image, of.truth)
        for name in scores:
            part = parts[name]
            wrong = float(np.square(image[part] / 255 - of.truth[part] / 255).mean())
            found = {"ssim": float(similar[part].mean())}
            if wrong > 0:
                found["psnr"] = float(-10 * np.log10(wrong))
            for metric, all_rivals in (("identity_at_1", of.people), ("pattern_at_1", of.patterns)):
                rivals = [rival for rival in all_rivals if not np.array_equal(rival[part], of.truth[part])]
                if rivals:
                    found[metric] = float(nearest(image, of.truth, rivals, part))
            scores[name][picture] = found
    return Parted(of.truth, parts, shares, scores)


def score_all(splits: Sequence[Split]) -> Iterator[Parted]:
    """Score pairs on the cores that this process has, in order."""
    return spread(score, splits, allotted())


@torch.inference_mode()
def lpips_by_region(network: LPIPS, image: Array, truth: Array, parts: dict[Region, Array]) -> dict[Region, float]:
    """LPIPS, whose map over the picture is averaged over each region that is large enough.

    What its network sees reaches far over a region's edge, so the regions differ less than their pixels do.

    Args:
        network: LPIPS.
        image: The generated picture, (H, W, 3) uint8.
        truth: The true one, likewise.
        parts: Regions.
    """
    spatial, network.spatial = network.spatial, True
    try:
        distances = network(_tensor(image), _tensor(truth))[0, 0].cpu().numpy()
    finally:
        network.spatial = spatial
    return {name: float(distances[part].mean()) for name, part in parts.items() if part.sum() >= FEWEST}


def _tensor(image: Array) -> Tensor:
    return to_tensor(Image.fromarray(image))[None]


def _ssim_map(image: Array, truth: Array) -> Array:
    ours, theirs = ((_tensor(one) + 1) / 2 for one in (image, truth))
    found = structural_similarity_index_measure(
        ours, theirs, gaussian_kernel=True, sigma=1.5, data_range=1.0, return_full_image=True
    )
    assert isinstance(found, tuple)
    return found[1][0].mean(0).numpy()
