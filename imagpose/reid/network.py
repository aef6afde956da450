"""BoT's network: a residual network of timm, and the neck between its feature and the classifier."""

from __future__ import annotations

from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models import weights


class Outputs(NamedTuple):
    """What the network says of pictures.

    Attributes:
        feature: Before the batch norm, (B, d): of the triplet and the centre loss.
        tested: What pictures are compared by, (B, d): after the batch norm, where there is one.
        logits: Of the people that are trained on, (B, people).
    """

    feature: Tensor
    tested: Tensor
    logits: Tensor


class BotNetwork(nn.Module):
    """A backbone with global average pooling, BNNeck and a linear classifier.

    Args:
        backbone: timm's name of a ResNet.
        people: Number of people that are trained on.
        last_stride: Stride of the last stage, 1 or 2. It is set on the block: timm's ``output_stride`` dilates instead.
        bnneck: Whether a batch norm stands between feature and classifier, its bias frozen at 0 and the classifier
            without one; else the classifier, with a bias, takes the feature itself.
        options: Further arguments of the backbone.

    Raises:
        InputError: timm knows no such ResNet.
    """

    def __init__(
        self, backbone: str, people: int, last_stride: int = 1, bnneck: bool = True,
        options: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        try:
            self.backbone = timm.create_model(backbone, pretrained=False, num_classes=0, **(options or {}))
        except (RuntimeError, TypeError) as error:
            raise InputError(
                f"model.init_args.backbone {backbone}: {error}; timm.list_models('resnet*') names them."
            ) from error
        if not hasattr(self.backbone, "layer4"):
            raise InputError(f"model.init_args.backbone {backbone} is no ResNet, whose last stage has a stride of 2.")
        if last_stride == 1:
            for name, module in list(self.backbone.layer4.named_modules()):
                if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
                    module.stride = (1, 1)
                elif isinstance(module, nn.AvgPool2d) and module.stride in (2, (2, 2)):  # the shortcut's, of resnet-D
                    self.backbone.layer4.set_submodule(name, nn.Identity())
        self.dim = int(self.backbone.num_features)
        self.neck = nn.BatchNorm1d(self.dim) if bnneck else nn.Identity()
        self.classifier = nn.Linear(self.dim, people, bias=not bnneck)
        if isinstance(self.neck, nn.BatchNorm1d):
            self.neck.bias.requires_grad_(False)
            nn.init.normal_(self.classifier.weight, std=0.001)
        self.to(memory_format=torch.channels_last)  # a quarter faster on a CPU

    def load_weights(self, name: str) -> None:
        """Fill the backbone with ImageNet's weights.

        Args:
            name: Folder or hub id with ``model.safetensors``, see :func:`imagpose.models.weights.places`; their
                classifier of objects is left out.

        Raises:
            InputError: They cannot be had, or are of another backbone.
        """
        path = weights.File(name, ("model.safetensors",)).fetch()
        weights.load(self.backbone, path, lambda tensors: {k: v for k, v in tensors.items() if k[:3] != "fc."})

    def forward(self, images: Tensor) -> Outputs:
        """Look at pictures, (B, 3, H, W), normalised."""
        feature = self.backbone(images.contiguous(memory_format=torch.channels_last))
        tested = self.neck(feature)
        return Outputs(feature, tested, self.classifier(tested))
