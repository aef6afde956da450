"""Image files → tensors, and a datamodule of single images for training an autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import LightningDataModule
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imagpose.data.mannequins.descriptions import Description, describe
from imagpose.data.mannequins.folder import MannequinSet, ensure
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.pictures import read_picture
from imagpose.data.readers.deepfashion import DeepFashion
from imagpose.data.readers.index import ImageRecord
from imagpose.data.sampling import StepSampler, leave_ctrl_c_to_parent, member_of_epoch, rng_for
from imagpose.options.ranges import PositiveInt, Seed, Workers, check_arguments

RESAMPLING = Image.Resampling.BICUBIC
"""How every picture is brought to the network's size, in training, test and generation.

Pillow's antialiased bicubic filter, which evaluators bring the truth to its size with.
"""


_SAME_SHAPE = 0.05


def read_image(path: Path) -> Tensor:
    """Read an image of a dataset as (3, H, W) in [-1, 1].

    Raises:
        InputError: The file is missing or no image, see :func:`imagpose.data.pictures.read_picture`.
    """
    return to_tensor(read_picture(path))


def open_view(record: ImageRecord, root: Path | None = None) -> Image.Image:
    """A view's picture, as training, test, generation and sheets show it.

    Where it is one of DeepFashion's low-resolution ones, 256×256 with white beside the person, its middle 176 columns
    are taken, as the field does.

    Args:
        record: The view.
        root: The dataset folder, which the file must not lie outside of; None where its links were looked at before.

    Raises:
        InputError: The file is missing, out of the root or no image.
    """
    return show_view(record, read_picture(record.path, root))


def show_view(record: ImageRecord, image: Image.Image) -> Image.Image:
    """The part of a view's whole picture that :func:`open_view` returns."""
    if left := record.border((image.height, image.width)):
        return image.crop((left, 0, image.width - left, image.height))
    return image


def read_view(record: ImageRecord, size: tuple[int, int] | None) -> tuple[Tensor, np.ndarray]:
    """Read a view, see :func:`open_view`, and its keypoints.

    Args:
        record: The view.
        size: Height and width to resize to; None leaves the picture as it is.

    Returns:
        The image, (3, H, W) in [-1, 1], and its keypoints, (18, 2) in its own pixels; -1 marks a missing joint.

    Raises:
        InputError: The file is missing or no image.
    """
    image = open_view(record)
    if size is not None:
        image = resize(image, size)
    return to_tensor(image), record.keypoints_at((image.height, image.width))


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Bring a picture to (height, width) by :data:`RESAMPLING`; one of that size stays as it is."""
    return image if (image.height, image.width) == size else image.resize((size[1], size[0]), RESAMPLING)


def same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two (height, width) are about of one shape, as DeepFashion's 1101×750 and 256×176 are."""
    return abs(size[0] / size[1] / (other[0] / other[1]) - 1) <= _SAME_SHAPE


def to_tensor(image: Image.Image) -> Tensor:
    """A picture as (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 127.5 - 1


def to_uint8(images: Tensor) -> np.ndarray:
    """(..., 3, H, W) in [-1, 1] → (..., H, W, 3) uint8, rounded."""
    scaled = images.detach().float().clamp(-1, 1).add(1).mul(127.5).round()
    return scaled.movedim(-3, -1).to(torch.uint8).cpu().numpy()


class SingleImages(Dataset[Any]):
    """Images one by one; an item is addressed by its sample number and flipped in every second draw.

    Attributes:
        descriptions: A description of each image; where there are any, an item is an image and its description.
    """

    descriptions: list[Description] | None = None

    def __init__(self, paths: list[Path], seed: int, flips: bool) -> None:
        self.paths, self.seed, self.flips = paths, seed, flips

    def __len__(self) -> int:
        return len(self.paths)

    def _index_of(self, number: int) -> int:
        return member_of_epoch(self.seed, number, len(self.paths)) if self.flips else number

    def __getitem__(self, number: int) -> Tensor | tuple[Tensor, Description]:
        index = self._index_of(number)
        image = read_image(self.paths[index])
        if self.flips and rng_for(self.seed, number).random() < 0.5:
            image = image.flip(-1)
        return image if self.descriptions is None else (image, self.descriptions[index])


class FolderDataModule(LightningDataModule):
    """Training samples and held-out ones of a DeepFashion folder; drawn as mannequins where ``mannequins`` says so.

    A subclass's ``setup`` makes ``train``, addressed by sample number, and ``held_out``.

    Args:
        root: The dataset folder.
        batch_size: Samples per step and process.
        mannequins: The set of mannequins to draw into ``root`` unless it is there.
        seed: Seeds every draw, together with the sample's number.
        num_workers: Loader processes.
    """

    train: Dataset[Any]
    held_out: Dataset[Any]

    def __init__(
        self,
        root: Path,
        batch_size: PositiveInt,
        mannequins: MannequinSet | None = None,
        seed: Seed = 0,
        num_workers: Workers = 1,
    ) -> None:
        super().__init__()
        check_arguments(FolderDataModule, locals())
        self.root, self.batch_size, self.mannequins = Path(root), batch_size, mannequins
        self.seed, self.num_workers = seed, num_workers

    def prepare_data(self) -> None:
        """Draw the mannequins where asked for."""
        ensure(self.root, self.mannequins)

    def train_dataloader(self) -> DataLoader[Any]:
        """Continues after the steps that were already taken."""
        assert self.trainer is not None
        sampler = StepSampler.following(self.trainer, self.batch_size)
        return DataLoader(
            self.train, batch_sampler=sampler, num_workers=self.num_workers, worker_init_fn=leave_ctrl_c_to_parent
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """The test split."""
        return DataLoader(self.held_out, batch_size=32)

    test_dataloader = val_dataloader


class ImageDataModule(FolderDataModule):
    """Single images of a folder.

    Args:
        root: The dataset folder.
        batch_size: Images per step and process.
        described: Give each image with its description; mannequins only.
        mannequins: The set of mannequins to draw into ``root`` unless it is there.
        seed: Seeds the order of the images and their flips.
        num_workers: Loader processes.
    """

    def __init__(
        self,
        root: Path,
        batch_size: PositiveInt,
        described: bool = False,
        mannequins: MannequinSet | None = None,
        seed: Seed = 0,
        num_workers: Workers = 1,
    ) -> None:
        super().__init__(root, batch_size, mannequins, seed, num_workers)
        self.described = described

    def setup(self, stage: str) -> None:
        """Index the folder."""
        index = DeepFashion(self.root)
        self.train, self.held_out = (self._images(index, split, flips=split == "train") for split in ("train", "test"))

    def _images(self, index: DeepFashion, split: str, flips: bool) -> SingleImages:
        names = index.splits[split]
        images = SingleImages([index.records[name].path for name in names], self.seed, flips)
        if self.described:
            images.descriptions = [describe(Wardrobe.of(self.root).person(name)) for name in names]
        return images
