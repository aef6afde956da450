"""The canvas of a user's own photographs, whose poses are given or found."""

from __future__ import annotations

from pathlib import Path

from imagpose.data.body_pose import BodyPose
from imagpose.errors import InputError
from imagpose.generation.canvases import Canvas, Pictures
from imagpose.generation.request import GenerationRequest
from imagpose.options.program import program
from imagpose.pose.detectors import choose, load_detector, told


def canvas_of_files(request: GenerationRequest, detector: str) -> Canvas:
    """The one canvas of a user's own pictures and poses.

    Args:
        request: Names them; without pose files of the sources, their poses are detected.
        detector: That fits the model.

    Raises:
        InputError: A source has no pose or another picture's, or a file cannot be read.
    """
    detects = not request.source_pose
    if not detects and len(request.source) != len(request.source_pose):
        raise InputError(
            f"There are {len(request.source)} --source and {len(request.source_pose)} --source_pose; every source "
            f"needs a pose file, such as {program()} pose writes, or give none at all, and they are detected."
        )
    pictures = Pictures()
    if detects:
        poses = _detected(request, pictures, detector)
    else:
        given = zip(request.source, request.source_pose, strict=True)
        poses = tuple(_pose_of(pictures, source, path) for source, path in given)
    return Canvas(
        request.source, poses,
        tuple(BodyPose.read(path, request.pose_size) for path in request.target_pose),
        tuple(f"{number}_{path.stem}.png" for number, path in enumerate(request.target_pose, start=1)),
        request.seed, request.scenario, pictures=pictures, framing=request.framing,
        detector=(request.detector or detector) if detects else None,
    )  # fmt: skip


def _detected(request: GenerationRequest, pictures: Pictures, fitting: str) -> tuple[BodyPose, ...]:
    """The sources' poses, found by the detector that was asked for, else the one that fits the model."""
    name = request.detector or fitting
    for path in request.source:
        pictures.open(path).size()  # a mistake is told before a detector is loaded
    detector = load_detector(name, weights=request.detector_weights)
    numbers = request.person * (len(request.source) if len(request.person) == 1 else 1) or (1,) * len(request.source)
    poses = []
    for path, number in zip(request.source, numbers, strict=True):
        people = detector.detect(pictures.open(path).show())
        poses.append(choose(people, number, path, name))
        print(f"{path}: {told(people, number, name)}{'' if request.detector else f', which fits {request.name}'}.")
    return tuple(poses)


def _pose_of(pictures: Pictures, source: Path, path: Path) -> BodyPose:
    """A source's pose, in its picture's frame where the file says none."""
    size = pictures.open(source).size()
    pose = BodyPose.read(path, size)
    pose.check_belongs(size, path, source)
    return pose
