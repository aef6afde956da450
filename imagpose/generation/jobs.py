"""Which canvases are to be generated: of a user's own pictures and poses, or of a whole list of pairs."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.images import open_view
from imagpose.data.keypoints import visible
from imagpose.data.pictures import picture_size, read_picture
from imagpose.data.readers.index import ImageRecord
from imagpose.data.readers.layouts import open_index
from imagpose.data.sampling import across_people
from imagpose.data.scenarios import Setting
from imagpose.errors import InputError

_SOURCES = _POSES = 3  # at most, on four panels


@dataclass(frozen=True)
class Job:
    """One canvas to generate.

    Attributes:
        sources: Pictures of one person.
        source_poses: Their poses.
        target_poses: The poses to draw.
        outputs: File name of each result.
        seed: Of the canvas.
        setting: Of the paper.
        truths: The true pictures where they are known; only the contact sheet sees them.
        root: The dataset folder that the pictures are in; None where they are a user's own.
        views: The dataset's record of each picture; none where they are a user's own.
    """

    sources: tuple[Path, ...]
    source_poses: tuple[BodyPose, ...]
    target_poses: tuple[BodyPose, ...]
    outputs: tuple[str, ...]
    seed: int
    setting: Setting
    truths: tuple[Path, ...] = ()
    root: Path | None = None
    views: Mapping[Path, ImageRecord] = field(default_factory=dict, repr=False)

    def read_sources(self) -> list[Image.Image]:
        """The sources; a dataset's are read as in training, see :func:`imagpose.data.images.open_view`.

        Raises:
            InputError: A file is missing, out of the dataset or no image.
        """
        return [self._read(path) for path in self.sources]

    def read_truths(self) -> list[Image.Image]:
        """The true pictures, read likewise; a list may come without some of them, which are left out.

        Raises:
            InputError: A file is out of the dataset or no image.
        """
        return [self._read(path) for path in self.truths if os.path.exists(path)]

    def _read(self, path: Path) -> Image.Image:
        return open_view(self.views[path], self.root) if path in self.views else read_picture(path)


def jobs_of_files(options: argparse.Namespace) -> Iterator[Job]:
    """The one canvas of ``--source``, ``--source-pose`` and ``--target-pose``.

    Raises:
        InputError: A source has no pose or another picture's, or a file cannot be read.
    """
    if len(options.source) != len(options.source_pose):
        raise InputError(
            f"There are {len(options.source)} --source and {len(options.source_pose)} --source-pose; every source "
            "needs a pose file, from a keypoint detector or, for a dataset's picture, python -m imagpose pose."
        )
    yield Job(
        tuple(options.source), tuple(map(_pose_of, options.source, options.source_pose)),
        tuple(BodyPose.read(path, options.pose_size) for path in options.target_pose),
        tuple(f"{number}_{path.stem}.png" for number, path in enumerate(options.target_pose, start=1)),
        options.seed, options.scenario,
    )  # fmt: skip


def _pose_of(picture: Path, path: Path) -> BodyPose:
    """A source's pose, in its picture's frame where the file says none."""
    size = picture_size(picture)
    pose = BodyPose.read(path, size)
    pose.check_belongs(size, path, picture)
    return pose


def jobs_of_pairs(options: argparse.Namespace) -> Iterator[Job]:
    """The canvases of ``--data`` and ``--pairs``, in the order of the list; each pair is in one of them.

    A ``--limit`` takes canvases of as many people as can be, see :func:`imagpose.data.sampling.across_people`; each is
    the same as without a limit.

    Raises:
        InputError: The list is empty, or a row does not fit the scenario.
    """
    index = open_index(options.data)
    pairs = index.pairs_of(options.pairs)
    for note in index.notes:
        print(note)
    if not pairs:
        raise InputError(f"{options.pairs} lists no pairs.")
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        if not visible(index.records[name].keypoints).any():
            raise InputError(f"{name} in {options.pairs} has no visible joint; leave it out of the list.")

    @functools.cache  # a source stands in many rows
    def source_pose(name: str) -> BodyPose:
        image = open_view(index.records[name], index.root)
        return BodyPose((image.height, image.width), index.records[name].keypoints_at((image.height, image.width)))

    def job(sources: Sequence[str], targets: Sequence[str], number: int, setting: Setting) -> Job:
        given = [index.records[name] for name in sources]
        wanted = [index.records[name] for name in targets]  # of which nothing but the pose is looked at
        return Job(
            tuple(record.path for record in given), tuple(source_pose(name) for name in sources),
            tuple(BodyPose(record.frame, record.keypoints) for record in wanted),
            tuple(f"{Path(sources[0]).stem}_2_{Path(name).stem}_vis.png" for name in targets),
            options.seed + number, setting, tuple(record.path for record in wanted), index.root,
            {record.path: record for record in (*given, *wanted)},
        )  # fmt: skip

    def kept(names: Sequence[str]) -> list[int]:
        # The same with every --seed, so that seeds can be compared and do not mix in one folder.
        return across_people([index.records[name].person for name in names], 0, options.limit)

    if options.scenario == "IMAGPose*":  # two or three targets of one source share a canvas
        by_source: dict[str, list[str]] = {}
        for source, target in pairs:
            by_source.setdefault(source, []).append(target)
        groups = [
            (source, part.tolist())
            for source, targets in by_source.items()
            for part in np.array_split(targets, -(-len(targets) // _POSES))
        ]
        for number in kept([source for source, _ in groups]):
            source, targets = groups[number]  # a source's only target is left to T1
            yield job([source], targets, number, "IMAGPose*" if len(targets) > 1 else "T1")
        return
    views: dict[str, list[str]] = {}
    for name, record in index.records.items():
        if visible(record.keypoints).any():
            views.setdefault(record.identity, []).append(name)
    for number in kept([target for _, target in pairs]):
        source, target = pairs[number]
        sources = [source]
        if options.scenario == "T3":  # more views of the same garment, never the target
            others = [n for n in views[index.records[source].identity] if n not in (source, target)]
            order = np.random.default_rng([options.seed, 8, number]).permutation(len(others))
            sources += [others[i] for i in order[: _SOURCES - 1]]
            if len(sources) < 2:
                raise InputError(f"{source} in {options.pairs} has no further view for T3; take it out or choose T1.")
        yield job(sources, [target], number, options.scenario)
