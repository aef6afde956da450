"""``imagpose gather``: a folder of photographs, one folder a person in it, made a dataset."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from PIL import Image

from imagpose.data.body_pose import BodyPose, fit
from imagpose.data.framing import Framing, framed
from imagpose.data.images import to_uint8
from imagpose.data.lists import annotation_row, split_lists
from imagpose.data.mannequins.damage import PICTURES
from imagpose.data.pose_detector import FOR_MANNEQUINS, DetectorName, PoseDetector
from imagpose.data.readers.deepfashion import ANNOTATION_SIZE, flatten_name
from imagpose.data.readers.folders import leaves
from imagpose.errors import InputError, one_line
from imagpose.gathering.photographs import Photograph, Photographs
from imagpose.generation.poses import over
from imagpose.options.program import program
from imagpose.options.ranges import PositiveInt, Size, check_arguments
from imagpose.output.files import alone, made_folder, scratch_folder
from imagpose.output.progress import progress
from imagpose.output.sheet import lay_out
from imagpose.pose.detectors import counted, load_detector

SHEET, ORIGINS = "contact_sheet.png", "photographs.json"
_FEWEST = 2  # views of a person: one is given and one is to be drawn
_VALIDATED = 1  # people whom a training keeps back at least
_SHOWN = (256, 256)  # pixels that a picture on the sheet fits into


@dataclass(frozen=True)
class GatherRequest:
    """A folder of photographs to make a dataset of.

    Attributes:
        photos: The folder. It holds one folder a person, with two photographs at least: .jpg, .png, .webp, .bmp. A pose
            file beside a photograph, front.json or front_pose.json of front.jpg, is taken as it is.
        out: The folder to write; it must not be there, or be empty.
        size: Height x width of the pictures that are written.
        framing: How photographs are brought to that size: letterbox keeps them whole, figure shows what is around the
            figure, with the margins of training pictures.
        detector: What finds the poses that no file gives: mannequin, rtmlib or blazepose.
        detector_weights: Its weights: a folder, the name of one or a hub id; the detector's own unless given.
        test_people: How many people are held out for testing: the last ones, by their folders' names.
    """

    photos: Path
    _: KW_ONLY
    out: Path
    size: Size = (256, 176)
    framing: Framing = "letterbox"
    detector: DetectorName = FOR_MANNEQUINS
    detector_weights: str | None = None
    test_people: PositiveInt = 1

    def __post_init__(self) -> None:
        check_arguments(GatherRequest, vars(self), "--")


@dataclass(frozen=True)
class View:
    """A photograph of the dataset.

    Attributes:
        photograph: As the user has it.
        picture: At the dataset's size.
        pose: In its pixels.
    """

    photograph: Photograph
    picture: Image.Image
    pose: BodyPose


def gather(request: GatherRequest) -> None:
    """Make a DeepFashion folder of photographs, and find the poses that no file beside them gives.

    A photograph that cannot be used is left out, and so is a person of whom fewer than two are left.

    Raises:
        InputError: Nobody would be left to train on, the folder is there, or it cannot be written.
    """
    found = Photographs.find(request.photos)
    _may_write(request.out)
    if not leaves(request.out, os.path.realpath(request.photos)):
        raise InputError(f"--out {request.out} lies in {request.photos}, among the photographs; name another.")
    people = {name: some for name, some in found.people.items() if len(some) >= _FEWEST}
    _check_people(request, len(people), found.left_out)  # before hours of looking
    detector = load_detector(request.detector, weights=request.detector_weights)
    try:
        out = request.out
        with made_folder(out.parent), alone(out, f"writing {out}"), scratch_folder(out) as unfinished:
            _may_write(out)  # another process may have written it by now
            written = _write(request, found, detector, unfinished)
            unfinished.rename(out)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{request.out} cannot be written ({reason}); make room or name another --out.") from error
    _tell(found.left_out)
    pictures = sum(map(len, written.values()))
    print(
        f"{request.out} holds {pictures} pictures of {len(written)} people, {request.size[0]}×{request.size[1]} pixels "
        f"each; held out for testing: {', '.join(map(one_line, list(written)[-request.test_people :]))}."
    )
    if len(written) - request.test_people <= _VALIDATED:
        print("To train on it, add people: one is kept back for validation beside those held out, so nobody is left.")
    if found.left_out:
        print(f"Left out, each told above: {len(found.left_out)}.")
    print(f"Look at the poses in {request.out / SHEET}; {program()} check {request.out} looks at the rest.")


def _may_write(out: Path) -> None:
    if os.path.islink(out) or (os.path.lexists(out) and not os.path.isdir(out)):
        raise InputError(f"--out {out} is there and no folder; name another.")
    if os.path.isdir(out) and os.listdir(out):
        raise InputError(f"--out {out} is there and holds something, so it is left as it is; name another.")


def _check_people(request: GatherRequest, people: int, left_out: list[str]) -> None:
    """Refuse to go on where nobody is left to train on."""
    if people > request.test_people:
        return
    _tell(left_out)
    if not people:
        raise InputError(
            f"{request.photos} has nobody with {_FEWEST} photographs that can be used; put each person's into a folder "
            f"of their own, such as {request.photos / '1'}, {request.photos / '2'}."
        )
    raise InputError(
        f"--test_people is {request.test_people}, and {request.photos} has {counted(people)} with {_FEWEST} "
        "photographs that can be used, so nobody would be left to train on; hold out fewer, or add people."
    )


def _tell(left_out: list[str]) -> None:
    for sentence in left_out:
        print(f"Left out: {one_line(sentence)}")


def _write(request: GatherRequest, found: Photographs, detector: PoseDetector, folder: Path) -> dict[str, list[str]]:
    """Write the dataset; returns each person's images, by the name of their folder."""
    names: dict[str, list[str]] = {}
    rows: dict[str, str] = {}
    origins: dict[str, dict[str, str]] = {}
    drawn = []
    for person, views in _people(request, found, detector):
        names[person] = []
        for number, view in enumerate(views, start=1):
            path = f"WOMEN/Own/id_{len(names):08d}/01_{number}_any.jpg"
            name = flatten_name(path)
            target = folder / PICTURES / path
            target.parent.mkdir(parents=True, exist_ok=True)
            view.picture.save(target, format="JPEG", quality=98, subsampling=0)
            names[person].append(name)
            rows[name] = annotation_row(name, view.pose.keypoints, request.size, ANNOTATION_SIZE)
            origins[path] = _origin(view.photograph, request)
            shown = over(view.pose, view.picture)
            shown.thumbnail(_SHOWN)
            drawn.append((shown, f"{one_line(origins[path]['photograph'])}\n{Path(path).parent.name} {number}"))
    _check_people(request, len(names), found.left_out)
    held_out = len(names) - request.test_people
    for split, people in (("train", list(names.values())[:held_out]), ("test", list(names.values())[held_out:])):
        of_split = [rows[name] for one in people for name in one]
        for file, text in split_lists(split, people, of_split).items():
            (folder / file).write_bytes(text.encode())
    (folder / ORIGINS).write_text(json.dumps(origins, indent=1) + "\n", encoding="utf-8")
    column = ("photographs with their poses", [[picture] for picture, _ in drawn])
    lay_out([column], drawn[0][0].size, [label for _, label in drawn]).save(folder / SHEET, format="PNG")
    return names


