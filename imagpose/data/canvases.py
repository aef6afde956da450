"""Canvases: which views of an identity fill the panels, which of them are masked, and which one is FLC's source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from imagpose.data.features import FeatureCache
from imagpose.data.images import read_view
from imagpose.data.keypoints import draw_pose, figure_box, flip
from imagpose.data.readers.index import ImageRecord, Scenario
from imagpose.data.sampling import member_of_epoch, rng_for
from imagpose.data.scenarios import Setting, arrange
from imagpose.errors import InputError

Size = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """A canvas before any image is read.

    Attributes:
        panels: Index of the view in each panel, V numbers.
        given: Whether each panel is given; the others are masked.
        source: Index of the view that FLC sees.
    """

    panels: tuple[int, ...]
    given: tuple[bool, ...]
    source: int


def draw_layout(rng: np.random.Generator, views: int, panels: int = 4, repeats: float = 0.0) -> Layout:
    """Draw a canvas from an identity's views (Sec. 3.3: "randomly occluding 1-4 images").

    The number of masked panels is uniform over 1 … ``panels``, and so is the choice among them. Distinct views are
    first parted into given and masked, and repeat only within their part, so a masked panel's view is never given, nor
    the source, however few views there are.

    Assumption: FLC's source is one given panel, at random; where all are masked, another view. The alternative, always
    the first given panel, would tie appearance to a place on the canvas.

    Args:
        rng: The generator that everything is drawn from.
        views: Number of distinct views, at least two: one alone cannot be both given and masked.
        panels: Number V of panels in a canvas.
        repeats: Probability that all given panels show one view, and, independently of it, that all masked panels do,
            as in the paper's settings T2 and T1; of people with many views such canvases are hardly drawn otherwise.

    Raises:
        ValueError: Fewer than two views.
    """
    if views < 2:
        raise ValueError(f"a canvas needs two distinct views of an identity, there are {views}")
    masked_count = int(rng.integers(1, panels + 1))
    given_count = panels - masked_count
    wanted_given, wanted_masked = max(given_count, 1), masked_count  # the source needs a view even if none is given
    if repeats and rng.random() < repeats:
        wanted_given = 1
    if repeats and rng.random() < repeats:
        wanted_masked = 1
    while wanted_given + wanted_masked > views:
        if wanted_given >= wanted_masked:
            wanted_given -= 1
        else:
            wanted_masked -= 1
    order = rng.permutation(views)
    given_part, masked_part = order[:wanted_given], order[wanted_given : wanted_given + wanted_masked]
    is_given = np.ones(panels, dtype=bool)
    is_given[rng.permutation(panels)[:masked_count]] = False
    chosen = np.empty(panels, dtype=int)
    chosen[is_given] = np.resize(given_part, given_count)
    chosen[~is_given] = np.resize(masked_part, masked_count)
    source = int(rng.choice(given_part))
    return Layout(tuple(chosen.tolist()), tuple(is_given.tolist()), source)


class _Views:
    """Reads views, all of one size: the one that is asked for, else the first one's."""

    def __init__(self, size: Size | None) -> None:
        self.size = size
        self._first: Size | None = None

    def read(self, record: ImageRecord, mirrored: bool = False) -> tuple[Tensor, Tensor]:
        """A view's image, (3, H, W) in [-1, 1], and pose map, (3, H, W) in [0, 1]."""
        image, keypoints = read_view(record, self.size)
        size = height, width = image.shape[-2], image.shape[-1]
        self._first = self._first or size
        if size != self._first:
            raise InputError(
                f"{record.path} is {height}×{width}, and another image is {self._first[0]}×{self._first[1]}; set "
                "data.size, to which all are resized."
            )
        return image.flip(-1) if mirrored else image, _pose_map(keypoints, size, mirrored)


def _pose_map(keypoints: np.ndarray, size: Size, mirrored: bool) -> Tensor:
    if mirrored:
        keypoints = flip(keypoints, size[1])
    return torch.from_numpy(draw_pose(keypoints, size)).permute(2, 0, 1)


