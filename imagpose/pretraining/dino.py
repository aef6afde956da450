"""Trains a vision transformer as DINO does (Caron et al., 2021): by its own pictures alone."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from timm.layers import LayerScale
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from imagpose.errors import InputError
from imagpose.models.encoders import TimmEncoder
from imagpose.options.ranges import Decay, PositiveFloat, PositiveInt, Seed, check_arguments
from imagpose.pretraining.family import FamilyTraining


class Head(nn.Module):
    """Class tokens → how much each is like each of K prototypes: an MLP, a unit vector, and unit prototypes.

    Assumption: batch norm in the MLP, as DINO has it for convolutional networks. It takes away what all pictures of a
    batch have in common; without it the class tokens of 120 steps grew more alike.

    Args:
        dim: Width of a token.
        prototypes: K.
        hidden: Width of the MLP.
        bottleneck: Width of the unit vector.
    """

    def __init__(self, dim: int, prototypes: int, hidden: int = 256, bottleneck: int = 64) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(dim, hidden), nn.BatchNorm1d(hidden, track_running_stats=False), nn.GELU(),
            nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden, track_running_stats=False), nn.GELU(),
            nn.Linear(hidden, bottleneck),
        )  # fmt: skip
        self.prototypes = nn.Parameter(torch.randn(prototypes, bottleneck))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, dim) → (B, K) in [-1, 1]."""
        return F.linear(F.normalize(self.mlp(tokens), dim=1), F.normalize(self.prototypes, dim=1))


class DinoLoss(nn.Module):
    """Cross-entropy between what the teacher says of one crop and the student of another.

    The centre, a moving average of all that the teacher says, is taken from it, so that no prototype wins always; the
    low temperature keeps it from saying the same of all.

    Args:
        prototypes: K.
        student_temperature: Of the student's softmax.
        teacher_temperature: Of the teacher's.
        momentum: Of the centre.
    """

    centre: Tensor

    def __init__(
        self,
        prototypes: int,
        student_temperature: float = 0.1,
        teacher_temperature: float = 0.04,
        momentum: float = 0.9,
    ) -> None:
        super().__init__()
        self.student_temperature, self.teacher_temperature = student_temperature, teacher_temperature
        self.momentum = momentum
        self.register_buffer("centre", torch.zeros(prototypes))

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """The mean over all pairs of different crops.

        Args:
            student: Of every crop, (C, B, K).
            teacher: Of the first G of them, (G, B, K).
        """
        said = ((teacher.detach().float() - self.centre) / self.teacher_temperature).softmax(-1)
        guessed = (student.float() / self.student_temperature).log_softmax(-1)
        entropy = -torch.einsum("gbk,cbk->gc", said, guessed) / student.shape[1]
        different = ~torch.eye(*entropy.shape, dtype=torch.bool, device=entropy.device)
        return entropy[different].mean()

    @torch.no_grad()
    def follow(self, teacher: Tensor) -> None:
        """Move the centre towards the mean of what the teacher said, (G, B, K)."""
        self.centre.lerp_(teacher.float().mean((0, 1)), 1 - self.momentum)


class DinoTraining(FamilyTraining):
    """A student that sees small crops learns to say what its own moving average, the teacher, says of large ones.

    The encoder is the teacher, as in the published weights: frozen, as its adapter builds it.

    Assumption: the layer scale starts at 0.1, as CaiT advises for networks of up to 18 layers (Touvron et al., 2021).
    DINOv2 starts at 1e-5, where the class token is at first the same for all pictures.

    Args:
        out: The weights folder to write.
        encoder: A vision transformer, of an even number of patches a side.
        lr: Peak learning rate; one cycle, linear to zero.
        prototypes: K; the published models have 65,536 or more, for a million pictures.
        momentum: Of the teacher at the first step; rises to 1 along a cosine.
        layer_scale: What each layer's output is multiplied by at first.
        seed: Seeds the head.

    Raises:
        InputError: The encoder is another.
    """

    file = "model.safetensors"

    def __init__(
        self,
        out: Path,
        encoder: TimmEncoder,
        lr: PositiveFloat = 1e-3,
        prototypes: PositiveInt = 512,
        momentum: Decay = 0.98,
        layer_scale: PositiveFloat = 0.1,
        seed: Seed = 0,
    ) -> None:
        check_arguments(DinoTraining, locals())
        super().__init__(out, encoder, lr)
        self.momentum = momentum
        _check(encoder)
        for part in encoder.network.modules():
            if isinstance(part, LayerScale):
                nn.init.constant_(part.gamma, layer_scale)
        built: Any = encoder.config
        sizes = {**(built["options"] or {}), "dynamic_img_size": True}  # small crops have fewer patches
        self.student = TimmEncoder(built["model"], None, built["image_size"], sizes)
        self.student.network.load_state_dict(encoder.network.state_dict())
        self.student.network.requires_grad_(True)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.head = Head(encoder.dim, prototypes)
        self.teacher_head = copy.deepcopy(self.head).requires_grad_(False)
        self.loss = DinoLoss(prototypes)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """Learn from ``wholes``, (B, 2, 3, H, W), and ``parts``, (B, n, 3, h, w), crops in [-1, 1]."""
        size = len(batch["wholes"])
        wholes, parts = (batch[name].transpose(0, 1).flatten(0, 1) for name in ("wholes", "parts"))
        wholes, parts = self.encoder.prepare(wholes), self.encoder.prepare(parts, self.encoder.image_size // 2)
        with torch.no_grad():
            teacher = self.teacher_head(self.encoder.tokens(wholes)[:, 0]).unflatten(0, (-1, size))
        seen = torch.cat([self.student.tokens(crops)[:, 0] for crops in (wholes, parts)])
        loss = self.loss(self.head(seen).unflatten(0, (-1, size)), teacher)
        self.loss.follow(teacher)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Let the teacher follow, before any callback may save a checkpoint."""
        super().optimizer_step(*args, **kwargs)
        self.follow(min(self.global_step / self.trainer.max_steps, 1.0))

    @torch.no_grad()
    def follow(self, progress: float) -> None:
        """Move the teacher towards the student.

        Args:
            progress: The share of the training that is over, 0 to 1.
        """
        momentum = 1 - (1 - self.momentum) * (1 + math.cos(math.pi * progress)) / 2
        for teacher, student in ((self.encoder.network, self.student.network), (self.teacher_head, self.head)):
            for old, new in zip(teacher.parameters(), student.parameters(), strict=True):
                old.lerp_(new, 1 - momentum)


def _check(encoder: TimmEncoder) -> None:
    """Refuse what sees no crop of half the side."""
    if not isinstance(encoder.network, VisionTransformer):
        raise InputError("model.encoder is no vision transformer of timm; DINO trains no other here.")
    patch = encoder.network.patch_embed.patch_size[0]
    if encoder.image_size % (2 * patch):
        raise InputError(
            f"model.encoder.init_args.image_size {encoder.image_size} is no even number of patches of {patch} pixels; "
            f"DINO's small crops are half as wide, so give a multiple of {2 * patch}."
        )
