"""BoT's losses beside the cross-entropy: the batch-hard triplet and the centre loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def batch_hard_triplet(features: Tensor, labels: Tensor, margin: float = 0.3) -> Tensor:
    """Each picture with its farthest picture of the same person and its nearest of another (Hermans et al., 2017).

    The mean of max(d(a, p) - d(a, n) + margin, 0), a hard margin, over all pictures a of the batch. Distances are
    Euclidean, of features as they are: neither normalised nor squared.

    Args:
        features: Before the batch norm, (B, d).
        labels: Of people, (B,); at least two people.
        margin: In units of distance.

    Returns:
        A scalar.
    """
    # Matrix products lose the digits that near features differ in.
    distances = torch.cdist(features.float(), features.float(), compute_mode="donot_use_mm_for_euclid_dist")
    same = labels[:, None] == labels
    farthest = distances.masked_fill(~same, -torch.inf).amax(1)
    nearest = distances.masked_fill(same, torch.inf).amin(1)
    return F.margin_ranking_loss(nearest, farthest, torch.ones_like(nearest), margin=margin)


class CentreLoss(nn.Module):
    """How far features are from a learned centre of their person (Wen et al., 2016).

    The centres have a descent of their own, whatever the loss weighs in the network's: plain SGD on the unweighted
    loss. As it has no state and its gradient is written in one line, it is no optimiser of Lightning's, so that a step
    stays a step.

    Args:
        people: Number of people.
        dim: Width d of a feature.
        lr: Of the centres; BoT's is 0.5.
    """

    centres: Tensor

    def __init__(self, people: int, dim: int, lr: float = 0.5) -> None:
        super().__init__()
        self.lr = lr
        self.register_buffer("centres", torch.randn(people, dim))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """The mean squared distance, a scalar.

        Args:
            features: Before the batch norm, (B, d).
            labels: Of people, (B,).
        """
        return (features.float() - self.centres[labels]).square().sum(1).mean()

    @torch.no_grad()
    def descend(self, features: Tensor, labels: Tensor) -> None:
        """Move the centres of the people in a batch by one step of SGD on :meth:`forward`; arguments as there."""
        gradient = 2 / len(labels) * (self.centres[labels] - features.detach().float())
        self.centres.index_add_(0, labels, gradient, alpha=-self.lr)
