"""What is done to a training picture at random, each time a function of the seed and the sample's number."""

from __future__ import annotations

import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor
from torchvision import transforms as T

from imagpose.data.sampling import rng_for

_NORMALISE = T.Normalize(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
_ERASED, _SHAPES = (0.02, 0.4), (0.3, 1 / 0.3)
_MORE = T.Compose([
    T.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.05),
    T.RandomAffine(degrees=8, translate=(0.06, 0.06), scale=(0.85, 1.15)),
    T.RandomApply([T.GaussianBlur(3, sigma=(0.1, 1.0))], p=0.3),
])  # fmt: skip


class Augmentation:
    """BoT's: a flip, a crop out of the padded picture, and random erasing (Zhong et al., 2017).

    Assumption: erased places get ImageNet's mean, as BoT's text says. Its code writes the mean's numbers into pictures
    that are normalised already, which is a slightly lighter grey.

    Args:
        size: Height and width of the pictures.
        pad: Pixels of black on each side, out of which is cropped; BoT's are 10 of 256×128.
        erasing: Probability that a rectangle of 2 to 40 % is erased; BoT's is 0.5, and 0 switches it off.
        seed: Seeds every draw, together with the sample's number.
    """

    def __init__(self, size: tuple[int, int], pad: int, erasing: float, seed: int) -> None:
        self.seed = seed
        self._moved = T.Compose([T.RandomHorizontalFlip(0.5), T.Pad(pad), T.RandomCrop(size)])
        self._erased = T.RandomErasing(erasing, scale=_ERASED, ratio=_SHAPES, value=0)

    def __call__(self, picture: Tensor, number: int, more: bool = False) -> Tensor:
        """A picture as training sees it this time.

        Args:
            picture: (3, H, W) of bytes.
            number: Of the sample.
            more: Whether to change colours, place and sharpness too, as BoT does not.

        Returns:
            (3, H, W), normalised.
        """
        with torch.random.fork_rng(devices=[]):  # torchvision draws from the one generator of all
            torch.default_generator.manual_seed(int(rng_for(self.seed, number).integers(2**63)))
            return self._erased(plain(self._moved(_MORE(picture) if more else picture)))


def plain(picture: Tensor) -> Tensor:
    """A picture as the test sees it: (3, H, W) of bytes → the same, normalised."""
    return _NORMALISE(picture.float() / 255)
