"""Pictures of people for BoT: a part of the training ones with what is added to it, the queries and the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import LightningDataModule
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imagpose.data.images import resize
from imagpose.data.mannequins.cameras import CameraSet, ensure
from imagpose.data.pictures import read_picture
from imagpose.data.readers.market1501 import GALLERY_FOLDER, JUNK, QUERY_FOLDER, TRAIN_FOLDER, Sighting, sightings
from imagpose.data.sampling import StepSampler, leave_ctrl_c_to_parent
from imagpose.errors import InputError
from imagpose.options.ranges import (
    NonNegativeInt,
    Percentage,
    PositiveInt,
    Probability,
    Seed,
    SeveralItems,
    Side,
    Workers,
    check_arguments,
)  # fmt: skip
from imagpose.reid.additions import Added, read_added
from imagpose.reid.augmentation import Augmentation, plain
from imagpose.reid.sampling import Item, PKSampler, steps_of
from imagpose.reid.subsets import subset_of

_KEPT = 2**28  # bytes of pictures that are kept in memory


class Pictures(Dataset[Any]):
    """Pictures at one size, each file read once where all of them take little memory.

    Args:
        paths: The files.
        size: Height and width to bring them to.
    """

    def __init__(self, paths: Sequence[Path], size: tuple[int, int]) -> None:
        self.paths, self.size = paths, size
        self._kept: dict[int, Tensor] | None = {} if 3 * size[0] * size[1] * len(paths) <= _KEPT else None

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> Tensor:
        """A picture, (3, H, W) of bytes.

        Raises:
            InputError: The file is missing or no picture.
        """
        if self._kept is not None and index in self._kept:
            return self._kept[index]
        whole = read_picture(self.paths[index]).convert("RGB")
        picture = resize(whole, self.size, Image.Resampling.BILINEAR)  # BoT's filter
        tensor = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        if self._kept is not None:
            self._kept[index] = tensor
        return tensor

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"images": plain(self.read(index))}


class TrainingPictures(Pictures):
    """Pictures with their people, augmented anew for each sample.

    Args:
        paths: The files.
        labels: The person of each, from 0.
        more: Whether each is augmented more than BoT does.
        size: Height and width to bring them to.
        augmentation: What is done to them.
    """

    def __init__(
        self, paths: Sequence[Path], labels: Sequence[int], more: Sequence[bool], size: tuple[int, int],
        augmentation: Augmentation,
    ) -> None:  # fmt: skip
        super().__init__(paths, size)
        self.labels, self.more, self.augmentation = labels, more, augmentation

    def __getitem__(self, item: Item) -> dict[str, Tensor]:  # type: ignore[override]
        number, index = item
        picture = self.augmentation(self.read(index), number, self.more[index])
        return {"images": picture, "label": torch.tensor(self.labels[index])}


class ReidDataModule(LightningDataModule):
    """Batches of P people with K pictures each, and Market-1501's queries and gallery.

    Args:
        root: A folder in Market-1501's layout; keypoints are not asked for.
        cameras: The set of mannequins before cameras to draw into ``root`` unless it is there; None for a real dataset.
        percentage: Of the training pictures that are trained on, see :func:`imagpose.reid.subsets.subset_of`.
        added: A list of further pictures with their people, see :func:`imagpose.reid.additions.read_added`.
        size: Height and width that pictures are brought to.
        persons: P.
        pictures: K.
        pad: Pixels beside a picture, out of which it is cropped, see
            :class:`imagpose.reid.augmentation.Augmentation`.
        erasing: Probability of random erasing, likewise; 0 switches BoT's second trick off.
        batch_size: Pictures at once in the test.
        seed: Seeds the batches and what is done to pictures; the subset is the same with every seed.
        num_workers: Loader processes.

    Attributes:
        people: Ids of those that are trained on, ascending.
        labels: The person of each training picture, from 0, the added ones last.
        query: Who is seen in each query, in the order of the loader.
        gallery: Likewise; junk is left out.
    """

    people: list[int]
    labels: list[int]
    query: list[Sighting]
    gallery: list[Sighting]

    def __init__(
        self,
        root: Path,
        cameras: CameraSet | None = None,
        percentage: Percentage = 100,
        added: Path | None = None,
        size: tuple[Side, Side] = (256, 128),
        persons: SeveralItems = 16,
        pictures: SeveralItems = 4,
        pad: NonNegativeInt = 10,
        erasing: Probability = 0.5,
        batch_size: PositiveInt = 128,
        seed: Seed = 0,
        num_workers: Workers = 2,
    ) -> None:
        super().__init__()
        check_arguments(ReidDataModule, locals(), "data.init_args.")
        self.root, self.cameras, self.percentage, self.added = Path(root), cameras, percentage, added
        self.size, self.persons, self.pictures = (size[0], size[1]), persons, pictures
        self.pad, self.erasing, self.batch_size = pad, erasing, batch_size
        self.seed, self.num_workers = seed, num_workers

    def prepare_data(self) -> None:
        """Draw the mannequins where asked for."""
        ensure(self.root, self.cameras)

    def setup(self, stage: str) -> None:
        """Index the folder, and take the training pictures' part.

        Raises:
            InputError: The folder or the list is malformed, or there are fewer people than a batch takes.
        """
        trained = sightings(self.root, TRAIN_FOLDER)
        chosen = subset_of(list(trained), self.percentage)
        self.people = sorted({one.person for one in chosen})
        if len(self.people) < self.persons:
            raise InputError(
                f"{self.root / TRAIN_FOLDER} shows {len(self.people)} people and data.init_args.persons is "
                f"{self.persons}; lower it or add people."
            )
        known = {person: label for label, person in enumerate(self.people)}
        added = read_added(self.added, known.keys()) if self.added is not None else []
        every = [*(Added(trained[one], one.person) for one in chosen), *added]
        self.labels = [known[one.person] for one in every]
        augmentation = Augmentation(self.size, self.pad, self.erasing, self.seed)
        self.train = TrainingPictures(
            [one.file for one in every], self.labels, [one.more for one in every], self.size, augmentation
        )
        query, gallery = sightings(self.root, QUERY_FOLDER), sightings(self.root, GALLERY_FOLDER)
        self.query, self.gallery = list(query), [one for one in gallery if one.person != JUNK]
        self.tested = [Pictures([of[one] for one in names], self.size)
                       for names, of in ((self.query, query), (self.gallery, gallery))]  # fmt: skip

    def steps(self, epochs: int) -> int:
        """How many batches so many epochs have; after :meth:`setup`."""
        return steps_of(self.labels, epochs, self.seed, self.persons, self.pictures)

    def train_dataloader(self) -> DataLoader[Any]:
        """Continues after the steps that were already taken."""
        assert self.trainer is not None
        steps = StepSampler.following(self.trainer, self.persons * self.pictures)
        return DataLoader(
            self.train, batch_sampler=PKSampler(self.labels, self.seed, steps, self.persons, self.pictures),
            num_workers=self.num_workers, persistent_workers=self.num_workers > 0,
            worker_init_fn=leave_ctrl_c_to_parent,
        )  # fmt: skip

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """The queries and the gallery; every process looks at all of them."""
        return [DataLoader(part, self.batch_size, num_workers=0) for part in self.tested]
