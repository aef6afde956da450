"""Single images of a folder, as the parts that are trained by themselves see them: autoencoder, encoders, detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imagpose.data.images import read_image
from imagpose.data.mannequins.cameras import CameraSet
from imagpose.data.mannequins.cameras import ensure as ensure_cameras
from imagpose.data.mannequins.descriptions import Description, describe
from imagpose.data.mannequins.folder import MannequinSet, ensure
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.index import Index
from imagpose.data.readers.layouts import open_index
from imagpose.data.sampling import StepSampler, leave_ctrl_c_to_parent, member_of_epoch, rng_for
from imagpose.options.ranges import PositiveInt, Seed, Workers, check_arguments


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
        cameras: The set of mannequins before cameras to draw instead.
    """

    def __init__(
        self,
        root: Path,
        batch_size: PositiveInt,
        described: bool = False,
        mannequins: MannequinSet | None = None,
        seed: Seed = 0,
        num_workers: Workers = 1,
        cameras: CameraSet | None = None,
    ) -> None:
        super().__init__(root, batch_size, mannequins, seed, num_workers)
        self.described, self.cameras = described, cameras

    def prepare_data(self) -> None:
        """Draw the mannequins where asked for."""
        if self.cameras is None:
            super().prepare_data()
        else:
            ensure_cameras(self.root, self.cameras)

    def setup(self, stage: str) -> None:
        """Index the folder."""
        index = open_index(self.root)
        self.train, self.held_out = (self._images(index, split, flips=split == "train") for split in ("train", "test"))

    def _images(self, index: Index, split: str, flips: bool) -> SingleImages:
        names = index.splits[split]
        images = SingleImages([index.records[name].path for name in names], self.seed, flips)
        if self.described:
            images.descriptions = [describe(Wardrobe.of(self.root).person(name)) for name in names]
        return images
