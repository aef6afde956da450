"""A photograph that somebody gave the page: its bytes, who is on it, and how it is shown."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from imagpose.data.body_pose import BodyPose
from imagpose.data.pictures import Picture
from imagpose.data.pose_detector import PoseDetector
from imagpose.errors import InputError

_SHOWN = 720  # pixels of the longer side in the browser
_NUMBERED = re.compile(r"^upload-\d+-")  # by which static/uploads.js tells files of one content and name apart
_MIME = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True)
class Photograph:
    """One photograph of a page.

    Attributes:
        name: As its owner calls it; text that is shown, never a path.
        picture: Its bytes, which ``imagpose generate`` would read from a file.
        people: The pose of each person, the largest first; none where nobody was found.
        shown: It for the browser, a data URI.
        size: Height and width in pixels of the frame of its poses.
    """

    name: str
    picture: Picture
    people: tuple[BodyPose, ...]
    shown: str
    size: tuple[int, int]

    @property
    def bytes(self) -> int:
        """How many are kept of it."""
        return len(self.picture.content) + len(self.shown)

    @classmethod
    def taken(cls, path: Path, detector: PoseDetector) -> Photograph:
        """Read an uploaded file and look for people.

        Raises:
            InputError: It is no picture, or too large; the same limits hold as for ``imagpose generate``.
        """
        name = _NUMBERED.sub("", path.name)
        try:
            picture = Picture(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from error
        picture.path = Path(name)  # which its sentences name: the upload's folder is nobody's business
        image = picture.show()
        return cls.of(name, picture, image, [found.pose for found in detector.detect(image)])

    @classmethod
    def of(cls, name: str, picture: Picture, image: Image.Image, people: Sequence[BodyPose]) -> Photograph:
        """A photograph whose people are known."""
        return cls(name, picture, tuple(people), shown(image), (image.height, image.width))

    def told(self, identifier: str) -> dict[str, Any]:
        """What the browser is told of it."""
        return {
            "id": identifier, "name": self.name, "image": self.shown, "size": list(self.size),
            "people": [pose.form() for pose in self.people],
        }  # fmt: skip


def shown(image: Image.Image) -> str:
    """A picture as a data URI, made smaller where a screen has no use for its size."""
    small = image.convert("RGB")
    small.thumbnail((_SHOWN, _SHOWN))
    kind = "PNG" if max(small.size) <= 256 else "JPEG"
    file = io.BytesIO()
    small.save(file, kind, quality=88) if kind == "JPEG" else small.save(file, kind)
    return data_uri(file.getvalue(), _MIME[kind])


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """Bytes of a file as an address that holds them."""
    return f"data:{kind};base64,{b64encode(content).decode()}"
