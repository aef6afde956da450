"""What decides the features of an image, besides its bytes: the frozen networks and the way of an image to them."""

from __future__ import annotations

import hashlib
import json

import torch
from diffusers import ConfigMixin
from torch import nn

from imagpose.data.datamodule import PoseDataModule
from imagpose.errors import InputError
from imagpose.models.encoders import Encoder
from imagpose.models.vae import VAE

_AUTOCAST = {
    "32-true": None, "32": None, "None": None, "bf16-mixed": torch.bfloat16, "bf16": torch.bfloat16,
    "16-mixed": torch.float16, "16": torch.float16,
}  # fmt: skip
VERSION = 2  # raised by whoever changes what the cache holds or how images are prepared


def fingerprint(vae: VAE, encoder: Encoder, multiple: int, data: PoseDataModule, precision: str | int | None) -> str:
    """Name everything that the features of an image depend on.

    Args:
        vae: The VAE, its weights read.
        encoder: The image encoder, its weights read.
        multiple: Number of pixels to whose multiples images are padded.
        data: The data module, which decides the images' size and orientations, and the precision of the features.
        precision: Lightning's name of the precision of the computation.

    Returns:
        32 hexadecimal digits of a sha256 over the values of all weights, not over a file's name or date, so that a
        cache may move with its weights to another machine.
    """
    preprocessing = {
        "version": VERSION, "size": data.size, "multiple": multiple, "flips": data.flips,
        "dtype": data.cache_dtype, "autocast": _AUTOCAST.get(str(precision), precision),
        "image_size": encoder.image_size, "mean": encoder.mean, "std": encoder.std,
        "encoder": [type(encoder).__name__, _architecture(encoder)], "vae": _architecture(vae.autoencoder),
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(preprocessing, sort_keys=True, default=str).encode())
    for module in (vae, encoder):
        _add_weights(digest, module)
    return digest.hexdigest()[:32]


def autocast_dtype(precision: str | int | None) -> torch.dtype | None:
    """In which type Lightning lets the networks compute at one of its precisions; None is their own.

    Raises:
        InputError: It is one that turns the whole model into another type, or unknown.
    """
    if str(precision) not in _AUTOCAST:
        raise InputError(
            f"trainer.precision is {precision}, in which features cannot be cached; take 32-true, bf16-mixed or "
            "16-mixed."
        )
    return _AUTOCAST[str(precision)]


def _architecture(module: ConfigMixin) -> dict[str, object]:
    """The configuration without what does not change a feature: where the weights lie, and who wrote the file."""
    return {k: v for k, v in module.config.items() if not k.startswith("_") and k != "weights_name"}


def _add_weights(digest: hashlib._Hash, module: nn.Module) -> None:
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
