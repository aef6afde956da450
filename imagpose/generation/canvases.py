"""Which canvases are to be generated: of a user's own pictures and poses, or of a whole list of pairs."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.framing import Framing, framed, framed_pose
from imagpose.data.images import show_view
from imagpose.data.keypoints import visible
from imagpose.data.pictures import Picture
from imagpose.data.readers.index import ImageRecord
from imagpose.data.readers.layouts import open_index
from imagpose.data.sampling import across_people
from imagpose.data.scenarios import Arrangement, Setting, arrange, smallest, spread
from imagpose.errors import InputError

_KEPT = 2**29  # bytes of files


class Pictures:
    """Opens each file once: its bytes are kept as long as there is room, and a file that found none is opened again.

    Args:
        root: The dataset folder that all are in; None where they are a user's own.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root
        self._kept: dict[Path, Picture] = {}
        self._room = _KEPT

    def open(self, path: Path) -> Picture:
        """A file's picture.

        Raises:
            InputError: The file is missing, out of the dataset or no picture.
        """
        if path in self._kept:
            return self._kept[path]
        picture = Picture(path, self.root)
        if len(picture.content) <= self._room:
            self._kept[path] = picture
            self._room -= len(picture.content)
        return picture


@dataclass(frozen=True)
class Canvas:
    """One canvas to generate.

    Attributes:
        sources: Pictures of one person.
        source_poses: Their poses.
        target_poses: The poses to draw.
        outputs: File name of each result.
        seed: Of the canvas.
        setting: Of the paper.
        panels: V.
        truths: The true pictures where they are known; only the contact sheet sees them.
        views: The dataset's record of each picture; none where they are a user's own.
        framing: How sources and poses are brought to the model's shape.
        detector: What found the sources' poses; None where they were given.
        pictures: Opens them.
    """

    sources: tuple[Path, ...]
    source_poses: tuple[BodyPose, ...]
    target_poses: tuple[BodyPose, ...]
    outputs: tuple[str, ...]
    seed: int
    setting: Setting
    panels: int = 4
    truths: tuple[Path, ...] = ()
    views: Mapping[Path, ImageRecord] = field(default_factory=dict, repr=False)
    framing: Framing = "letterbox"
    detector: str | None = None
    pictures: Pictures = field(default_factory=Pictures, repr=False)

    def fitted(self, trained: Sequence[int], panels: int | None = None) -> Canvas:
        """The same on as many panels as it takes.

        Args:
            trained: Numbers of panels that the model was trained on; the smallest that fits is taken.
            panels: V; None chooses.
        """
        count = panels or smallest(len(self.sources), len(self.target_poses), self.setting, trained)
        return replace(self, panels=count)

    @property
    def turns(self) -> int:
        """On how many canvases of that many panels the poses are drawn.

        Raises:
            InputError: They fit none.
        """
        return len(self.parts)

    @property
    def masked(self) -> int:
        """How many panels of these canvases are generated, one or several for each pose.

        Raises:
            InputError: They fit none.
        """
        return sum(len(part.targets) for part in self._arrangements)

    @property
    def encoded(self) -> int:
        """How many pictures of each canvas the VAE looks at: the first source once, however often it is shown.

        Raises:
            InputError: They fit none.
        """
        return 1 + sum(source > 0 for source in self._arrangements[0].sources)

    @property
    def _arrangements(self) -> list[Arrangement]:
        """Of each canvas over which the poses are spread."""
        parts = self.parts
        setting: Setting = self.setting if len(parts) == 1 else "auto"
        return [arrange(len(self.sources), len(part), setting, self.panels) for part in parts]

    @property
    def parts(self) -> list[list[int]]:
        """The numbers of the poses on each canvas.

        Raises:
            InputError: They fit none.
        """
        return spread(len(self.sources), len(self.target_poses), self.setting, self.panels)

    def read_sources(self) -> list[Image.Image]:
        """The sources; a dataset's are read as in training, see :func:`imagpose.data.images.open_view`.

        Raises:
            InputError: A file is missing, out of the dataset or no image.
        """
        return [self._show(path) for path in self.sources]

    def shown(self, size: tuple[int, int]) -> tuple[list[Image.Image], list[BodyPose], list[BodyPose]]:
        """Sources, their poses and the poses to draw as a model of a (height, width) is to see them.

        Raises:
            InputError: As of :meth:`read_sources`.
        """
        given = [
            framed(picture, pose, size, self.framing)
            for picture, pose in zip(self.read_sources(), self.source_poses, strict=True)
        ]
        wanted = [framed_pose(pose, size, self.framing) for pose in self.target_poses]
        return [picture for picture, _ in given], [pose for _, pose in given], wanted

    def read_truths(self) -> list[Image.Image]:
        """The true pictures, read likewise; a list may come without some of them, which are left out.

        Raises:
            InputError: A file is out of the dataset or no image.
        """
        return [self._show(path) for path in self.truths if os.path.exists(path)]

    def _show(self, path: Path) -> Image.Image:
        image = self.pictures.open(path).show()
        return show_view(self.views[path], image) if path in self.views else image


