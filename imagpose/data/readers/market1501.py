"""Market-1501 as it is downloaded: who is seen by which camera, and the field's keypoints and pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

from imagpose.data.keypoints import JOINTS, visible
from imagpose.data.readers.annotations import read_annotations
from imagpose.data.readers.folders import Files, find_files
from imagpose.data.readers.index import Index
from imagpose.data.readers.pairs import Pair
from imagpose.data.readers.records import Name
from imagpose.data.text import Listing
from imagpose.errors import InputError

TRAIN_FOLDER = "bounding_box_train"
GALLERY_FOLDER, QUERY_FOLDER = "bounding_box_test", "query"
IMAGE_FOLDERS = (TRAIN_FOLDER, GALLERY_FOLDER, QUERY_FOLDER)
JUNK, DISTRACTOR = -1, 0
"""Person ids of boxes that show nobody in full, and of people who are in no query."""
_NAME = re.compile(r"(?:.*/)?((-1|\d{4})_c(\d+)s\d+_\d+_\d+\.jpg)(?:\.jpg)?", re.ASCII)
_NOBODY = ("-1", "0000")  # junk and distractors
_LONGEST = 400  # characters of a name
_TORSO = [JOINTS.index(f"{side}_{part}") for side in ("right", "left") for part in ("hip", "shoulder")]


def parse_name(text: str) -> Name | None:
    """Understand a name such as ``0264_c3s1_061292_02.jpg``, below any folder, its suffix doubled or not."""
    match = _NAME.fullmatch(text) if len(text) <= _LONGEST else None
    return match and Name(match[1], match[2], match[2], f"{TRAIN_FOLDER}/{match[1]}")


class Sighting(NamedTuple):
    """A picture of somebody by one camera.

    Attributes:
        name: Of the picture, ``0264_c3s1_061292_02.jpg``.
        person: Its id; :data:`JUNK` and :data:`DISTRACTOR` are no person.
        camera: Its number.
    """

    name: str
    person: int
    camera: int

    @classmethod
    def parse(cls, text: str) -> Sighting | None:
        """Understand a name as :func:`parse_name` does; None where it is none."""
        match = _NAME.fullmatch(text) if len(text) <= _LONGEST else None
        return match and cls(match[1], int(match[2]), int(match[3]))


def sightings(root: Path, folder: str) -> dict[Sighting, Path]:
    """The pictures in one of the dataset's folders with their files, in the order of their names.

    Args:
        root: The dataset folder.
        folder: One of :data:`IMAGE_FOLDERS`; keypoints are not asked for.

    Raises:
        InputError: There is no such folder, a link in it leads out of the dataset, or it holds no picture of such a
            name.
    """
    files = find_files(root, (folder,), (".jpg",), _name_of)
    if files.links:
        raise InputError(f"{root}/{files.links[0].path} leads out of the dataset; put the pictures themselves there.")
    found = {one: root / files.paths[name] for name in sorted(files.paths) if (one := Sighting.parse(name)) is not None}
    if not found:
        raise InputError(
            f"{root / folder} holds no pictures named such as {Market1501.example}; name a Market-1501 folder, or "
            "draw one (docs/reid.md)."
        )
    return found


def _name_of(path: str) -> str | None:
    parsed = parse_name(path)
    return parsed and parsed.name


class Market1501(Index):
    """The index of a Market-1501 folder: ``bounding_box_train/``, ``bounding_box_test/`` and ``query/``.

    A split's images are the rows of ``market-annotation-<split>.csv``; its pairs are those of
    ``market-pairs-<split>.csv``, and where that is missing, every ordered pair of images of one person in both of which
    both hips and both shoulders were found. Person ids -1 (junk) and 0 (distractors) are left out. Keypoints are in the
    128×64 frame.

    The published lists hold hundreds of images in which no joint was found. As every method of the field does, they
    are left out, with every pair of them, and counted in ``notes``. A few names have a doubled suffix,
    ``1488_c5s3_071737_01.jpg.jpg``; list and file may differ in it.

    Assumption: an identity is a person. Market-1501 films everybody within one day, and the published pairs cross the
    cameras. IMAGPose's own list parts a person by camera too, which would halve the views that a canvas can show.
    """

    title = "Market-1501"
    folders = (TRAIN_FOLDER,)
    frame = (128, 64)
    example = "0264_c3s1_061292_02.jpg"

    @staticmethod
    def parse(text: str) -> Name | None:
        """Understand a name such as ``0264_c3s1_061292_02.jpg``."""
        return parse_name(text)

    def _find_images(self) -> Files:
        return find_files(self.root, IMAGE_FOLDERS, (".jpg",), _name_of)

    def _read_split(self, split: str, files: Files) -> Listing:
        annotated = read_annotations(self.root / f"market-annotation-{split}.csv", self.frame)
        listed = self._names(annotated.listing, files)
        people = {name: image for name, image in listed.items() if image.image.person not in _NOBODY}
        found = {name: annotation for name, annotation in self._by_name(annotated, listed).items() if name in people}
        names = {name: image for name, image in people.items() if found[name].found}
        if unseen := people.keys() - names.keys():
            self.left_out |= unseen
            self._note(f"{annotated.listing.file.name}: {len(unseen):,} images without any joint are left out.")
        self._fill(split, annotated.listing, names, {name: found[name] for name in names}, files)
        return annotated.listing

    def _pair_files(self, split: str) -> Sequence[Path]:
        return [self.root / f"market-pairs-{split}.csv"]

    def _published(self, split: str) -> tuple[Path, Iterable[Pair]]:
        if self.pair_file(split) is not None:
            return super()._published(split)
        file = self.root / f"market-annotation-{split}.csv"
        pairs = (
            (source.name, target.name)
            for views in self.identities(split).values()
            for source, target in permutations([view for view in views if visible(view.keypoints)[_TORSO].all()], 2)
        )
        return file, (Pair(number, target, (source,)) for number, (source, target) in enumerate(pairs, start=1))
