"""A user's photographs, one folder a person, with the poses that lie beside them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.pictures import Picture
from imagpose.data.pose_detector import PoseDetector
from imagpose.data.readers.folders import leaves
from imagpose.errors import InputError, InputWarning
from imagpose.generation.poses import PHOTOGRAPHS, is_drawn
from imagpose.pose.detectors import choose, counted


@dataclass(frozen=True)
class Photograph:
    """A photograph of one person.

    Attributes:
        path: Of its file.
        root: The folder of all photographs, which no file may lie outside of.
        pose_file: Its pose, where one lies beside it; it may be unreadable.
    """

    path: Path
    root: Path
    pose_file: Path | None

    def read(self, detector: PoseDetector, name: str) -> tuple[Image.Image, BodyPose]:
        """The picture, and the pose in a frame of its shape: that of the file, else that of the largest person seen.

        Args:
            detector: Finds the pose where there is no file of it.
            name: Of the detector, for the message.

        Raises:
            InputError: The picture or the pose file cannot be used, or nobody is seen.
        """
        opened = Picture(self.path, self.root)
        if self.pose_file is not None:
            return opened.show(), self._given(self.pose_file, opened.size())
        picture = opened.show()
        people = detector.detect(picture)
        pose = choose(people, 1, self.path, name)
        if len(people) > 1:
            told = f"{self.path} shows {counted(len(people))}; the largest is taken."
            warnings.warn(told, InputWarning, stacklevel=2)
        return picture, pose

    def _given(self, file: Path, size: tuple[int, int]) -> BodyPose:
        if leaves(file, os.path.realpath(self.root)):
            raise InputError(f"{file} is a link out of {self.root} and is not followed; put the pose itself there.")
        pose = BodyPose.read(file, size)
        pose.check_belongs(size, file, self.path)
        return pose


@dataclass
class Photographs:
    """What a folder of photographs holds.

    Attributes:
        people: The photographs of each person, by the name of the folder; all in the order of names.
        left_out: A sentence about each thing that is no photograph of a person.
    """

    people: dict[str, list[Photograph]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @staticmethod
    def find(root: Path) -> Photographs:
        """Look through a folder; of the files only names are looked at, and whether a PNG is a drawn pose.

        Args:
            root: Holds one folder a person. Hidden files and folders are passed over, and what ``imagpose pose`` wrote.

        Raises:
            InputError: It is no folder, or cannot be read.
        """
        if not os.path.isdir(root):
            raise InputError(f"{root} is no folder; name one that holds a folder of photographs for each person.")
        found = Photographs()
        for path in _entries(root):
            if leaves(path, os.path.realpath(root)):
                found.left_out.append(
                    f"{path} is a link out of {root}, and is not followed; put the folder itself there."
                )
            elif path.is_dir():
                try:
                    found.people[path.name] = list(found._of_person(path, root))
                except InputError as error:
                    found.left_out.append(str(error))
            elif path.suffix.lower() in PHOTOGRAPHS:
                found.left_out.append(f"{path} is in no person's folder; make one in {root} and put it there.")
        return found

    def _of_person(self, folder: Path, root: Path) -> Iterator[Photograph]:
        for path in _entries(folder):
            if path.suffix.lower() in PHOTOGRAPHS:
                if not is_drawn(path, root):
                    yield Photograph(path, root, _beside(path))
            elif path.suffix.lower() != ".json":
                self.left_out.append(f"{path} is no photograph, whose name ends in {', '.join(PHOTOGRAPHS)}.")


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder} cannot be read ({error.strerror or error}); make it readable.") from error


def _beside(path: Path) -> Path | None:
    """The photograph's pose file: ``front.json``, or ``front_pose.json``, as ``imagpose pose`` names it by itself."""
    names = (path.with_suffix(".json"), path.with_name(f"{path.stem}_pose.json"))
    return next((file for file in names if os.path.lexists(file)), None)
