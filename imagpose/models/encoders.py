"""The frozen image encoder: one small contract, one adapter a library."""

from __future__ import annotations

from typing import Any

import timm
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor

from imagpose import weights
from imagpose.models.frozen import Frozen


class Encoder(Frozen, ModelMixin, ConfigMixin):
    """Turns source images into semantic tokens F_H (Sec. 3.2). A pipeline saves it with its weights.

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
        return self.tokens(self.prepare(images).to(next(self.parameters()).dtype)).float()

    def prepare(self, images: Tensor) -> Tensor:
        """Images, (B, 3, H, W) in [-1, 1] → normalised squares, (B, 3, image_size, image_size)."""
        mean, std = (images.new_tensor(v).view(3, 1, 1) for v in (self.mean, self.std))
        return letterbox((images.add(1).div(2) - mean) / std, self.image_size)

    def tokens(self, images: Tensor) -> Tensor:
        """Normalised square images → tokens."""
        raise NotImplementedError


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
    """A vision transformer of timm, or a convolutional network, whose map's positions are then the tokens.

    Args:
        model: timm's name of the architecture.
        weights_name: Folder with ``model.safetensors``, see :func:`imagpose.weights.find`; None leaves the network
            untrained, drawn from a fixed seed: random features, which still tell colours and places.
        image_size: Side of the square input.
        options: Further arguments of the architecture; ``img_size`` too, where it is a transformer.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self, model: str, weights_name: str | None = None, image_size: int = 224, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.weights_name, self.image_size = weights_name, image_size
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.network = timm.create_model(model, pretrained=False, num_classes=0, **(options or {}))
        self.dim = int(self.network.num_features)
        config = self.network.pretrained_cfg
        self.mean, self.std = tuple(config["mean"]), tuple(config["std"])
        self.freeze()

    def load_weights(self) -> None:
        """Read ``model.safetensors``, if any was named."""
        if self.weights_name is not None:
            weights.load(self.network, weights.find(self.weights_name) / "model.safetensors")

    def tokens(self, images: Tensor) -> Tensor:
        """Class and patch tokens after the final norm; of a map, its mean stands for the class token."""
        features = self.network.forward_features(images)
        if features.ndim == 4:
            places = features.flatten(2).transpose(1, 2)
            features = torch.cat([places.mean(1, keepdim=True), places], dim=1)
            features = F.layer_norm(features, (self.dim,))
        return features
