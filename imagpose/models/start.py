"""What the training of a network starts from: the base's UNet, a whole network, or random weights."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from imagpose.models import weights
from imagpose.models.base import Base
from imagpose.models.network import Network


class Start:
    """Weights to start from.

    Args:
        base: The base model.
        folder: Name of a pipeline folder whose network to go on from; None starts from the base.
        of_base: Whether the UNet is the base's, and not one of another configuration, which starts at random.
    """

    def __init__(self, base: Base, folder: str | None, of_base: bool) -> None:
        self.base, self.of_base = base, of_base
        self.whole = None if folder is None else weights.File(folder, ("network/diffusion_pytorch_model.safetensors",))

    def files(self, network: Network) -> Iterator[tuple[str, weights.File, nn.Module, weights.Rename | None]]:
        """What has to be read, if anything: what it is, the file, and the module that it must fit."""
        if self.whole is not None:
            yield "network to go on from", self.whole, network, None
        elif self.of_base:
            yield "UNet", self.base.unet_weights, network.unet.unet, network.unet.from_base

    def load(self, network: Network) -> None:
        """Fill a network; what is missing is fetched."""
        if self.whole is not None:
            weights.load(network, self.whole.fetch())
        elif self.of_base:
            network.unet.load_base(self.base.unet_weights.fetch())
