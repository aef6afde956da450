"""Pairs of views of one person without poses: what an image-variation model learns from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imagpose.data.deepfashion import DeepFashion, ImageRecord
from imagpose.data.images import read_image
from imagpose.data.mannequin_folder import MannequinSet, ensure
from imagpose.data.sampling import StepSampler, member_of_epoch, rng_for


class Variations(Dataset[dict[str, Tensor]]):
    """``source`` and ``target``, two views of one identity, (3, H, W) in [-1, 1], and the sample's ``number``.

    The two are distinct: were they one image, the model would learn to take the pose from the tokens too, which
    pose-guided generation must take from elsewhere. Both are mirrored in half of the draws.

    Args:
        identities: Views of each identity, at least two.
        seed: Of every draw.
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


class VariationDataModule(LightningDataModule):
    """Pairs of views of a DeepFashion folder; drawn as mannequins where ``mannequins`` says so.

    Args:
        root: The dataset folder.
        batch_size: Pairs per step and process.
        mannequins: Draw this set into ``root`` unless it is there.
        seed: Of every draw.
        num_workers: Loader processes.
    """

    def __init__(
        self,
        root: Path,
        batch_size: int,
        mannequins: MannequinSet | None = None,
        seed: int = 0,
        num_workers: int = 1,
    ) -> None:
        super().__init__()
        self.root, self.batch_size, self.mannequins = Path(root), batch_size, mannequins
        self.seed, self.num_workers = seed, num_workers

    def prepare_data(self) -> None:
        """Draw the mannequins where asked for."""
        ensure(self.root, self.mannequins)

    def setup(self, stage: str) -> None:
        """Index the folder."""
        index = DeepFashion(self.root)
        self.train, self.held_out = (
            Variations(list(index.identities(split).values()), self.seed) for split in ("train", "test")
        )

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Continues after the steps that were already taken."""
        assert self.trainer is not None
        sampler = StepSampler.following(self.trainer, self.batch_size)
        return DataLoader(self.train, batch_sampler=sampler, num_workers=self.num_workers)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """One pair of each person of the test split."""
        return DataLoader(self.held_out, batch_size=self.batch_size)

    test_dataloader = val_dataloader
