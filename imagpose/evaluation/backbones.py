"""The networks that LPIPS and FID look through, and where their weights come from. Nothing is unpickled."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imagpose.errors import InputError


class UnavailableError(Exception):
    """A network's weights cannot be had; the message is one sentence that says which file to fetch."""


@dataclass(frozen=True)
class WeightsFile:
    """A public file of weights.

    Attributes:
        name: The file's name. Torchvision's end in the first digits of their hash.
        url: Where it is published.
        hashed: Whether the name tells the hash.
    """

    name: str
    url: str
    hashed: bool = True

    def path(self) -> Path:
        """The file: in ``$IMAGPOSE_WEIGHTS``, ``./weights``, torch.hub's or clean-fid's cache, else downloaded.

        Raises:
            UnavailableError: It is nowhere and cannot be downloaded.
        """
        hub = Path(torch.hub.get_dir()) / "checkpoints"
        places = [Path("weights"), hub, Path(tempfile.gettempdir())]  # the last is where clean-fid keeps its file
        if root := os.environ.get("IMAGPOSE_WEIGHTS"):
            places.insert(0, Path(root))
        for place in places:
            if (place / self.name).is_file():
                return place / self.name
        hub.mkdir(parents=True, exist_ok=True)
        prefix = self.name.removesuffix(".pth").rpartition("-")[2] if self.hashed else None
        try:
            torch.hub.download_url_to_file(self.url, str(hub / self.name), prefix)
        except (OSError, RuntimeError) as error:  # no network; another hash
            raise UnavailableError(
                f"{self.name} is not on this machine and cannot be downloaded ({error}); "
                f"fetch {self.url} into a folder and name that folder in $IMAGPOSE_WEIGHTS."
            ) from error
        return hub / self.name

    def read(self) -> dict[str, Tensor]:
        """Its tensors by name.

        Raises:
            UnavailableError: It cannot be had.
            InputError: It is damaged or holds something else than tensors.
        """
        path = self.path()
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{path} is no readable file of weights ({reason}); fetch it again.") from error


ALEXNET = WeightsFile("alexnet-owt-7be5be79.pth", "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth")
INCEPTION = WeightsFile(
    "inception_v3_google-0cc3c7bd.pth", "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth"
)
FID_INCEPTION = WeightsFile(
    "inception-2015-12-05.pt",
    "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
    hashed=False,
)

Extractor = Callable[[Tensor], Tensor]


def lpips_alex(device: str) -> nn.Module:
    """LPIPS of the ``lpips`` package, version 0.1, with torchvision's ImageNet AlexNet.

    Returns:
        Maps two (B, 3, H, W) to (B, 1, 1, 1).

    Raises:
        UnavailableError: AlexNet cannot be had.
        InputError: Its file is damaged.
    """
    import lpips

    tensors = ALEXNET.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package uses a retired argument of torchvision's
        # Its own loading would fetch AlexNet by itself. What it does load are its linear layers.
        model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    for part in model.net.children():
        for number, layer in part.named_children():
            if isinstance(layer, nn.Conv2d):
                _fill(layer, {k: tensors.get(f"features.{number}.{k}") for k in ("weight", "bias")}, ALEXNET)
    return model.eval().requires_grad_(False).to(device)


def imagenet_inception(device: str) -> Extractor:
    """Inception as the field's evaluators use it: torchvision's ImageNet weights.

    Returns:
        Maps (B, 3, H, W) in [0, 1] to pooled features, (B, 2048).

    Raises:
        UnavailableError: The weights cannot be had.
        InputError: Their file is damaged.
    """
    from torchvision.models import inception_v3

    # The input is normalised by torchvision's ``transform_input``, as the field does. It is meant for images already
    # normalised by ImageNet's mean; they are not, and so every published FID of this field is measured.
    model = inception_v3(weights=None, init_weights=False, transform_input=True)
    _fill(model, INCEPTION.read(), INCEPTION)
    model.fc = nn.Identity()
    model.eval().requires_grad_(False).to(device)

    def extract(images: Tensor) -> Tensor:
        return model(F.interpolate(images, (299, 299), mode="bilinear", align_corners=False))

    return extract


def fid_inception(device: str) -> Extractor:
    """Inception as clean-fid uses it: the original FID weights, and Pillow's bicubic filter channel by channel.

    Returns:
        Maps (B, 3, H, W) in [0, 1] to pooled features, (B, 2048).

    Raises:
        UnavailableError: The weights cannot be had.
        InputError: Their file is damaged.
    """
    from cleanfid.inception_torchscript import InceptionV3W
    from cleanfid.resize import build_resizer

    path = FID_INCEPTION.path()
    try:
        model = InceptionV3W(str(path.parent), download=False).eval().to(device)
    except RuntimeError as error:
        raise InputError(f"{path} is no readable TorchScript file; fetch it again.") from error
    resize = build_resizer("clean")

    def extract(images: Tensor) -> Tensor:
        pixels = images.mul(255).round().byte().movedim(1, -1).cpu().numpy()
        resized = np.stack([resize(image) for image in pixels])
        return model(torch.from_numpy(resized).movedim(-1, 1).to(device))

    return extract


EXTRACTORS: dict[str, tuple[WeightsFile, Callable[[str], Extractor]]] = {
    "imagenet": (INCEPTION, imagenet_inception),
    "fid": (FID_INCEPTION, fid_inception),
}


def _fill(module: nn.Module, tensors: Mapping[str, Tensor | None], file: WeightsFile) -> None:
    try:
        module.load_state_dict(tensors)
    except (RuntimeError, AttributeError) as error:
        raise InputError(
            f"{file.name} does not fit {type(module).__name__}; fetch it again from {file.url}."
        ) from error
