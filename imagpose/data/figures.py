"""Pictures of one figure with its keypoints: what a pose detector learns from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from imagpose.data.image_datamodule import FolderDataModule
from imagpose.data.images import read_view
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.readers.index import ImageRecord
from imagpose.data.sampling import member_of_epoch


class Figures(Dataset[dict[str, Tensor]]):
    """``picture``, (3, H, W) in [-1, 1], and ``keypoints``, (18, 2) in its pixels, -1 where a joint is missing.

    Each file is read once and kept, 34 kB of a mannequin.

    Args:
        records: The pictures.
        seed: Seeds the order.
        shuffled: Whether an item is addressed by a sample number, and not by its place in ``records``.
    """

    def __init__(self, records: Sequence[ImageRecord], seed: int, shuffled: bool) -> None:
        self.records, self.seed, self.shuffled = records, seed, shuffled
        self._read: dict[int, dict[str, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        index = member_of_epoch(self.seed, number, len(self.records)) if self.shuffled else number
        if index not in self._read:
            picture, keypoints = read_view(self.records[index], None)
            self._read[index] = {"picture": picture, "keypoints": torch.from_numpy(keypoints).float()}
        return self._read[index]


class FigureDataModule(FolderDataModule):
    """Single pictures of a folder with their keypoints."""

    def setup(self, stage: str) -> None:
        """Index the folder."""
        index = DeepFashion(self.root)
        self.train, self.held_out = (
            Figures([index.records[name] for name in index.splits[split]], self.seed, split == "train")
            for split in ("train", "test")
        )
