"""Pairs of views of one person without poses: what an image-variation model learns from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from imagpose.data.image_datamodule import FolderDataModule
from imagpose.data.images import read_image
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.readers.index import ImageRecord
from imagpose.data.sampling import member_of_epoch, rng_for


class Variations(Dataset[dict[str, Tensor]]):
    """``source`` and ``target``, two views of one identity, (3, H, W) in [-1, 1], and the sample's ``number``.

    The two are distinct: were they one image, the model would learn to take the pose from the tokens too, which
    pose-guided generation must take from elsewhere. Both are mirrored in half of the draws.

    Args:
        identities: Views of each identity, at least two.
        seed: Seeds every draw, together with the sample's number.
    """

    def __init__(self, identities: Sequence[Sequence[ImageRecord]], seed: int) -> None:
        self.identities, self.seed = identities, seed

    def __len__(self) -> int:
        return len(self.identities)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        views = self.identities[member_of_epoch(self.seed, number, len(self.identities))]
        rng = rng_for(self.seed, number)
        source, target = (read_image(views[i].path) for i in rng.permutation(len(views))[:2])
        if rng.random() < 0.5:
            source, target = source.flip(-1), target.flip(-1)
        return {"source": source, "target": target, "number": torch.tensor(number)}


class VariationDataModule(FolderDataModule):
    """Pairs of views of a folder; held out is one pair of each person of the test split."""

    def setup(self, stage: str) -> None:
        """Index the folder."""
        index = DeepFashion(self.root)
        self.train, self.held_out = (
            Variations(list(index.identities(split).values()), self.seed) for split in ("train", "test")
        )
