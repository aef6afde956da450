"""``imagpose pose``: a photograph's pose, a dataset's, or anybody's pose file drawn and written in our form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from imagpose.data.body_pose import BodyPose
from imagpose.data.framing import Framing, framed
from imagpose.data.keypoints import NUM_JOINTS, visible
from imagpose.data.pictures import WHOLE, Picture, picture_size, picture_text
from imagpose.data.pose_detector import FOR_MANNEQUINS, DetectorName, box_of
from imagpose.data.readers.layouts import open_index
from imagpose.data.text import parse_json
from imagpose.errors import InputError
from imagpose.options.ranges import PositiveInt, Size, check_arguments
from imagpose.output.files import whole_file

_KEY = "imagpose pose"  # in the PNGs that are drawn here
PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
"""How the names of photographs end, in small letters."""
_SHAPE = (64, 44)  # of the embedded mannequins, which is that of DeepFashion's 256×176


@dataclass(frozen=True)
class PoseRequest:
    """A pose file to look at, a photograph to find the pose of, or a dataset's picture whose pose to write.

    Attributes:
        file: A pose file: OpenPose's JSON, COCO's keypoints, or our own form; or a photograph: .jpg, .png, .webp, .bmp.
        show: Draw the skeleton: into this PNG, or, if it is true, into the file's name with _pose.png, beside it. Of a
            photograph it is drawn in any case.
        picture: That the pose of the file is of, to draw over; black if there is none.
        pose_size: The frame, height x width, where the file does not say it.
        data: A DeepFashion or Market-1501 folder, instead of a file.
        image: The picture's name in the folder's lists; with --data.
        out: The JSON file to write, in our form and the picture's own pixels; of a photograph its name with
            _pose.json, beside it, unless given.
        person: Whose pose, where a photograph shows several; 1 is the largest, who is taken unless given.
        detector: What finds it: mannequin, rtmlib or blazepose; mannequin unless given.
        detector_weights: Its weights: a folder, the name of one or a hub id; the detector's own unless given.
        framing: What is drawn of a photograph: all of it, as letterbox keeps it, or what figure shows a model.
        overwrite: Whether a pose file that says something else is replaced, one corrected by hand say.
    """

    file: Path | None = None
    _: KW_ONLY
    show: bool | Path = False
    picture: Path | None = None
    pose_size: Size | None = None
    data: Path | None = None
    image: str | None = None
    out: Path | None = None
    person: PositiveInt | None = None
    detector: DetectorName | None = None
    detector_weights: str | None = None
    framing: Framing = "letterbox"
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_arguments(PoseRequest, vars(self), "--")
        if self.file is None and not (self.data and self.image and self.out):
            raise InputError(
                "There is no pose to look at: give a pose FILE with --show or --out, or --data, --image and --out."
            )
        if self.file is not None and (self.data or self.image):
            raise InputError(
                "Both are given, --data or --image and a pose FILE; give either a FILE, or --data and --image."
            )
        if self.file is None and (self.show or self.picture or self.pose_size):
            raise InputError("--show, --picture and --pose_size are for a pose FILE, which is missing; name it.")
        if isinstance(self.show, Path) and self.show.suffix.lower() not in ("", ".png"):
            raise InputError(f"--show writes a PNG, which {self.show} is not named like; end its name in .png.")
        if self.is_photograph and (self.picture or self.pose_size):
            raise InputError(f"{self.file} is a photograph itself; leave out --picture and --pose_size.")
        if not self.is_photograph and (self.person or self.detector or self.detector_weights):
            raise InputError("--person and --detector are for a photograph; name one, such as me.jpg, as the FILE.")
        if not self.is_photograph and self.framing != "letterbox":
            raise InputError("--framing is for a photograph; name one, such as me.jpg, as the FILE.")
        if self.file is not None and not self.is_photograph and not self.show and self.out is None:
            raise InputError(f"Say what to do with {self.file}: --show draws it, --out writes it in our form.")

    @property
    def is_photograph(self) -> bool:
        """Whether the file is named like a picture."""
        return self.file is not None and self.file.suffix.lower() in PHOTOGRAPHS

    @property
    def drawing(self) -> Path | None:
        """The PNG to draw into."""
        if isinstance(self.show, Path):
            return self.show
        if self.file is None or not (self.show or self.is_photograph):
            return None
        return self.file.with_name(f"{self.file.stem}_pose.png")


def pose(request: PoseRequest) -> None:
    """Find the pose of a photograph, write that of a dataset's picture, or look at a pose file of any form.

    Raises:
        InputError: A file is not as it must be; the sentence says which.
    """
    if request.file is not None and request.is_photograph:
        _find(request, request.file)
    elif request.file is not None:
        _look_at(request, request.file)
    elif request.data and request.image and request.out:
        found, path = of_dataset(request.data, request.image)
        _write(found, request.out, request.overwrite)
        print(f"The pose of {path} is in {request.out}.")


def _find(request: PoseRequest, photograph: Path) -> None:
    from imagpose.pose.detectors import choose, load_detector, told  # torch is needed here alone

    opened = Picture(photograph)
    picture = opened.show()
    name, number = request.detector or FOR_MANNEQUINS, request.person or 1
    people = load_detector(name, weights=request.detector_weights).detect(picture)
    found = choose(people, number, photograph, name)
    out = request.out or photograph.with_name(f"{photograph.stem}_pose.json")
    drawing = request.drawing or photograph
    shown, pose = framed(picture, found, _SHAPE, request.framing)
    drawn = over(pose, shown)
    if request.framing == "letterbox" and len(people) > 1:
        number_people(drawn, [one.pose for one in people])
    print(f"{photograph}: {told(people, number, name)}.")
    with _saved(drawn, photograph, drawing):  # both or none
        _write(found.at(opened.size()), out, request.overwrite)  # a large photograph is shown at half its scale
    print(f"The skeleton is in {drawing}, the pose in {out}.")


def number_people(picture: Image.Image, people: Sequence[BodyPose]) -> None:
    """Draw a box around each of several people, with the number that ``--person`` takes.

    Args:
        picture: Is drawn into.
        people: In its pixels, the first being 1.
    """
    draw = ImageDraw.Draw(picture)
    line = max(max(picture.size) // 400, 1)
    font = ImageFont.load_default(max(max(picture.size) // 40, 10))
    for number, pose in enumerate(people, start=1):
        left, top, right, bottom = box_of(pose)
        draw.rectangle((left, top, max(right, left), max(bottom, top)), outline="white", width=line)
        draw.text((left + 2 * line, top + line), str(number), "white", font, stroke_width=line, stroke_fill="black")


def _look_at(request: PoseRequest, file: Path) -> None:
    opened = None if request.picture is None else Picture(request.picture)
    picture, seen = (None, None) if opened is None else (opened.show(), opened.size())
    found = BodyPose.read(file, request.pose_size or seen)
    if seen is not None and request.picture is not None:
        found.check_belongs(seen, file, request.picture)
    print(
        f"{file}: {visible(found.keypoints).sum()} of {NUM_JOINTS} joints in a frame of "
        f"{found.size[0]}×{found.size[1]}."
    )
    if request.drawing is not None:
        _show(found, file, picture, request.drawing)
    if request.out is not None:
        if request.out.exists() and request.out.samefile(file):
            raise InputError(f"{request.out} is the pose file itself, which may hold more; name another --out.")
        _write(found, request.out, request.overwrite)
        print(f"The pose in our form is in {request.out}.")


def of_dataset(data: Path, image: str) -> tuple[BodyPose, Path]:
    """The pose of a dataset's picture in the picture's own pixels, and the picture's path.

    Args:
        data: A DeepFashion or Market-1501 folder.
        image: The picture's name in the folder's lists.

    Raises:
        InputError: The folder has no such picture, or no joint of it is visible.
    """
    index = open_index(data)
    if image not in index.records:
        raise InputError(f"{image!r} is in no list of {data}; name an image as its lists do.")
    record = index.records[image]
    frame = picture_size(record.path, index.root)  # whole, as the user will give it as --source
    if not visible(record.keypoints).any():
        raise InputError(f"{image} has no visible joint; choose another picture.")
    return BodyPose(frame, record.keypoints_at(frame)), record.path


def over(pose: BodyPose, picture: Image.Image | None = None) -> Image.Image:
    """A skeleton in OpenPose's colours.

    Args:
        pose: What to draw.
        picture: To draw over; without one it lies on black, at the size of its frame.
    """
    frame = pose.size if picture is None else (picture.height, picture.width)
    skeleton = pose.map(frame).permute(1, 2, 0).numpy() * 255
    under = np.zeros_like(skeleton) if picture is None else np.asarray(picture.convert("RGB"), dtype=np.float32)
    # Every colour's strongest channel is full, so it tells how much of a pixel is covered.
    covered = skeleton.max(axis=-1, keepdims=True) / 255
    return Image.fromarray((under * (1 - covered) + skeleton + 0.5).clip(0, 255).astype(np.uint8))


def _show(found: BodyPose, file: Path, picture: Image.Image | None, out: Path) -> None:
    if picture is None and found.size[0] * found.size[1] > WHOLE:
        raise InputError(
            f"{file} says a frame of {found.size[0]}×{found.size[1]}, too large to draw; draw it over its --picture."
        )
    with _saved(over(found, picture), file, out):
        print(f"The skeleton is in {out}.")


@contextmanager
def _saved(drawn: Image.Image, file: Path, out: Path) -> Iterator[None]:
    """Write a drawing of what is in a file, unless what is done meanwhile fails; only one of ours is replaced."""
    try:
        if out.exists() and out.is_file() and not is_drawn(out):
            raise InputError(f"{out} is there and not a pose drawn by this command; name another file with --show.")
        info = PngInfo()
        info.add_text(_KEY, file.name.encode("ascii", "replace").decode())
        with whole_file(out) as unfinished:
            drawn.save(unfinished, format="PNG", pnginfo=info)
            yield
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}); name another --show.") from error


def is_drawn(path: Path, root: Path | None = None) -> bool:
    """Whether a file is a skeleton that was drawn here, and no photograph.

    Args:
        path: Of any file.
        root: A folder that it must not lie outside of; None where it may lie anywhere.
    """
    try:
        return _KEY in picture_text(path, root)
    except InputError:  # no picture at all
        return False


def _write(found: BodyPose, out: Path, overwrite: bool) -> None:
    """Write a pose file; only another one of our form is replaced, and where it says something else if asked for."""
    try:
        there = _ours(out) if out.is_file() else None
        if out.is_file() and there is None:
            raise InputError(f"{out} is there and no pose file of our form; name another --out.")
        if there is not None and there != found.form() and not overwrite:
            raise InputError(
                f"{out} is there and says another pose, corrected by hand perhaps; name another --out, or replace it "
                "with --overwrite."
            )
        found.write(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}); name another --out.") from error


def _ours(path: Path) -> dict[str, Any] | None:
    """What a pose file of our form says; None of any other file."""
    try:
        there = parse_json(path)
    except ValueError:
        return None
    return there if isinstance(there, dict) and there.keys() == {"size", "keypoints"} else None
