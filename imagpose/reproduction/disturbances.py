"""What is done to a pose, and to a canvas, before a model sees it; the truth and the list of pairs are never touched.

Every draw is a function of the canvas's own seed, thus of the command's seed and the pair's number, and of the place of
the pose on the canvas: the strengths of one kind share it, so that a stronger one is the same disturbance, only more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import FLIP_ORDER, MISSING, visible
from imagpose.data.mannequins.wardrobe import Wardrobe
from imagpose.data.readers.index import ImageRecord
from imagpose.generation.canvases import Canvas, Pictures, pose_in
from imagpose.output.files import whole_file

Change = Callable[[BodyPose, np.random.Generator], BodyPose]
NOISE_HEIGHT = 256
"""Height in pixels of the picture that σ is told for."""
_JOINTS, _BACKGROUND, _STRANGER = 41, 42, 43  # what is drawn


def noised(pose: BodyPose, rng: np.random.Generator, sigma: float) -> BodyPose:
    """A pose whose visible joints are moved by Gaussian noise, the same draw at every σ; none leaves the picture.

    Args:
        pose: In a frame of any size.
        rng: Of the draw.
        sigma: Of x and of y, in pixels of a picture :data:`NOISE_HEIGHT` high; 0 changes nothing.
    """
    height, width = pose.size
    moved = pose.keypoints + rng.standard_normal(pose.keypoints.shape) * (sigma * height / NOISE_HEIGHT)
    # A detector's joints lie in its picture, and below zero one would count as missing.
    inside = moved.clip(0, np.maximum(pose.keypoints, (width - 1, height - 1)))
    return BodyPose(pose.size, np.where(visible(pose.keypoints)[:, None], inside, pose.keypoints))


def thinned(pose: BodyPose, rng: np.random.Generator, share: float) -> BodyPose:
    """A pose without a share of its visible joints; a larger share drops the same ones and more, but never the last.

    Args:
        pose: In a frame of any size, with a visible joint.
        rng: Of the order in which they go.
        share: Of the visible joints, 0 to 1, rounded to whole joints.
    """
    order = rng.permutation(np.flatnonzero(visible(pose.keypoints)))
    keypoints = pose.keypoints.copy()
    keypoints[order[: min(round(share * len(order)), len(order) - 1)]] = MISSING
    return BodyPose(pose.size, keypoints)


def swapped(pose: BodyPose) -> BodyPose:
    """A pose whose left joints are called right ones, and the other way round; nothing is mirrored."""
    return BodyPose(pose.size, pose.keypoints[list(FLIP_ORDER)])


def with_poses(canvas: Canvas, change: Change, sources: bool = True, targets: bool = True) -> Canvas:
    """A canvas whose poses are changed.

    Args:
        canvas: Any.
        change: Of a pose, with the random numbers of its place.
        sources: Whether the sources' poses are.
        targets: Whether the poses to draw are.
    """
    count = len(canvas.source_poses)

    def changed(poses: Sequence[BodyPose], first: int) -> tuple[BodyPose, ...]:
        places = enumerate(poses, first)
        return tuple(change(pose, np.random.default_rng([canvas.seed, _JOINTS, place])) for place, pose in places)

    return replace(
        canvas,
        source_poses=changed(canvas.source_poses, 0) if sources else canvas.source_poses,
        target_poses=changed(canvas.target_poses, count) if targets else canvas.target_poses,
    )


def before_busy(canvas: Canvas, wardrobe: Wardrobe, folder: Path) -> Canvas:
    """A canvas whose sources are drawn again before busy backgrounds, one of its own each.

    Args:
        canvas: Of a mannequin folder.
        wardrobe: Of that folder.
        folder: Where the sources are written, named after the canvas's first result.

    Raises:
        OSError: They cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = []
    for place, path in enumerate(canvas.sources):
        name = canvas.views[path].name
        busy = int(np.random.default_rng([canvas.seed, _BACKGROUND, place]).integers(2**31))
        sources.append(folder / f"{Path(canvas.outputs[0]).stem}_{place}.jpg")
        with whole_file(sources[-1]) as unfinished:
            wardrobe.draw(wardrobe.person(name), name, busy).save(unfinished)
    return replace(canvas, sources=tuple(sources), pictures=Pictures())


def disagreeing(canvas: Canvas, others: Mapping[str, Sequence[ImageRecord]], count: int) -> Canvas:
    """A canvas whose last sources are replaced by pictures of one other person, who has poses of their own.

    The first source stays: it says who is meant, and FLC looks at it alone.

    Args:
        canvas: Of a dataset, with more sources than ``count``.
        others: Views by person, each with ``count`` of them at least; the same whatever the count.
        count: How many are replaced; fewer are some of the same pictures in the same places.
    """
    own = canvas.views[canvas.sources[0]].person
    rng = np.random.default_rng([canvas.seed, _STRANGER])
    strangers = [person for person in others if person != own]
    views = others[strangers[int(rng.integers(len(strangers)))]]
    chosen = [views[i] for i in rng.permutation(len(views))[:count]]
    sources, poses = list(canvas.sources), list(canvas.source_poses)
    for place, record in enumerate(chosen, 1):
        sources[-place], poses[-place] = record.path, pose_in(record, canvas.pictures)
    views_too = {**canvas.views, **{record.path: record for record in chosen}}
    return replace(canvas, sources=tuple(sources), source_poses=tuple(poses), views=views_too)
