"""BoT, a bag of tricks for person re-identification (Luo et al., 2019), each trick a switch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from lightning import LightningModule
from torch import Tensor

from imagpose.errors import InputError
from imagpose.options.ranges import (
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    check_arguments,
)  # fmt: skip
from imagpose.reid.features import save_features
from imagpose.reid.losses import CentreLoss, batch_hard_triplet
from imagpose.reid.network import BotNetwork
from imagpose.reid.protocol import Seen, rank
from imagpose.reid.scores import Scored

_FIRST = 0.01  # of the learning rate, where the warm-up begins


def rate(epoch: int, warmup_epochs: int, milestones: Sequence[int]) -> float:
    """By what the learning rate is multiplied in an epoch.

    Args:
        epoch: Its number, from 1.
        warmup_epochs: Over which it rises in a line from 0.01; 0 is none.
        milestones: Epochs from which on it is a tenth of what it was.
    """
    warm = min(epoch / warmup_epochs, 1.0) if warmup_epochs else 1.0
    return (_FIRST + (1 - _FIRST) * warm) * 0.1 ** sum(epoch >= milestone for milestone in milestones)


class Bot(LightningModule):
    """Trains a network to tell people apart, and ranks a gallery by it.

    The loss is the cross-entropy over the people that are trained on, the batch-hard triplet, and ``centre_weight``
    times the centre loss. The optimiser is Adam; an epoch is a share of ``trainer.max_steps``, so that runs of other
    lengths have the same schedule.

    Args:
        people: Number of people that are trained on; 751 on Market-1501.
        backbone: timm's name of a ResNet.
        weights_name: ImageNet's weights of it, see :meth:`imagpose.reid.network.BotNetwork.load_weights`; None trains
            from scratch.
        options: Further arguments of the backbone.
        epochs: Into which ``trainer.max_steps`` are parted.
        lr: Of Adam.
        weight_decay: Of Adam, as a part of the gradient.
        warmup_epochs: Trick 1, see :func:`rate`; 0 switches it off. Trick 2, random erasing, is the data's.
        milestones: Epochs from which on the learning rate is a tenth of what it was.
        label_smoothing: Trick 3; 0 switches it off.
        last_stride: Trick 4: of the network's last stage; 2 switches it off.
        bnneck: Trick 5.
        centre_weight: Trick 6: of the centre loss; 0 switches it off.
        margin: Of the triplet.
        keep_features: Whether the test leaves its features in the run's folder, as ``imagpose reid evaluate`` reads
            them.

    Attributes:
        scored: What the queries scored; after a test.
    """

    scored: Scored

    def __init__(
        self,
        people: PositiveInt = 751,
        backbone: str = "resnet50",
        weights_name: str | None = None,
        options: dict[str, Any] | None = None,
        epochs: PositiveInt = 120,
        lr: PositiveFloat = 3.5e-4,
        weight_decay: NonNegativeFloat = 5e-4,
        warmup_epochs: NonNegativeInt = 10,
        milestones: Sequence[PositiveInt] = (40, 70),
        label_smoothing: Probability = 0.1,
        last_stride: Literal[1, 2] = 1,
        bnneck: bool = True,
        centre_weight: NonNegativeFloat = 5e-4,
        margin: NonNegativeFloat = 0.3,
        keep_features: bool = False,
    ) -> None:
        super().__init__()
        check_arguments(Bot, locals(), "model.init_args.")
        self.people, self.weights_name, self.epochs = people, weights_name, epochs
        self.lr, self.weight_decay, self.warmup_epochs, self.milestones = lr, weight_decay, warmup_epochs, milestones
        self.label_smoothing, self.centre_weight, self.margin = label_smoothing, centre_weight, margin
        self.keep_features = keep_features
        self.network = BotNetwork(backbone, people, last_stride, bnneck, options)
        self.centres = CentreLoss(people, self.network.dim) if centre_weight else None

    def setup(self, stage: str) -> None:
        """Read the weights, unless a checkpoint has them.

        Raises:
            InputError: They cannot be had; or the data have another number of people.
        """
        found = len(self.trainer.datamodule.people)  # type: ignore[attr-defined]
        if found != self.people:
            raise InputError(f"There are {found} people to train on; set model.init_args.people to {found}.")
        if stage == "fit" and self.weights_name is not None and not self.trainer.ckpt_path:
            self.network.load_weights(self.weights_name)

    # Training -----------------------------------------------------------------------------------------------------

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """The loss of ``images``, (B, 3, H, W), normalised, whose people are ``label``, (B,) from 0."""
        labels = batch["label"]
        outputs = self.network(batch["images"])
        entropy = F.cross_entropy(outputs.logits.float(), labels, label_smoothing=self.label_smoothing)
        triplet = batch_hard_triplet(outputs.feature, labels, self.margin)
        loss = entropy + triplet
        parts = {"train/entropy": entropy, "train/triplet": triplet}
        if self.centres is not None:
            parts["train/centre"] = self.centres(outputs.feature, labels)
            loss = loss + self.centre_weight * parts["train/centre"]
            self.centres.descend(outputs.feature, labels)
        self.log_dict({"train/loss": loss, **{name: part.detach() for name, part in parts.items()}}, prog_bar=True)
        return loss

    def configure_optimizers(self) -> Any:
        """Adam, whose learning rate changes with the epoch."""
        asked = [parameter for parameter in self.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(asked, lr=self.lr, weight_decay=self.weight_decay)
        steps = self.trainer.max_steps

        def of_step(step: int) -> float:
            return rate(1 + step * self.epochs // steps, self.warmup_epochs, self.milestones)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, of_step)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    # Test ---------------------------------------------------------------------------------------------------------

    def on_test_epoch_start(self) -> None:
        """Forget the features of another test."""
        self._features: tuple[list[Tensor], list[Tensor]] = [], []

    def test_step(self, batch: dict[str, Tensor], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Features of the queries (loader 0) and of the gallery (loader 1)."""
        self._features[dataloader_idx].append(self.network(batch["images"]).tested.float())

    def on_test_epoch_end(self) -> None:
        """Rank the gallery and log ``test/rank1``, ``test/map`` and so on, with intervals."""
        features = [torch.cat(parts) for parts in self._features]
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        ranking = rank(Seen.of(features[0], data.query), Seen.of(features[1], data.gallery))
        self.scored = Scored.of(ranking, data.query)
        self.log_dict({f"test/{name}": value for name, value in self.scored.flat().items()})
        if self.keep_features and self.trainer.is_global_zero and self.trainer.log_dir:
            for name, part, of in zip(("query", "gallery"), features, (data.query, data.gallery), strict=True):
                save_features(Path(self.trainer.log_dir) / "features" / f"{name}.npz", part, [one.name for one in of])
