"""Any person of a mannequin folder in any of its poses: the ground truth that photographs cannot give."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imagpose.data.mannequins import drawing, visibility
from imagpose.data.mannequins import people as mannequins
from imagpose.data.mannequins.body import Body
from imagpose.data.mannequins.damage import MANIFEST, read_manifest
from imagpose.data.mannequins.people import Person
from imagpose.data.mannequins.styles import FIRST_STYLE, LOOKS, Style
from imagpose.errors import InputError


class Wardrobe:
    """Draws any person of a mannequin folder in any of its poses: the ground truth that photographs cannot give.

    Args:
        root: A folder written by :func:`imagpose.data.mannequins.folder.write`.

    Attributes:
        size: Height and width of a picture in pixels.
        style: How it is drawn.
        busy: Whether every picture has a busy background.

    Raises:
        InputError: Its manifest cannot be read, or names a style that nobody can draw.
    """

    def __init__(self, root: Path) -> None:
        manifest = read_manifest(root)
        self.size: tuple[int, int] = tuple(manifest["spec"]["size"])
        self.style: Style = manifest["spec"].get("style", FIRST_STYLE)
        if self.style not in LOOKS:
            raise InputError(f"{root / MANIFEST} says style {self.style!r}; there are: {', '.join(LOOKS)}.")
        self.busy = bool(manifest["spec"].get("busy_backgrounds"))
        self._images = manifest["images"]

    @staticmethod
    @functools.cache
    def of(root: Path) -> Wardrobe:
        """The wardrobe of a folder, read once a process."""
        return Wardrobe(root)

    def has(self, name: str) -> bool:
        """Whether an image of this name is of the folder."""
        return name in self._images

    def person(self, name: str) -> Person:
        """Who is seen in an image."""
        return mannequins.person_from_record(self._images[name]["person"])

    def draw(self, person: Person, name: str, busy: int | None = None) -> drawing.Drawing:
        """Draw a person in the pose, and before the background, of an image.

        Args:
            person: Who.
            name: Of the image.
            busy: Seed of a busy background instead of the image's own.
        """
        record = self._images[name]
        pose, background = mannequins.pose_from_record(record["pose"]), record["busy"] if busy is None else busy
        return drawing.draw(person, pose, self.size, background, self.style)

    def shown(self, target: str, sources: Sequence[str]) -> np.ndarray:
        """Which pixels of an image show what others of the same person show too, (sources, H, W) booleans.

        See :func:`imagpose.data.mannequins.visibility.shown`.
        """
        return visibility.shown(self._body(target), [self._body(name) for name in sources], self.size)

    def _body(self, name: str) -> Body:
        record = self._images[name]
        return Body.of(self.person(name), mannequins.pose_from_record(record["pose"]), LOOKS[self.style].head)
