"""What the trainings of miniature encoders share, so that their tasks alone differ: Table 3's at tiny scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from lightning import LightningModule
from torch import Tensor

from imagpose.models.encoders import Encoder
from imagpose.pretraining.one_cycle import one_cycle
from imagpose.pretraining.writing import write_half


class FamilyTraining(LightningModule):
    """Trains an encoder by its family's own kind of task; a subclass says which.

    Attributes:
        file: Name of the file that the family's adapter reads.
        prefix: Before the names of its tensors.

    Args:
        out: The weights folder to write.
        encoder: The encoder as its adapter builds it; where it names weights, they are not read.
        lr: Peak learning rate; one cycle, linear to zero.
    """

    file: str
    prefix = ""

    def __init__(self, out: Path, encoder: Encoder, lr: float) -> None:
        super().__init__()
        self.out, self.encoder, self.lr = Path(out), encoder, lr
        self._held_out: list[tuple[Tensor, Tensor]] = []

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Keep held-out pictures, (B, 3, H, W) in [-1, 1], and the numbers of who is seen, (B,)."""
        self._held_out.append((batch[0], batch[1]))

    test_step = validation_step

    def on_validation_epoch_end(self) -> None:
        """Log how often the picture most like another is of the same person, and so of the encoder as it was built."""
        untrained = type(self.encoder).from_config(self.encoder.config).to(self.device)  # from the adapter's fixed seed
        people = torch.cat([people for _, people in self._held_out])
        for name, encoder in (("trained", self.encoder), ("untrained", untrained)):
            tokens = torch.cat([encoder(pictures) for pictures, _ in self._held_out])
            self.log(f"val/{name}_class_token", same_person(tokens[:, 0], people), prog_bar=name == "trained")
            self.log(f"val/{name}_patches", same_person(tokens[:, 1:].mean(1), people))
        self._held_out.clear()

    on_test_epoch_end = on_validation_epoch_end

    def configure_optimizers(self) -> Any:
        """AdamW with one cycle of the learning rate."""
        return one_cycle(self, self.lr, (0.9, 0.98), 0.05, 0.1)

    def on_fit_end(self) -> None:
        """Save the encoder in half precision."""
        write_half(self.encoder.network, self.out, self.file, self.prefix)
        self.print(f"The encoder is in {self.out}.")


def same_person(features: Tensor, people: Tensor) -> Tensor:
    """The share of pictures whose nearest other picture, by cosine, shows the same person: k-NN with k = 1.

    Args:
        features: Of N pictures, (N, d).
        people: Number of who is seen in each, (N,).

    Returns:
        A scalar in [0, 1].
    """
    features = F.normalize(features.float(), dim=1)
    likeness = (features @ features.T).fill_diagonal_(-torch.inf)
    return (people[likeness.argmax(1)] == people).float().mean()
