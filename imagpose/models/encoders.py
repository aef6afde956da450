"""The frozen image encoder: one small contract, one adapter a library."""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor

from imagpose import weights
from imagpose.models.frozen import Frozen


class Encoder(Frozen):
    """Turns source images into semantic tokens F_H (Sec. 3.2).

    Attributes:
        dim: Width of a token.
        image_size: Side of the square input in pixels.
        mean: RGB mean that the encoder expects to be subtracted, of images in [0, 1].
        std: RGB deviation it expects to be divided by.
    """

    dim: int
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Encode whole images.

        Args:
            images: (B, 3, H, W) in [-1, 1], of any aspect.

        Returns:
            F_H, (B, n, dim), after the final norm and before any projection, the class token included.
        """
        return self.tokens(letterbox(self._normalise(images), self.image_size)).float()

    def tokens(self, images: Tensor) -> Tensor:
        """Normalised square images → tokens."""
        raise NotImplementedError

    def _normalise(self, images: Tensor) -> Tensor:
        mean, std = (images.new_tensor(v).view(3, 1, 1) for v in (self.mean, self.std))
        return (images.add(1).div(2) - mean) / std


def letterbox(images: Tensor, size: int) -> Tensor:
    """Fit whole images into a square, zeros (the mean colour) beside them: a centre crop would cut heads and shoes.

    Args:
        images: (B, C, H, W), normalised.
        size: Side of the square.

    Returns:
        (B, C, size, size).
    """
    height, width = images.shape[-2:]
    factor = size / max(height, width)
    fitted = (min(round(height * factor), size), min(round(width * factor), size))
    images = F.interpolate(images, fitted, mode="bilinear", antialias=True, align_corners=False)
    down, across = size - fitted[0], size - fitted[1]
    return F.pad(images, (across // 2, across - across // 2, down // 2, down - down // 2))


class TimmEncoder(Encoder):
    """A vision transformer of timm.

    Args:
        model: timm's name of the architecture.
        weights_name: Folder with ``model.safetensors``, see :func:`imagpose.weights.find`; None leaves the transformer
            untrained, drawn from a fixed seed: random features, which still tell colours and places.
        image_size: Side of the square input.
        options: Further arguments of the architecture.
    """

    def __init__(
        self, model: str, weights_name: str | None = None, image_size: int = 224, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.weights_name, self.image_size = weights_name, image_size
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.vit = timm.create_model(model, pretrained=False, num_classes=0, img_size=image_size, **(options or {}))
        self.dim = int(self.vit.num_features)
        config = self.vit.pretrained_cfg
        self.mean, self.std = tuple(config["mean"]), tuple(config["std"])
        self.freeze()

    def load_weights(self) -> None:
        """Read ``model.safetensors``, if any was named."""
        if self.weights_name is not None:
            weights.load(self.vit, weights.find(self.weights_name) / "model.safetensors")

    def tokens(self, images: Tensor) -> Tensor:
        """Class and patch tokens after the final norm."""
        return self.vit.forward_features(images)
