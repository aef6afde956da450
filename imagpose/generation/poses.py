"""``python -m imagpose pose``: a dataset's pose as a file, or anybody's pose file drawn and written in our form."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagpose.data.body_pose import BodyPose
from imagpose.data.keypoints import NUM_JOINTS, visible
from imagpose.data.pictures import WHOLE, picture_size, picture_text, read_picture
from imagpose.data.readers.layouts import open_index
from imagpose.data.text import parse_json
from imagpose.errors import InputError
from imagpose.options.parser import Parser, size
from imagpose.output.files import whole_file

_BESIDE = Path()  # --show without a name
_KEY = "imagpose pose"  # in the PNGs that are drawn here


def _parse(args: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="python -m imagpose pose",
        description="Write the pose of a dataset's picture as a pose file, or look at a pose file of any form.",
    )
    files = parser.add_argument_group("a pose file")
    files.add_argument("file", type=Path, nargs="?", help="OpenPose's JSON, COCO's keypoints, or ours")
    files.add_argument(
        "--show", type=Path, nargs="?", const=_BESIDE, metavar="PNG",
        help="draw the skeleton into this picture; default: FILE's name with _pose.png, beside it",
    )  # fmt: skip
    files.add_argument("--picture", type=Path, help="that the pose is of, to draw over; black if there is none")
    files.add_argument("--pose-size", type=size, metavar="HxW", help="the frame's, where FILE does not say it")
    dataset = parser.add_argument_group("a dataset's picture")
    dataset.add_argument("--data", type=Path, help="a DeepFashion or Market-1501 folder")
    dataset.add_argument("--image", help="the picture's name in the folder's lists")
    parser.add_argument("--out", type=Path, help="the JSON file to write, in our form and the picture's own pixels")
    options = parser.parse_args(args)
    if options.file is None and not (options.data and options.image and options.out):
        parser.error("give a pose FILE with --show or --out, or --data, --image and --out")
    if options.file is not None and (options.data or options.image):
        parser.error("give either a pose FILE, or --data and --image")
    if options.file is None and (options.show or options.picture or options.pose_size):
        parser.error("--show, --picture and --pose-size are for a pose FILE, which is missing")
    if options.show is not None and options.show != _BESIDE and options.show.suffix.lower() not in ("", ".png"):
        parser.error(f"--show writes a PNG, which {options.show} is not named like")
    if options.file is not None and options.show is None and options.out is None:
        parser.error(f"say what to do with {options.file}: --show draws it, --out writes it in our form")
    return options


def pose(args: Sequence[str]) -> None:
    """Carry out the command.

    Raises:
        InputError: An option or a file is not as it must be; the sentence says which.
    """
    options = _parse(args)
    if options.file is None:
        found, path = of_dataset(options.data, options.image)
        _write(found, options.out)
        print(f"The pose of {path} is in {options.out}.")
        return
    picture = None if options.picture is None else read_picture(options.picture)
    seen = None if picture is None else picture_size(options.picture)
    found = BodyPose.read(options.file, options.pose_size or seen)
    if seen is not None:
        found.check_belongs(seen, options.file, options.picture)
    print(
        f"{options.file}: {visible(found.keypoints).sum()} of {NUM_JOINTS} joints in a frame of "
        f"{found.size[0]}×{found.size[1]}."
    )
    if options.show is not None:
        beside = options.file.with_name(f"{options.file.stem}_pose.png")
        _show(found, options.file, picture, beside if options.show == _BESIDE else options.show)
    if options.out is not None:
        if options.out.exists() and options.out.samefile(options.file):
            raise InputError(f"{options.out} is the pose file itself, which may hold more; name another --out.")
        _write(found, options.out)
        print(f"The pose in our form is in {options.out}.")


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
    try:
        if out.exists() and out.is_file() and _KEY not in _texts(out):
            raise InputError(f"{out} is there and not a pose drawn by this command; name another file with --show.")
        info = PngInfo()
        info.add_text(_KEY, file.name.encode("ascii", "replace").decode())
        with whole_file(out) as unfinished:
            over(found, picture).save(unfinished, format="PNG", pnginfo=info)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}); name another --show.") from error
    print(f"The skeleton is in {out}.")


def _texts(path: Path) -> dict[str, str]:
    try:
        return picture_text(path)
    except InputError:  # no picture at all
        return {}


def _write(found: BodyPose, out: Path) -> None:
    """Write a pose file; only another one of our form is replaced."""
    try:
        if out.is_file() and not _is_ours(out):
            raise InputError(f"{out} is there and no pose file of our form; name another --out.")
        found.write(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}); name another --out.") from error


def _is_ours(path: Path) -> bool:
    try:
        there = parse_json(path)
    except ValueError:
        return False
    return isinstance(there, dict) and there.keys() == {"size", "keypoints"}
