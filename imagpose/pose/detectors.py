"""The pose detectors by name, each an adapter in a file of its own that is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, get_args

from imagpose.data.pose_detector import PoseDetector
from imagpose.errors import InputError

DetectorName = Literal["mannequin", "rtmlib", "blazepose"]
DETECTORS: tuple[str, ...] = get_args(DetectorName)
_HOMES = {
    "mannequin": "imagpose.pose.mannequin:MannequinDetector",
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
