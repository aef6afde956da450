"""The LightningDataModule of canvases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from lightning import LightningDataModule
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader

from imagpose.data.canvases import Canvases, TestCanvases
from imagpose.data.draws import DrawingCollate
from imagpose.data.features import FOLDER, FeatureCache, Shard, plan
from imagpose.data.images import read_view
from imagpose.data.mannequins.folder import MannequinSet, ensure, is_drawn
from imagpose.data.readers.findings import REFUSED
from imagpose.data.readers.index import ImageRecord, Index, Scenario
from imagpose.data.readers.layouts import LayoutName, open_index
from imagpose.data.sampling import PanelSampler, StepSampler, across_people, canvases_of, leave_ctrl_c_to_parent
from imagpose.errors import InputError
from imagpose.options.program import program
from imagpose.options.ranges import Panels, PositiveInt, Probability, Seed, Side, Workers, check_arguments

Batch = dict[str, Tensor]
_FAR_LARGER = 4  # times the area of the panels that an experiment is for: its memory and time are no more what it says


class PoseDataModule(LightningDataModule):
    """Training canvases, a few validation pairs of held-out training people, and the fixed test pairs.

    Args:
        root: A DeepFashion In-shop or Market-1501 folder, in any layout of docs/datasets.md.
        batch_size: Canvases per step and process.
        mannequins: The set of mannequins to draw into ``root`` unless it is there; None for a real dataset.
        panels: The numbers V of panels that canvases are trained with, one drawn for each optimiser step. ``[4]`` is
            the paper's. Of several, ``batch_size`` is meant for four, and a batch of more panels has fewer canvases,
            see :func:`imagpose.data.sampling.canvases_of`. Validation and test take the smallest of at least four, or
            the largest, where there is none.
        flips: Whether half of the training canvases are mirrored.
        validation_identities: Training people that are kept for validation.
        validation_pairs: Pairs that are generated at each validation.
        test_pairs: Use only so many of the test pairs, of as many people as can be, the same with every seed and a
            part of a larger number's; None takes all.
        test_settings: Further settings of the paper to test beside T1: ``T2``, ``T3``. T3 is tested on the pairs whose
            source has a second view that is not the target, and how many those are is logged; T1 and T2 on all. They
            need four panels or more.
        seed: Seeds every draw, together with the sample's number.
        num_workers: Loader processes.
        size: Height and width in pixels that images are resized to, keypoints with them; None leaves them as they are.
        layout: The folder's layout; None tells it by the folders in it.
        skip_bad: Train and test without images that have no file or no keypoints, instead of refusing the folder.
        cache: Where ``imagpose cache`` keeps features; None is ``.imagpose-cache`` in ``root``.
        cache_dtype: The precision in which the cache keeps features.
        repeats: Probability that all given panels of a training canvas show one view, and, independently, that all of
            its masked ones do, see :func:`imagpose.data.canvases.draw_layout`.
    """

    features: FeatureCache | None = None
    collate: DrawingCollate | None = None  # how training batches are made; the module, whose draws they are, says it

    def __init__(
        self,
        root: Path,
        batch_size: PositiveInt = 4,
        mannequins: MannequinSet | None = None,
        panels: Panels | Sequence[Panels] = (4,),
        flips: bool = True,
        validation_identities: PositiveInt = 20,
        validation_pairs: PositiveInt = 16,
        test_pairs: PositiveInt | None = None,
        test_settings: Sequence[Literal["T2", "T3"]] = (),
        seed: Seed = 0,
        num_workers: Workers = 2,
        size: tuple[Side, Side] | None = None,
        layout: LayoutName | None = None,
        skip_bad: bool = False,
        cache: Path | None = None,
        cache_dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        repeats: Probability = 0.0,
    ) -> None:
        super().__init__()
        check_arguments(PoseDataModule, locals(), "data.")
        self.root, self.batch_size, self.mannequins, self.flips = Path(root), batch_size, mannequins, flips
        self.panels = (panels,) if isinstance(panels, int) else tuple(panels)
        if not self.panels:
            raise InputError("data.panels is []; give the numbers of panels to train, such as [4].")
        self.test_panels = min((one for one in self.panels if one >= 4), default=max(self.panels))
        if self.test_panels < 4 and test_settings:
            raise InputError(
                f"data.test_settings is {list(test_settings)} and the most of data.panels {self.test_panels}; these "
                "settings need four panels: make data.test_settings [], or train four panels too."
            )
        self.repeats = repeats
        self.validation_identities, self.validation_pairs = validation_identities, validation_pairs
        self.test_settings = tuple(test_settings)
        self.test_pairs, self.seed, self.num_workers = test_pairs, seed, num_workers
        self.size, self.layout, self.skip_bad = size, layout, skip_bad
        self.cache, self.cache_dtype = Path(cache or self.root / FOLDER), cache_dtype

    def prepare_data(self) -> None:
        """Draw the mannequins where asked for."""
        ensure(self.root, self.mannequins)

    def setup(self, stage: str) -> None:
        """Index the folder and part its people.

        Raises:
            InputError: The folder is malformed, or too small for the parts, or T3 can be tested on no pair; or its
                pictures are far larger than the experiment's mannequins and no ``size`` is set; or, unless
                ``skip_bad``, an image has no file or no keypoints.
        """
        self.index = self._open()
        identities = list(self.index.identities("train").values())
        # The last people, all that is of each, so that validation shares none with training.
        held_out = {views[0].person for views in identities[-self.validation_identities :]}
        self.train = [views for views in identities if views[0].person not in held_out]
        if not self.train:
            raise InputError(
                f"{self.root} has {len(identities)} training identities of two views or more, and "
                f"data.validation_identities ({self.validation_identities}) keeps all of them back; "
                f"{'lower it or ' if self.validation_identities > 1 else ''}add people."
            )
        self._check_size()
        self.validation = self._validation([views for views in identities if views[0].person in held_out])
        self.test = self._some(self.index.scenarios(skip_unknown=self.skip_bad))
        self._look_for_sources()
        for note in self.index.notes:
            rank_zero_info(f"{self.root}: {note}")

    def _check_size(self) -> None:
        """Refuse pictures far larger than the experiment's mannequins, with which no step may ever end."""
        if self.mannequins is None or self.size is not None:
            return
        (height, width), meant = self.image_size(), self.mannequins.size
        if height * width > _FAR_LARGER * meant[0] * meant[1]:
            raise InputError(
                f"The pictures of {self.root} are {height}×{width} and this experiment is for {meant[0]}×{meant[1]}; "
                f"resize them with --data.init_args.size [{meant[0]},{meant[1]}]."
            )

    def _look_for_sources(self) -> None:
        """Say on how many pairs T3 can be tested, before a test is half done."""
        several = sum(len(scenario.sources) > 1 for scenario in self.test)
        if "T3" not in self.test_settings or several == len(self.test):
            return
        if not several:
            raise InputError(
                f"data.test_settings asks for T3, and no test pair of {self.root} has a second source beside the "
                "target; take T3 out."
            )
        rank_zero_info(
            f"{self.root}: T3 is tested on {several:,} of {len(self.test):,} test pairs; the others have no second "
            "source beside the target."
        )

    def _open(self) -> Index:
        index = open_index(self.root, self.layout)
        found = [finding for finding in index.findings if finding.kind in REFUSED] + index.pair_findings("test")
        if not found:
            return index
        if not self.skip_bad:
            raise InputError(
                f"{self.root} has {len(found)} fault(s), the first in {found[0]}; {program()} check "
                f"{self.root} lists them: repair them, or leave these images out with data.skip_bad: true."
            )
        bad = {finding.name for finding in found} & index.records.keys()
        rank_zero_info(
            f"{self.root}: {len(bad)} of {len(index.records)} images are skipped, and every pair of them "
            f"({len(found)} fault(s), the first in {found[0]})."
        )
        return index.without(bad)

    def _some(self, scenarios: list[Scenario]) -> list[Scenario]:
        """As many test pairs as are asked for."""
        if is_drawn(self.root):  # their list takes people in turn, and scores were published of its beginning
            return scenarios[: self.test_pairs]
        people = [self.index.records[scenario.target].person for scenario in scenarios]
        return [scenarios[i] for i in across_people(people, 0, self.test_pairs)]

    def _validation(self, identities: list[list[ImageRecord]]) -> list[Scenario]:
        rng = np.random.default_rng([0, 5])  # the same pairs with every seed, so that runs can be compared
        scenarios = []
        for i in range(self.validation_pairs):
            views = identities[i % len(identities)]
            target, source = (views[j].name for j in rng.permutation(len(views))[:2])
            scenarios.append(Scenario(target, source, (source,)))
        return scenarios

    def shards(self, fingerprint: str) -> list[Shard]:
        """The shards of the feature cache that hold the training images; their files need not be there.

        Args:
            fingerprint: The name that :func:`imagpose.models.fingerprint.fingerprint` gives networks and preprocessing.
        """
        return plan([record for views in self.train for record in views], self.cache / fingerprint)

    def find_features(self, fingerprint: Callable[[], str]) -> None:
        """Train on cached features if there are any of these images; says so.

        Args:
            fingerprint: Gives the fingerprint that :meth:`shards` takes; called only where there is a cache, since it
                reads all weights.

        Raises:
            InputError: A shard is damaged.
        """
        self.features = None
        if not self.cache.is_dir():
            return
        name = fingerprint()
        if not (self.cache / name).is_dir():
            rank_zero_info(f"{self.cache} has no features of these weights and sizes; training computes them itself.")
            return
        shards = self.shards(name)
        there = sum(shard.path.exists() for shard in shards)
        if there < len(shards):
            rank_zero_info(
                f"The feature cache {self.cache / name} has {there} of {len(shards)} shards of these images and is not "
                "used; make cache completes it."
            )
            return
        self.features = FeatureCache(shards, self.flips, self.cache_dtype)
        rank_zero_info(
            f"Training on the feature cache {self.cache / name}: {len(self.features)} images, {self.cache_dtype}."
        )

    def image_size(self) -> tuple[int, int]:
        """(height, width) of the images after :meth:`setup`: ``size``, or that of the first one."""
        if self.size is not None:
            return self.size
        image = read_view(self.train[0][0], None)[0]
        return image.shape[-2], image.shape[-1]

    def canvases_a_step(self) -> int | list[int]:
        """Canvases of an optimiser step of all processes; of each number of panels, where there are several."""
        assert self.trainer is not None
        batches = int(self.trainer.accumulate_grad_batches) * int(self.trainer.world_size)
        canvases = [batches * one for one in canvases_of(self.panels, self.batch_size)]
        return canvases if len(canvases) > 1 else canvases[0]

    def train_dataset(self) -> Canvases:
        """The training canvases, by sample number."""
        return Canvases(
            self.train, self.panels[0], self.seed, self.flips, self.size, self.features, self.repeats
        )  # fmt: skip

    def train_dataloader(self) -> DataLoader[Batch]:
        """Continues after the optimiser steps that were already taken."""
        assert self.trainer is not None
        on_gpu = self.trainer.strategy.root_device.type == "cuda"
        return DataLoader(
            self.train_dataset(),
            batch_sampler=PanelSampler(self.panels, self.seed, StepSampler.following(self.trainer, self.batch_size)),
            collate_fn=self.collate, num_workers=self.num_workers, persistent_workers=self.num_workers > 0,
            prefetch_factor=4 if on_gpu and self.num_workers else None, pin_memory=on_gpu,
            worker_init_fn=leave_ctrl_c_to_parent,
        )  # fmt: skip

    def val_dataloader(self) -> DataLoader[Batch]:
        """The fixed validation pairs."""
        return self._shared(TestCanvases(self.index.records, self.validation, self.test_panels, size=self.size))

    def test_dataloader(self) -> DataLoader[Batch]:
        """The fixed test pairs."""
        return self._shared(
            TestCanvases(self.index.records, self.test, self.test_panels, self.test_settings, self.size)
        )  # fmt: skip

    def _shared(self, canvases: TestCanvases) -> DataLoader[Batch]:
        """Each pair once, whatever the number of processes."""
        rank, processes = (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        return DataLoader(canvases, batch_size=self.batch_size, sampler=range(rank, len(canvases), processes))