class Canvases(Dataset[dict[str, Tensor]]):
    """Training canvases, addressed by sample number, or by sample number and number of panels.

    An item holds ``images`` (V, 3, H, W) in [-1, 1], ``poses`` (V, 3, H, W) in [0, 1], ``mask`` (V,) with 0 = to
    generate and 1 = given, ``source`` (3, H, W), and its ``number``. A flip mirrors all of it, the left and right
    joints too.

    With a feature cache no image is read: instead of ``images`` and ``source`` an item holds what the frozen networks
    say of them, ``mean`` and ``std`` (V, c, h, w) of the panels, ``source_mean`` (c, h, w) and ``semantic`` (n, dim).

    Args:
        identities: Views of each identity.
        panels: Number V of panels in a canvas, where the address does not say it.
        seed: Seeds every draw, together with the sample's number.
        flips: Whether half of the canvases are mirrored.
        size: Height and width in pixels that images are resized to; None leaves them as they are.
        cache: The features of all of these views.
        repeats: See :func:`draw_layout`.
    """

    def __init__(
        self,
        identities: Sequence[Sequence[ImageRecord]],
        panels: int,
        seed: int,
        flips: bool = True,
        size: Size | None = None,
        cache: FeatureCache | None = None,
        repeats: float = 0.0,
    ) -> None:
        self.repeats = repeats
        self.identities, self.panels, self.seed, self.flips = identities, panels, seed, flips
        self._views, self._cache = _Views(size), cache

    def __len__(self) -> int:
        return len(self.identities)

    def __getitem__(self, address: int | tuple[int, int]) -> dict[str, Tensor]:
        number, panels = address if isinstance(address, tuple) else (address, self.panels)
        views = self.identities[member_of_epoch(self.seed, number, len(self.identities))]
        rng = rng_for(self.seed, number)
        layout = draw_layout(rng, len(views), panels, self.repeats)
        mirrored = self.flips and bool(rng.random() < 0.5)
        if self._cache is None:
            shown = self._pictures(views, layout, mirrored)
        else:
            shown = _features(self._cache, views, layout, mirrored)
        mask = torch.tensor(layout.given, dtype=torch.float32)
        return {**shown, "mask": mask, "number": torch.tensor(number)}

    def _pictures(self, views: Sequence[ImageRecord], layout: Layout, mirrored: bool) -> dict[str, Tensor]:
        read = {i: self._views.read(views[i], mirrored) for i in {*layout.panels, layout.source}}
        return {
            "images": torch.stack([read[i][0] for i in layout.panels]),
            "poses": torch.stack([read[i][1] for i in layout.panels]),
            "source": read[layout.source][0],
        }


def _features(cache: FeatureCache, views: Sequence[ImageRecord], layout: Layout, mirrored: bool) -> dict[str, Tensor]:
    read = {i: cache.read(views[i], mirrored) for i in {*layout.panels, layout.source}}
    poses = {i: _pose_map(views[i].keypoints_at(cache.size), cache.size, mirrored) for i in set(layout.panels)}
    return {
        "mean": torch.stack([read[i].mean for i in layout.panels]),
        "std": torch.stack([read[i].std for i in layout.panels]),
        "poses": torch.stack([poses[i] for i in layout.panels]),
        "source_mean": read[layout.source].mean,
        "semantic": read[layout.source].semantic,
    }


class TestCanvases(Dataset[dict[str, Tensor]]):
    """The paper's evaluation canvases (Sec. 4.1, setting T1): the source, then the target pose three times.

    "We use three black images for padding and replicate the target pose 3 times"; one of the three results is taken.
    Beside the training keys an item has ``target``, the true image, the figure's ``box`` in it (top, bottom, left,
    right), and ``other_source`` with ``other_pose``, which show another person. ``images`` never holds the target: its
    masked panels are black.

    Args:
        records: Images by name.
        scenarios: The fixed test cases.
        panels: Number V of panels in a canvas.
        settings: Further settings of the paper, ``T2`` or ``T3``, whose canvases an item then holds too, as
            ``images_T2``, ``poses_T2`` and ``mask_T2``. ``tested_T2`` says whether the case allows the setting: T3
            needs two sources, and a case of one holds T1's canvas in its place, which is not to be scored.
        size: Height and width in pixels that images are resized to; None leaves them as they are.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(
        self,
        records: dict[str, ImageRecord],
        scenarios: Sequence[Scenario],
        panels: int = 4,
        settings: Sequence[Setting] = (),
        size: Size | None = None,
    ) -> None:
        self.records, self.scenarios, self.panels, self.settings = records, scenarios, panels, settings
        self._views = _Views(size)
        # Where all scenarios show one person, another is found among the other images.
        self._anyone = [Scenario(name, name, (name,)) for name in records]

    def __len__(self) -> int:
        return len(self.scenarios)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        scenario = self.scenarios[number]
        source, source_pose = self._views.read(self.records[scenario.source])
        record = self.records[scenario.target]
        target, target_pose = self._views.read(record)
        size = (target.shape[-2], target.shape[-1])
        other = next(
            self.records[s.source]
            for s in (*self.scenarios[number + 1 :], *self.scenarios[:number], *self._anyone)
            if self.records[s.source].person != record.person
        )
        other_source, other_pose = self._views.read(other)
        further: dict[str, Tensor] = {}
        for setting in self.settings:
            names = scenario.sources[: self.panels - 1] if setting == "T3" else [scenario.source]
            tested = setting != "T3" or len(names) > 1
            views = (self._views.read(self.records[name]) for name in names)
            sources, poses = (list(some) for some in zip(*views, strict=True))
            arrangement = arrange(len(names), 1, setting if tested else "T1", self.panels)
            canvas = arrangement.canvas(sources, poses, [target_pose])
            further |= {f"{key}_{setting}": value for key, value in canvas.items()}
            further[f"tested_{setting}"] = torch.tensor(tested)
        return {
            **arrange(1, 1, "T1", self.panels).canvas([source], [source_pose], [target_pose]),
            **further,
            "source": source,
            "target": target,
            "box": torch.tensor(figure_box(record.keypoints_at(size), size)),
            "other_source": other_source,
            "other_pose": other_pose,
            "number": torch.tensor(number),
        }
