"""The pose detectors by name, each an adapter in a file of its own that is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import NUM_JOINTS, visible
from imagpose.data.pose_detector import DETECTORS, Found, PoseDetector
from imagpose.errors import InputError

_HOMES = {
    "mannequin": "imagpose.pose.mannequin:MannequinDetector",
    "rtmlib": "imagpose.pose.rtmpose:RTMPoseDetector",
    "blazepose": "imagpose.pose.blazepose:BlazePoseDetector",
}


def load_detector(name: str, device: str = "cpu", weights: str | None = None) -> PoseDetector:
    """A detector that is ready to look at pictures.

    Args:
        name: ``mannequin``, which ships and knows the embedded mannequins only; ``rtmlib``, RTMPose and DWPose for
            photographs, as the paper's authors use; or ``blazepose``, MediaPipe's, for photographs. The last two need
            the optional libraries of ``imagpose[pose]``, and weights that do not ship.
        device: Torch's name of a device; ``blazepose`` computes on the CPU whatever it is.
        weights: A folder, the name of one or a hub id, see :func:`imagpose.models.weights.places`; None takes the
            detector's own name for them.

    Raises:
        InputError: There is no such detector, or its library or its weights cannot be had; says what to do.
    """
    if name not in _HOMES:
        raise InputError(f"There is no pose detector {name!r}; there are: {', '.join(DETECTORS)}.")
    module, _, kind = _HOMES[name].partition(":")
    load = getattr(import_module(module), kind).load
    detector: PoseDetector = load(device) if weights is None else load(device, weights)
    return detector


def choose(people: Sequence[Found], number: int, path: Path, detector: str) -> BodyPose:
    """One of the people of a photograph.

    Args:
        people: The largest first.
        number: From 1.
        path: Of the photograph, for the message.
        detector: What found them, likewise.

    Raises:
        InputError: There is nobody, or nobody of that number.
    """
    if not people:
        raise InputError(
            f"The detector {detector} sees nobody in {path}; name another --detector ({', '.join(DETECTORS)}), or give "
            "a pose file."
        )
    if number > len(people):
        raise InputError(
            f"The detector {detector} sees {counted(len(people))} in {path}, so there is no --person {number}; the "
            "largest is 1."
        )
    return people[number - 1].pose


def told(people: Sequence[Found], number: int, detector: str) -> str:
    """What was found, in a few words."""
    joints = f"{visible(people[number - 1].pose.keypoints).sum()} of {NUM_JOINTS} joints"
    of = f" of person {number} of {len(people)}, the largest being 1" if len(people) > 1 else ""
    return f"{joints}{of}, found by the detector {detector}"


def counted(people: int) -> str:
    """``1 person``, ``2 people``."""
    return "1 person" if people == 1 else f"{people} people"
