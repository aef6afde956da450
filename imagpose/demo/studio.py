"""What all pages share: the model, the detector, and a folder for files that live no longer than a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from imagpose.data.pose_detector import Found, PoseDetector
from imagpose.errors import InputError
from imagpose.generation.model import Model, Trained
from imagpose.pose.detectors import load_detector

if TYPE_CHECKING:
    from imagpose.demo.command import DemoRequest
    from imagpose.pipeline import ImagposePipeline

_MOST_SOURCES = 3


class _Blind:
    """Sees nobody."""

    def detect(self, picture: Image.Image) -> list[Found]:
        """Nobody is found."""
        return []


@dataclass(frozen=True)
class Studio:
    """The model and the detector; the server's queue lets one page at a time use them.

    Attributes:
        model: What was asked for on the command line.
        pipe: It, on its device.
        trained: What it was trained for.
        weights: Fingerprint of its weights.
        detector: Finds the people of a photograph.
        scratch: Folder of files that are deleted as soon as they are read.
    """

    model: Model
    pipe: ImagposePipeline
    trained: Trained
    weights: str
    detector: PoseDetector
    scratch: Path

    @classmethod
    def of(cls, request: DemoRequest, pipe: ImagposePipeline, trained: Trained, weights: str, scratch: Path) -> Studio:
        """The studio of a command line.

        Where the detector that fits the model cannot be had, joints are set by hand.

        Raises:
            InputError: The detector that was asked for cannot be had.
        """
        try:
            detector = load_detector(request.detector or trained.detector, str(pipe.device))
        except InputError as error:
            if request.detector:
                raise
            print(f"Note: joints are set by hand, as no photograph can be looked at: {error}")
            detector = _Blind()
        return cls(request, pipe, trained, weights, detector, scratch)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of what is drawn, in pixels."""
        return self.pipe.image_size

    @property
    def most_sources(self) -> int:
        """From how many photographs of a person is drawn."""
        return min(_MOST_SOURCES, max(self.trained.panels) - 1)
