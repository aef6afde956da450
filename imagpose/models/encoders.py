"""The frozen image encoder: one small contract, one adapter a library."""

from __future__ import annotations

from typing import Any

import open_clip
import timm
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn
from torch import Tensor

from imagpose.errors import InputError
from imagpose.models import weights
from imagpose.models.frozen import Frozen
from imagpose.options.ranges import ImageSize, check_arguments


class Encoder(Frozen, ModelMixin, ConfigMixin):
    """Turns source images into semantic tokens F_H (Sec. 3.2). A pipeline saves it with its weights.

    Attributes:
        dim: Width of a token.
        num_tokens: Number n of tokens of an image.
        image_size: Side of the square input in pixels.
        mean: RGB mean that the encoder expects to be subtracted, of images in [0, 1].
        std: RGB deviation it expects to be divided by.
        file: File of the encoder's weights; None leaves it untrained.
        network: The library's own module.
    """

    dim: int
    num_tokens: int
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    file: weights.File | None
    network: Any

    def load_weights(self) -> None:
        """Read the weights, if any were named."""
        if self.file is not None:
            weights.load(self.network, self.file.fetch(), self.names)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Encode whole images.

        Args:
            images: Images of any aspect, (B, 3, H, W) in [-1, 1].

        Returns:
            F_H, (B, n, dim), after the final norm and before any projection, the class token included.
        """
        return self.tokens(self.prepare(images).to(next(self.parameters()).dtype)).float()

    def freeze(self) -> None:
        """Call at the end of the constructor."""
        self._moments: dict[tuple[Any, ...], tuple[Tensor, Tensor]] = {}  # mean and std, by device and type
        super().freeze()

    def prepare(self, images: Tensor, side: int | None = None) -> Tensor:
        """Images, (B, 3, H, W) in [-1, 1] → normalised squares, (B, 3, side, side), of ``image_size`` by default."""
        key = (images.device, images.dtype)
        if key not in self._moments:  # to make a tensor of numbers waits for the device
            self._moments[key] = images.new_tensor(self.mean).view(3, 1, 1), images.new_tensor(self.std).view(3, 1, 1)
        mean, std = self._moments[key]
        return letterbox((images.add(1).div(2) - mean) / std, side or self.image_size)

    def tokens(self, images: Tensor) -> Tensor:
        """Normalised square images → tokens."""
        raise NotImplementedError

    def names(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The published file's tensors under the names and in the shapes that ``network`` has."""
        raise NotImplementedError