def _people(request: GatherRequest, found: Photographs, detector: PoseDetector) -> Iterator[tuple[str, list[View]]]:
    """Everybody of whom two photographs can be used; who and what cannot is told in ``left_out``."""
    with progress("Finding poses", sum(map(len, found.people.values())), "photographs") as advance:
        for person, photographs in found.people.items():
            views = []
            for photograph in photographs:
                try:
                    picture, pose = photograph.read(detector, request.detector)
                    views.append(_view(photograph, picture, pose, request))
                except InputError as error:
                    found.left_out.append(str(error))
                advance(1)
            if len(views) >= _FEWEST:
                yield person, views
            else:
                left = f"{len(views)} of {len(photographs)} photographs can be used, and {_FEWEST} are needed"
                found.left_out.append(f"{request.photos / person}, all of it: {left}.")


def _view(photograph: Photograph, picture: Image.Image, pose: BodyPose, request: GatherRequest) -> View:
    """A photograph at the dataset's size, brought there as generation brings its sources."""
    picture, pose = framed(picture, pose, request.size, request.framing)
    return View(photograph, Image.fromarray(to_uint8(fit(picture, request.size))), pose.fitted(request.size))


def _origin(photograph: Photograph, request: GatherRequest) -> dict[str, str]:
    """Where a picture of the dataset comes from, relative to the folder of photographs, and who found its pose."""
    pose = photograph.pose_file
    return {
        "photograph": str(photograph.path.relative_to(photograph.root)),
        "pose": f"detector {request.detector}" if pose is None else str(pose.relative_to(photograph.root)),
    }