def pose_in(record: ImageRecord, pictures: Pictures) -> BodyPose:
    """The pose of a dataset's view, in pixels of its picture as it is shown.

    Args:
        record: The view.
        pictures: Opens its picture.

    Raises:
        InputError: The picture is missing, out of the dataset or no image.
    """
    image = show_view(record, pictures.open(record.path).show())
    return BodyPose((image.height, image.width), record.keypoints_at((image.height, image.width)))


def canvases_of_pairs(
    data: Path,
    listed: Path,
    scenario: Setting = "auto",
    seed: int = 0,
    limit: int | None = None,
    sources: int = 3,
    poses: int = 3,
) -> Iterator[Canvas]:
    """The canvases of a list of pairs, in its order; each pair is in one of them.

    A limit takes canvases of as many people as can be, see :func:`imagpose.data.sampling.across_people`; each is the
    same as without a limit.

    Args:
        data: The dataset folder.
        listed: The list of pairs.
        scenario: Of the paper.
        seed: Of the first canvas, and of which further sources T3 has.
        limit: How many canvases at most.
        sources: Of T3, as many as there are up to this; three are the paper's, of four panels.
        poses: Of IMAGPose*, likewise.

    Raises:
        InputError: The list is empty, or a row does not fit the scenario.
    """
    index = open_index(data)
    pairs = index.pairs_of(listed)
    for note in index.notes:
        print(note)
    if not pairs:
        raise InputError(f"{listed} lists no pairs.")
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        if not visible(index.records[name].keypoints).any():
            raise InputError(f"{name} in {listed} has no visible joint; leave it out of the list.")
    pictures = Pictures(index.root)

    @functools.cache  # a source stands in many rows
    def source_pose(name: str) -> BodyPose:
        return pose_in(index.records[name], pictures)

    def canvas(sources: Sequence[str], targets: Sequence[str], number: int, setting: Setting) -> Canvas:
        given = [index.records[name] for name in sources]
        wanted = [index.records[name] for name in targets]  # of which nothing but the pose is looked at
        return Canvas(
            tuple(record.path for record in given), tuple(source_pose(name) for name in sources),
            tuple(BodyPose(record.frame, record.keypoints) for record in wanted),
            tuple(f"{Path(sources[0]).stem}_2_{Path(name).stem}_vis.png" for name in targets),
            seed + number, setting, truths=tuple(record.path for record in wanted),
            views={record.path: record for record in (*given, *wanted)}, pictures=pictures,
        )  # fmt: skip

    def kept(names: Sequence[str]) -> list[int]:
        # The same with every seed, so that seeds can be compared and do not mix in one folder.
        return across_people([index.records[name].person for name in names], 0, limit)

    if scenario == "IMAGPose*":  # some targets of one source share a canvas
        by_source: dict[str, list[str]] = {}
        for source, target in pairs:
            by_source.setdefault(source, []).append(target)
        groups = [
            (source, part.tolist())
            for source, targets in by_source.items()
            for part in np.array_split(targets, -(-len(targets) // poses))
        ]
        for number in kept([source for source, _ in groups]):
            source, targets = groups[number]  # a source's only target is left to T1
            yield canvas([source], targets, number, "IMAGPose*" if len(targets) > 1 else "T1")
        return
    views: dict[str, list[str]] = {}
    for name, record in index.records.items():
        if visible(record.keypoints).any():
            views.setdefault(record.identity, []).append(name)
    for number in kept([target for _, target in pairs]):
        source, target = pairs[number]
        given = [source]
        if scenario == "T3":  # more views of the same garment, never the target
            others = [n for n in views[index.records[source].identity] if n not in (source, target)]
            order = np.random.default_rng([seed, 8, number]).permutation(len(others))
            given += [others[i] for i in order[: sources - 1]]
            if len(given) < 2:
                raise InputError(f"{source} in {listed} has no further view for T3; take it out or choose T1.")
        yield canvas(given, [target], number, scenario)
