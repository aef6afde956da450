"""Trains an image tower as CLIP does (Radford et al., 2021): by captions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor

from imagpose.models.encoders import OpenClipEncoder
from imagpose.options.ranges import PositiveFloat, Seed, check_arguments
from imagpose.pretraining.family import FamilyTraining

CONTEXT = 40  # a caption has 35 tokens at most
TEXT = {"context_length": CONTEXT, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2}
_NO_IMAGES = {"image_size": 1, "patch_size": 1, "width": 1, "head_width": 1, "layers": 1}
_SHARPEST = math.log(100)  # of the logits' scale, as CLIP limits it


class ClipTraining(FamilyTraining):
    """Tells which caption of a batch is which picture's: open_clip's model and loss, with a tiny text tower.

    The text tower is thrown away; the image tower is saved with its projection, as CLIP's files are.

    Args:
        out: The weights folder to write.
        encoder: An image tower.
        lr: Peak learning rate; one cycle, linear to zero.
        seed: Seeds the text tower.
    """

    file, prefix = "open_clip_model.safetensors", "visual."

    def __init__(self, out: Path, encoder: OpenClipEncoder, lr: PositiveFloat = 1e-3, seed: Seed = 0) -> None:
        check_arguments(ClipTraining, locals())
        super().__init__(out, encoder, lr)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.clip = open_clip.CLIP(encoder.network.output_dim, _NO_IMAGES, TEXT)
        self.clip.visual = encoder.network.requires_grad_(True)
        self.loss = open_clip.ClipLoss()
        self._tokens_of = open_clip.SimpleTokenizer(context_length=CONTEXT)

    def training_step(self, batch: tuple[Tensor, list[str]], batch_idx: int) -> Tensor:
        """Learn from pictures, (B, 3, H, W) in [-1, 1], and their captions."""
        texts = self._tokens_of(list(batch[1])).to(self.device)
        pictures, captions, scale = self.clip(self.encoder.prepare(batch[0]), texts)
        loss = self.loss(pictures.float(), captions.float(), scale)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Keep the logits' scale in its limits."""
        super().optimizer_step(*args, **kwargs)
        with torch.no_grad():
            self.clip.logit_scale.clamp_(0, _SHARPEST)
