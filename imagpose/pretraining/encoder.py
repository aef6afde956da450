"""Trains the small image encoder that the embedded base model ships with, on images and their descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning import LightningModule
from torch import Tensor, nn

from imagpose.data.mannequins.descriptions import CHOICES, COLOURS, Description
from imagpose.models.encoders import TimmEncoder
from imagpose.options.ranges import PositiveFloat, check_arguments
from imagpose.pretraining.one_cycle import one_cycle
from imagpose.pretraining.writing import write_half


class EncoderTraining(LightningModule):
    """A network whose class token tells who is seen: skin, hair, garments, their colours and patterns.

    As CLIP learns from captions, this one learns from descriptions, so its tokens are semantic: the same for every pose
    and viewpoint. The heads that read the description are thrown away.

    Args:
        out: The weights folder to write.
        encoder: The encoder; trained here, frozen everywhere else.
        lr: Peak learning rate; one cycle, linear to zero.
    """

    def __init__(self, out: Path, encoder: TimmEncoder, lr: PositiveFloat = 1e-3) -> None:
        super().__init__()
        check_arguments(EncoderTraining, locals())
        self.out, self.encoder, self.lr = Path(out), encoder, lr
        self.network = encoder.network.requires_grad_(True)
        self.sizes = [len(options) for options in CHOICES.values()]
        self.head = nn.Linear(encoder.dim, 3 * len(COLOURS) + sum(self.sizes))

    def on_train_epoch_start(self) -> None:
        """The contract keeps an encoder in eval mode; here its batch norms must gather their statistics."""
        self.network.train()

    def on_validation_end(self) -> None:
        """Lightning restores the modes it knows of, and the contract undoes that."""
        self.network.train()

    def training_step(self, batch: tuple[Tensor, Description], batch_idx: int) -> Tensor:
        """Describe images, (B, 3, H, W) in [-1, 1]: squared error of the colours, cross-entropy of the choices."""
        colours, choices = self._read(batch[0])
        truth = batch[1]
        colour_error = ((colours - truth.colours).square().mean(-1) * truth.seen).sum() / truth.seen.sum()
        entropy = torch.stack([F.cross_entropy(c, truth.choices[:, i]) for i, c in enumerate(choices)])
        self.log_dict({"train/colour_error": colour_error, "train/entropy": entropy.mean()}, prog_bar=True)
        return 2 * colour_error + entropy.sum()

    def validation_step(self, batch: tuple[Tensor, Description], batch_idx: int) -> None:
        """Score the reading of held-out images: colour error in 0–255, and how often each choice is right."""
        colours, choices = self._read(batch[0])
        truth = batch[1]
        error = (colours - truth.colours).abs().mean(-1) * 127.5
        scores = {"val/colour_error": (error * truth.seen).sum() / truth.seen.sum()}
        for i, name in enumerate(CHOICES):
            scores[f"val/{name}"] = (choices[i].argmax(-1) == truth.choices[:, i]).float().mean()
        self.log_dict(scores, prog_bar=True, batch_size=len(batch[0]))

    test_step = validation_step

    def _read(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        class_token = self.encoder.tokens(self.encoder.prepare(images))[:, 0]
        colours, choices = self.head(class_token).float().split([3 * len(COLOURS), sum(self.sizes)], dim=1)
        return colours.unflatten(1, (len(COLOURS), 3)), choices.split(self.sizes, dim=1)

    def configure_optimizers(self) -> Any:
        """AdamW with one cycle of the learning rate."""
        return one_cycle(self, self.lr, (0.9, 0.98), 0.05, 0.1)

    def on_fit_end(self) -> None:
        """Save the network in half precision."""
        write_half(self.network, self.out, "model.safetensors")
        self.print(f"The encoder is in {self.out}.")
