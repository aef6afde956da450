"""Pictures that encoders learn from, as each family's task wants them, and held-out people to recognise."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2 as T

from imagpose.data.image_datamodule import FolderDataModule, SingleImages
from imagpose.data.images import read_image
from imagpose.data.mannequins.descriptions import caption
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.readers.index import ImageRecord
from imagpose.data.sampling import rng_for

WHOLES, PARTS = 2, 4
"""Crops of a picture: large ones, which teacher and student see, and small ones, which the student alone sees."""


class HeldOut(Dataset[tuple[Tensor, int]]):
    """Pictures, (3, H, W) in [-1, 1], and the number of who is seen.

    Args:
        records: The pictures.
    """

    def __init__(self, records: Sequence[ImageRecord]) -> None:
        self.records = records
        people = dict.fromkeys(record.identity for record in records)
        self._numbers = {identity: number for number, identity in enumerate(people)}

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        record = self.records[index]
        return read_image(record.path), self._numbers[record.identity]


class Crops(SingleImages):
    """Crops of one picture in changed colours, DINO's multi-crop (Caron et al., 2021); addressed by sample number.

    An item is ``wholes``, two crops of 40 to 100 % of the picture in its own size, (2, 3, H, W), and ``parts``, four of
    10 to 40 % in half of it, (4, 3, H/2, W/2), all in [-1, 1].

    Assumption: DINO's changes of colour as published, its blur narrower, as these pictures are small, and no
    solarisation. A crop has about the picture's shape, where DINO's is about square, since the encoder is shown whole
    pictures, letterboxed.

    Args:
        paths: The files.
        seed: Seeds order, flips, crops and colours, together with the sample's number.
    """

    def __init__(self, paths: list[Path], seed: int) -> None:
        super().__init__(paths, seed, flips=True)

    def __getitem__(self, number: int) -> dict[str, Tensor]:  # type: ignore[override]
        picture = super().__getitem__(number)
        assert isinstance(picture, Tensor)
        whole, part = _changes(picture.shape[-2], picture.shape[-1])
        picture = picture.add(1).div(2)
        with torch.random.fork_rng(devices=[]):  # torchvision draws from the one generator of all
            torch.default_generator.manual_seed(int(rng_for(self.seed, number).integers(2**63)))
            wholes = torch.stack([whole(picture) for _ in range(WHOLES)])
            parts = torch.stack([part(picture) for _ in range(PARTS)])
        return {"wholes": wholes.mul(2).sub(1), "parts": parts.mul(2).sub(1)}


@functools.cache
def _changes(height: int, width: int) -> tuple[T.Transform, T.Transform]:
    """Of pictures of one size: what makes a large crop, and what a small one."""
    shape = (0.75 * width / height, width / height / 0.75)

    def changes(size: tuple[int, int], scale: tuple[float, float]) -> T.Transform:
        return T.Compose([
            T.RandomResizedCrop(size, scale=scale, ratio=shape),
            T.RandomHorizontalFlip(0.5),
            T.RandomApply([T.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)], p=0.8),
            T.RandomGrayscale(0.2),
            T.RandomApply([T.GaussianBlur(3, sigma=(0.1, 0.6))], p=0.5),
        ])  # fmt: skip

    return changes((height, width), (0.4, 1.0)), changes((height // 2, width // 2), (0.1, 0.4))


class Captioned(SingleImages):
    """Pictures, (3, H, W) in [-1, 1], flipped in every second draw, with their captions.

    Args:
        paths: The files.
        captions: Of each.
        seed: Seeds order and flips.
    """

    def __init__(self, paths: list[Path], captions: list[str], seed: int) -> None:
        super().__init__(paths, seed, flips=True)
        self.captions = captions

    def __getitem__(self, number: int) -> tuple[Tensor, str]:  # type: ignore[override]
        picture = super().__getitem__(number)
        assert isinstance(picture, Tensor)
        return picture, self.captions[self._index_of(number)]


class PeopleDataModule(FolderDataModule):
    """Single pictures of training people, as a subclass makes items of them, and held-out people to recognise."""

    def setup(self, stage: str) -> None:
        """Index the folder."""
        index = DeepFashion(self.root)
        self.train = self.items(index, index.splits["train"])
        self.held_out = HeldOut([index.records[name] for name in index.splits["test"]])

    @abstractmethod
    def items(self, index: DeepFashion, names: Sequence[str]) -> Dataset[Any]:
        """What is learnt from, addressed by sample number.

        Args:
            index: Of the folder.
            names: The training pictures.
        """


class CropDataModule(PeopleDataModule):
    """:class:`Crops`."""

    def items(self, index: DeepFashion, names: Sequence[str]) -> Crops:
        """Crops of each picture."""
        return Crops([index.records[name].path for name in names], self.seed)


class CaptionDataModule(PeopleDataModule):
    """:class:`Captioned`; mannequins only, since nobody else's clothes are known."""

    def items(self, index: DeepFashion, names: Sequence[str]) -> Captioned:
        """Each picture with the caption of who is seen."""
        wardrobe = Wardrobe.of(self.root)
        captions = [caption(wardrobe.person(name)) for name in names]
        return Captioned([index.records[name].path for name in names], captions, self.seed)
