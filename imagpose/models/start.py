"""What the training of a network starts from: the base's UNet, a whole network, or random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from imagpose.errors import UNREADABLE, InputError
from imagpose.models import weights
from imagpose.models.base import Base
from imagpose.models.checkpoint import check_contents, load_average
from imagpose.models.ema import EMA
from imagpose.models.network import Network

_OF_A_PART = tuple(f"diffusion_pytorch_model{variant}.safetensors" for variant in ("", ".fp16"))


class Start:
    """Weights to start from.

    Args:
        base: The base model.
        folder: Name of a pipeline folder, or path of a run's folder, whose network to go on from, a run's with its
            averaged weights; None starts from the base.
        of_base: Whether the UNet is the base's, and not one of another configuration, which starts at random.
        cva: Name of a motion module, see :meth:`imagpose.models.unet.CanvasUNet.from_motion`; it takes CVA's place.
        pose: Name of a pose network, see :meth:`imagpose.models.pose_encoder.PoseEncoder.from_published`; likewise.
    """

    def __init__(
        self, base: Base, folder: str | None, of_base: bool, cva: str | None = None, pose: str | None = None
    ) -> None:
        self.base, self.of_base = base, of_base
        self.whole, self.checkpoint = None, None
        if folder is not None and (last := Path(folder) / "checkpoints" / "last.ckpt").is_file():
            self.checkpoint = last
        elif folder is not None:
            self.whole = weights.File(folder, ("network/diffusion_pytorch_model.safetensors",))
        self.cva, self.pose = (None if name is None else weights.File(name, _OF_A_PART) for name in (cva, pose))

    def files(self, network: Network) -> Iterator[tuple[str, weights.File, nn.Module, weights.Rename | None]]:
        """What has to be read of safetensors, if anything: what it is, the file, and the module that it must fit."""
        if self.whole is not None:
            yield "network to go on from", self.whole, network, None
        elif self.of_base and self.checkpoint is None:
            yield "UNet", self.base.unet_weights, network.unet.unet, network.unet.from_base
        yield from self._parts(network)

    def _parts(self, network: Network) -> Iterator[tuple[str, weights.File, nn.Module, weights.Rename | None]]:
        if self.cva is not None:
            yield "CVA", self.cva, network.unet.unet, network.unet.from_motion
        if self.pose is not None:
            yield "pose encoder", self.pose, network.pose_encoder, network.pose_encoder.from_published

    def check(self, network: Network) -> None:
        """Refuse a run that a network of this architecture cannot go on from; the other files tell it by their header.

        Raises:
            InputError: Its checkpoint is damaged, of another architecture, or of a LoRA alone.
        """
        if self.checkpoint is not None:
            _read(self.checkpoint, network)

    def load(self, network: Network) -> None:
        """Fill a network; what is missing is fetched.

        Raises:
            InputError: A file is missing or damaged, or of another architecture.
        """
        if self.checkpoint is not None:
            _load_average(network, self.checkpoint)
        elif self.whole is not None:
            weights.load(network, self.whole.fetch())
        elif self.of_base:
            network.unet.load_base(self.base.unet_weights.fetch())
        for _, file, part, names in self._parts(network):
            weights.load(part, file.fetch(), names)

    def pipeline(self) -> Path | None:
        """The pipeline folder whose network to go on from; None where it is a run or the base."""
        return self.whole.fetch().parents[1] if self.whole else None

    def scheduler(self) -> Path | None:
        """The scheduler's configuration of the pipeline folder; None where there is none."""
        folder = self.pipeline()
        path = folder / "scheduler" / "scheduler_config.json" if folder is not None else None
        return path if path is not None and path.is_file() else None


def _read(path: Path, network: Network) -> tuple[dict[str, Any], EMA]:
    """A run's checkpoint, and the average that it is to be read into."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UNREADABLE as error:
        raise InputError(f"{path} is no readable checkpoint; name another run to start from.") from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise InputError(f"{path} is no checkpoint of a run; name another run to start from.")
    if "start" in checkpoint:
        raise InputError(
            f"{path} holds a LoRA alone; write its run as a whole pipeline folder with imagpose export, and start from "
            "that."
        )
    average = EMA(network, 0.0 if checkpoint.get("ema") else None)
    check_contents(checkpoint, network, average, path)
    return checkpoint, average


def _load_average(network: Network, path: Path) -> None:
    """Fill a network with the averaged weights of a run's checkpoint, or its own if it keeps no average."""
    checkpoint, average = _read(path, network)
    network.load_state_dict({name.removeprefix("network."): value for name, value in checkpoint["state_dict"].items()})
    if average.model is not None:
        load_average(checkpoint, average, path)
        average.model.copy_to(network.parameters())
