"""Mannequins before six cameras, in Market-1501's layout and names: an embedded set for re-identification.

:mod:`imagpose.data.mannequins.scenes` photographs them. Everybody is drawn for this set; nobody stands in another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from imagpose.data.lists import annotation_row
from imagpose.data.mannequins import people as mannequins
from imagpose.data.mannequins.drawn import draw_all, drawn_into
from imagpose.data.mannequins.scenes import CAMERAS, background_box, photograph
from imagpose.data.readers.annotations import ANNOTATION_HEADER
from imagpose.data.readers.market1501 import (
    DISTRACTOR,
    GALLERY_FOLDER,
    JUNK,
    QUERY_FOLDER,
    TRAIN_FOLDER,
    Market1501,
)  # fmt: skip
from imagpose.errors import InputError
from imagpose.options.ranges import DrawnSide, NonNegativeInt, PositiveInt, Seed, check_arguments
from imagpose.output.files import scratch_folder

MANIFEST = "cameras.json"
_VERSION = 1  # of what is drawn
_LEAST_CAMERAS, _MOST_PICTURES = 4, 6  # that see a person; of a person by one camera
_CHUNK = 8  # people that a process takes at a time


@dataclass(frozen=True)
class CameraSet:
    """What to draw.

    Attributes:
        people: Who is trained on; each is seen by four to six cameras, one to six times by each.
        test_people: Others, of whom one picture a camera is a query and the rest is in the gallery.
        distractors: Pictures in the gallery of people who are in no query.
        junk: Boxes in the gallery that show nobody, or a part of somebody.
        size: Height and width of a picture in pixels.
        seed: Everything is a function of it.
    """

    people: PositiveInt = 100
    test_people: PositiveInt = 100
    distractors: NonNegativeInt = 300
    junk: NonNegativeInt = 200
    size: tuple[DrawnSide, DrawnSide] = (64, 32)
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_arguments(CameraSet, vars(self), "cameras.")
        if self.people + self.test_people > 9999:
            raise InputError(
                "cameras.people and cameras.test_people are more than 9,999 together, and Market-1501's names have "
                "four digits for a person; lower one."
            )


class Shot(NamedTuple):
    """One picture of the set.

    Attributes:
        folder: Of Market-1501's.
        name: Of the file.
        person: Whose clothes are drawn; None shows nobody.
        camera: Its number, from 1.
        seed: Of the pose, the place and the box.
        cut: Whether the box misses most of the person.
    """

    folder: str
    name: str
    person: int | None
    camera: int
    seed: tuple[int, ...]
    cut: bool = False


def shots_of(spec: CameraSet, number: int) -> list[Shot]:
    """All pictures of one person; of the distractors and the junk, which follow them, one each.

    Args:
        spec: The set.
        number: Of the person, from 0: first those that are trained on.
    """
    rng = np.random.default_rng([spec.seed, 31, number])
    people = spec.people + spec.test_people
    if number >= people:
        nobody = number >= people + spec.distractors
        camera = int(rng.integers(len(CAMERAS))) + 1
        name = _name(JUNK if nobody else DISTRACTOR, camera, number)
        person = number if rng.random() < 0.7 or not nobody else None
        return [Shot(GALLERY_FOLDER, name, person, camera, (spec.seed, 32, number), nobody)]
    shots = []
    cameras = np.sort(rng.permutation(len(CAMERAS))[: rng.integers(_LEAST_CAMERAS, len(CAMERAS) + 1)]) + 1
    for camera in cameras.tolist():
        for i in range(int(rng.integers(1, _MOST_PICTURES + 1))):
            tested = QUERY_FOLDER if i == 0 else GALLERY_FOLDER
            name = _name(number + 1, camera, number * 100 + i)
            folder = TRAIN_FOLDER if number < spec.people else tested
            shots.append(Shot(folder, name, number, camera, (spec.seed, 32, number, camera, i)))
    return shots


def _name(person: int, camera: int, frame: int) -> str:
    return f"{person if person < 0 else f'{person:04d}'}_c{camera}s1_{frame:06d}_01.jpg"


def _draw(job: tuple[CameraSet, int, str]) -> list[tuple[Shot, np.ndarray]]:
    """Draw and save the pictures of one number; returns them with their keypoints in pixels."""
    spec, number, folder = job
    found = []
    for shot in shots_of(spec, number):
        rng = np.random.default_rng(shot.seed)
        if shot.person is None:
            image, keypoints = background_box(CAMERAS[shot.camera - 1], rng, spec.size), np.full((18, 2), -1.0)
        else:
            person = mannequins.draw_person(np.random.default_rng([spec.seed, 33, shot.person]))
            image, keypoints = photograph(person, CAMERAS[shot.camera - 1], rng, spec.size, shot.cut)
        Image.fromarray(image).save(Path(folder) / shot.folder / shot.name, quality=92, subsampling=0)
        found.append((shot, keypoints))
    return found


def write(root: Path, spec: CameraSet) -> None:
    """Draw a set into ``root``, on all cores; the folder appears under its name only when complete.

    Written are Market-1501's three folders, ``market-annotation-{train,test}.csv`` and ``cameras.json``.

    Args:
        root: The folder; it must not be there, or be empty.
        spec: What to draw.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    numbers = range(spec.people + spec.test_people + spec.distractors + spec.junk)
    with scratch_folder(root) as unfinished:
        for folder in (TRAIN_FOLDER, GALLERY_FOLDER, QUERY_FOLDER):
            (unfinished / folder).mkdir()
        jobs = [(spec, number, str(unfinished)) for number in numbers]
        shots = [one for of in draw_all(_draw, jobs, _CHUNK) for one in of]
        for split, trained in (("train", True), ("test", False)):
            rows = _rows(spec, [one for one in shots if (one[0].folder == TRAIN_FOLDER) == trained])
            (unfinished / f"market-annotation-{split}.csv").write_text(f"{ANNOTATION_HEADER}\n{''.join(rows)}")
        (unfinished / MANIFEST).write_text(_manifest(spec))
        unfinished.rename(root)


def _rows(spec: CameraSet, shots: list[tuple[Shot, np.ndarray]]) -> Iterator[str]:
    return (annotation_row(shot.name, keypoints, spec.size, Market1501.frame) for shot, keypoints in shots)


def _manifest(spec: CameraSet) -> str:
    return json.dumps({"version": _VERSION, "spec": {**asdict(spec), "size": list(spec.size)}}) + "\n"


def is_drawn(root: Path) -> bool:
    """Whether a dataset's people are mannequins before cameras."""
    return (root / MANIFEST).is_file()


def ensure(root: Path, spec: CameraSet | None) -> None:
    """Draw ``spec`` into ``root`` unless exactly this set is there already.

    Of several processes that want the same set one draws, and the others wait.

    Args:
        root: The folder.
        spec: What to draw; None draws nothing, and takes the folder as it is.

    Raises:
        InputError: ``root`` holds something else, or it cannot be written.
    """
    if spec is None:
        return
    with drawn_into(root, lambda: write(root, spec)):
        found = (root / MANIFEST).read_bytes() if is_drawn(root) else b""
    if found != _manifest(spec).encode():
        raise InputError(
            f"{root} holds something else than this set of mannequins before cameras, so it is left as it is; name "
            "another folder, or delete it to have it drawn anew."
        )


def draw_cameras(root: Path, spec: CameraSet = CameraSet()) -> None:
    """Draw mannequins before six cameras as a Market-1501 folder.

    Args:
        root: The folder to write.
        spec: What to draw.
    """
    ensure(root, spec)
    print(f"The mannequins are in {root}.")
