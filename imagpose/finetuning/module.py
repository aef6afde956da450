"""The LightningModule of a trained network that learns a few further pictures by a LoRA."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imagpose.errors import InputError
from imagpose.models import lora
from imagpose.models.encoders import Encoder
from imagpose.module import IMAGPose
from imagpose.options import ranges


class Finetuning(IMAGPose):
    """LoRA fine-tuning (Hu et al. 2022) of a run or a pipeline, by the paper's own loss.

    The network that it starts from is frozen, and in no checkpoint: its folder must stay where it is.

    Args:
        encoder: The frozen image encoder, that of the start.
        base: Name of the start's base model.
        start: A pipeline folder's name, ``mannequin-demo`` say, or a run's folder.
        lora_rank: Rank r of the update of each layer.
        lora_targets: How the names of the linear layers that get one end; attention's, of UNet and CVA, unless given.
        lora_whole: Parts that are trained whole beside: ``cva``, ``pose_encoder``, ``flc``.
        options: Of :class:`imagpose.module.IMAGPose`.

    Raises:
        InputError: PEFT is not installed, no layer has such a name, or ``trainable`` is given.
    """

    def __init__(
        self,
        encoder: Encoder,
        base: str,
        start: str,
        lora_rank: ranges.PositiveInt = 8,
        lora_targets: Sequence[str] = lora.ATTENTION,
        lora_whole: Sequence[lora.Part] = (),
        **options: Any,
    ) -> None:
        ranges.check_arguments(Finetuning, locals())
        lora.check_installed()
        if options.get("trainable") is not None:
            raise InputError("model.init_args.trainable is not for a LoRA; name parts in lora_whole instead.")
        super().__init__(encoder, base, start=start, **options)
        self.lora_rank, self.lora_targets, self.lora_whole = lora_rank, tuple(lora_targets), tuple(lora_whole)
        lora.targeted(self.network, self.lora_targets, self.lora_whole)
        self.lora_start: dict[str, Tensor] = {}
        self._start_digest: str | None = None

    def prepare_data(self) -> None:
        """Download what is missing, once a machine: of the start too, which is read for a test as well."""
        for _, file, _, _ in self.weights_files():
            file.fetch()

    def setup(self, stage: str) -> None:
        """Read the weights, and add the LoRA that training, or a checkpoint, fills."""
        if lora.has(self.network):  # a test after a training goes on with what was trained
            super().setup("validate")
            return
        super().setup(stage)
        if stage != "fit":
            self.start.load(self.network)
        self._start_digest = _digest(self.network)
        self.add_lora()
        self.ema.reset()

    def add_lora(self) -> None:
        """Freeze the network and add the LoRA; on the meta device too, where the doctor counts what it takes."""
        self.lora_start = lora.add(self.network, self.lora_rank, self.seed, self.lora_targets, self.lora_whole)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what is trained alone, and which weights it belongs to."""
        super().on_save_checkpoint(checkpoint)
        trained = self._trained()
        checkpoint["state_dict"] = {name: value for name, value in checkpoint["state_dict"].items() if name in trained}
        checkpoint["start"] = self._start_digest

    def on_load_checkpoint(self, checkpoint: dict[str, Any], path: Path | None = None) -> None:
        """Refuse a checkpoint of another experiment, or of other weights to start from.

        Args:
            checkpoint: As it was read; its frozen part is filled in.
            path: For messages.

        Raises:
            InputError: See :meth:`imagpose.module.IMAGPose.on_load_checkpoint`; or the start has changed since.
        """
        state, trained = checkpoint.get("state_dict"), self._trained()
        if isinstance(state, dict) and checkpoint.get("start") not in (None, self._start_digest):
            name = self.start.checkpoint or (self.start.whole and self.start.whole.name)
            raise InputError(
                f"The weights of {name} are no more those that this LoRA was trained on; bring them back, or start "
                "another run with RUN=new."
            )
        if isinstance(state, dict):
            own = {f"network.{name}": value for name, value in self.network.state_dict().items()}
            checkpoint["state_dict"] = {**{k: v for k, v in own.items() if k not in trained}, **state}
        super().on_load_checkpoint(checkpoint, path)

    def _trained(self) -> set[str]:
        return {f"network.{name}" for name, parameter in self.network.named_parameters() if parameter.requires_grad}


def _digest(network: torch.nn.Module) -> str:
    """Of the weights' content."""
    found = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()[:16]