def letterbox(images: Tensor, size: int) -> Tensor:
    """Fit whole images into a square, zeros (the mean colour) beside them: a centre crop would cut heads and shoes.

    Args:
        images: Normalised images, (B, C, H, W).
        size: Side of the square in pixels.

    Returns:
        Square images, (B, C, size, size).
    """
    height, width = images.shape[-2:]
    factor = size / max(height, width)
    fitted = (min(round(height * factor), size), min(round(width * factor), size))
    images = F.interpolate(images, fitted, mode="bilinear", antialias=True, align_corners=False)
    down, across = size - fitted[0], size - fitted[1]
    return F.pad(images, (across // 2, across - across // 2, down // 2, down - down // 2))


def _refuse_files(model: str, options: dict[str, Any] | None, prefixes: tuple[str, ...]) -> None:
    """Keep the libraries from reading files of their own, which may be pickles: weights are ours to read."""
    if model.startswith(("local-dir:", "/", ".", "~")):
        raise InputError(f"model.encoder.init_args.model {model!r} is a folder; give the architecture's name instead.")
    if odd := [key for key in options or {} if key.startswith(prefixes)]:
        raise InputError(
            f"model.encoder.init_args.options says {odd[0]}, by which a library would read weights by itself; name "
            "weights_name instead."
        )


class TimmEncoder(Encoder):
    """A vision transformer of timm, or a convolutional network, whose map's positions are then the tokens.

    Args:
        model: timm's name of the architecture.
        weights_name: Folder or hub id with ``model.safetensors``, see :func:`imagpose.models.weights.places`; None
            leaves the network untrained, drawn from a fixed seed: random features, which still tell colours and places.
        image_size: Side of the square input.
        options: Further arguments of the architecture; ``img_size`` too, where it is a transformer.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        model: str,
        weights_name: str | None = None,
        image_size: ImageSize = 224,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_arguments(TimmEncoder, locals())
        self.image_size = image_size
        self.file = None if weights_name is None else weights.File(weights_name, ("model.safetensors",))
        _refuse_files(model, options, ("checkpoint_path", "pretrained", "cache_dir"))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            try:
                self.network = timm.create_model(model, pretrained=False, num_classes=0, **(options or {}))
            except RuntimeError as error:
                raise InputError(f"model.encoder.init_args.model: {error}; timm.list_models() names them.") from error
        self.dim = int(self.network.num_features)
        if isinstance(self.network, VisionTransformer):
            self.num_tokens = self.network.patch_embed.num_patches + self.network.num_prefix_tokens
        else:
            self.num_tokens = (image_size // int(self.network.feature_info[-1]["reduction"])) ** 2 + 1
        config = self.network.pretrained_cfg
        self.mean, self.std = tuple(config["mean"]), tuple(config["std"])
        self.freeze()

    def names(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """A transformer's position table, resampled to the size of our input: DINOv2's is of 518 pixels."""
        return checkpoint_filter_fn(tensors, self.network) if isinstance(self.network, VisionTransformer) else tensors

    def tokens(self, images: Tensor) -> Tensor:
        """Class and patch tokens after the final norm; of a map, its mean stands for the class token."""
        features = self.network.forward_features(images)
        if features.ndim == 4:
            places = features.flatten(2).transpose(1, 2)
            features = torch.cat([places.mean(1, keepdim=True), places], dim=1)
            features = F.layer_norm(features, (self.dim,))
        return features


_UNTRAINED = {"hf_hub": "", "mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}


class OpenClipEncoder(Encoder):
    """The image tower of a CLIP model of open_clip.

    Args:
        model: open_clip's name of the architecture.
        pretrained: open_clip's name of the weights, which decides their hub id and the normalisation; None leaves the
            network untrained, drawn from a fixed seed, unless ``weights_name`` names weights.
        weights_name: Folder or hub id with ``open_clip_model.safetensors``, if not that of ``pretrained``.
        image_size: Side of the square input.
        options: Changes to the architecture's ``vision_cfg``.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        model: str,
        pretrained: str | None,
        weights_name: str | None = None,
        image_size: ImageSize = 224,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_arguments(OpenClipEncoder, locals())
        _refuse_files(model, options, ("timm_", "hf_"))
        config, published = open_clip.get_model_config(model), _UNTRAINED
        if pretrained is not None:
            published = open_clip.get_pretrained_cfg(model, pretrained)
        if config is None or not published:
            known = ", ".join(f"{m} {tag}" for m, tag in open_clip.list_pretrained() if m.startswith("ViT-"))
            raise InputError(
                f"model.encoder: open_clip has no weights {pretrained!r} for a model {model!r}; it has: {known}."
            )
        self.image_size = image_size
        name = weights_name or published["hf_hub"].rstrip("/")
        self.file = weights.File(name, ("open_clip_model.safetensors",)) if name else None
        vision = {**config["vision_cfg"], "image_size": image_size, **(options or {})}
        no_text = {"context_length": 1, "vocab_size": 1, "width": 1, "heads": 1, "layers": 1}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.network = open_clip.CLIP(
                config["embed_dim"], vision, no_text, quick_gelu=config.get("quick_gelu", False)
            ).visual
        self.dim = int(vision["width"])
        self.num_tokens = int(self.network.positional_embedding.shape[0])
        self.mean, self.std = tuple(published["mean"]), tuple(published["std"])
        self.freeze()

    def names(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The image tower alone of a file that holds the text tower too."""
        return {key.removeprefix("visual."): value for key, value in tensors.items() if key.startswith("visual.")}

    def tokens(self, images: Tensor) -> Tensor:
        """Class and patch tokens after the final norm; the projection into CLIP's common space is left out."""
        # The tower's own ``output_tokens`` drops the class token.
        outputs = self.network.forward_intermediates(
            images, indices=1, normalize_intermediates=True, intermediates_only=True, output_fmt="NLC",
            output_extra_tokens=True,
        )  # fmt: skip
        return torch.cat([outputs["image_intermediates_prefix"][0], outputs["image_intermediates"][0]], dim=1)
