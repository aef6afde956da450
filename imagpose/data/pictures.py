"""Opening pictures: the one place where a file becomes pixels, whoever it comes from.

What is opened is a regular file in one of four formats, not too large, and, where a root is named, inside of it. It
imports little, so that worker processes start quickly.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import ExifTags, Image, UnidentifiedImageError

from imagpose.data.readers.findings import Kind
from imagpose.data.readers.folders import leaves
from imagpose.errors import InputError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")  # no decoder is tried that a dataset of photographs does not need
LARGEST = 8192 * 6144  # pixels, those of a phone's camera of 50 megapixels
WHOLE = 2**25  # pixels that are kept at full scale, 100 MB when decoded; forty times DeepFashion's largest pictures
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_LONGEST = 2**29  # bytes of a file; the largest picture without compression takes a third of it
_ON_SIDE = (5, 6, 7, 8)  # orientations whose height is stored as the width
_OPENING = threading.Lock()  # warnings are filtered for the whole process


class PictureError(Exception):
    """A file that is not taken for a picture.

    Attributes:
        kind: What is wrong: no file, outside of the root, too large, or unreadable.
        detail: More of it, for reading.
    """

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail

    def sentence(self, path: Path) -> str:
        """What is wrong with a file, and what to do."""
        shown = str(path).encode(errors="replace").decode()
        shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
        if self.kind == Kind.NO_FILE:
            return f"There is no picture {shown}; restore it or name another."
        if self.kind == Kind.OUTSIDE_ROOT:
            return f"{shown} is {self.detail}, out of its folder, and is not followed; put the picture itself there."
        if self.kind == Kind.TOO_LARGE:
            return f"{shown} is too large a picture: {self.detail}; make it smaller."
        return f"{shown} is not a readable image; remove or replace it ({self.detail})."


class Picture:
    """A picture's file that was opened once: its bytes, and what they show.

    Args:
        path: Of the file; it may be a link.
        root: A folder that the file must not lie outside of, all links followed; None where it may lie anywhere.

    Attributes:
        content: The file's bytes.

    Raises:
        InputError: As of :func:`read_picture`, as far as opening it tells.
    """

    def __init__(self, path: Path, root: Path | None = None) -> None:
        self.path = path
        try:
            with _file(path, root) as file:
                self.content = file.read(_LONGEST + 1)
            if len(self.content) > _LONGEST:
                raise PictureError(Kind.TOO_LARGE, f"more than {_LONGEST:,} bytes")
        except PictureError as error:
            raise InputError(error.sentence(path)) from error
        except OSError as error:
            raise InputError(PictureError(Kind.UNREADABLE, error.strerror or "").sentence(path)) from error

    def show(self) -> Image.Image:
        """What :func:`read_picture` returns.

        Raises:
            InputError: As of it.
        """
        with self._opened() as image:
            return _upright(image)

    def size(self) -> tuple[int, int]:
        """What :func:`picture_size` returns.

        Raises:
            InputError: As of it.
        """
        with self._opened() as image:
            return _size(image)

    @contextmanager
    def _opened(self) -> Iterator[Image.Image]:
        try:
            with _header(io.BytesIO(self.content)) as image:
                yield image
        except PictureError as error:
            raise InputError(error.sentence(self.path)) from error


def read_picture(path: Path, root: Path | None = None) -> Image.Image:
    """A picture as it is meant to be seen.

    EXIF's orientation is applied, 16-bit grey is scaled to 8 bits, and what is transparent lies over white. A picture
    of more than :data:`WHOLE` pixels comes at half its scale, so that memory stays bounded.

    Args:
        path: Path of the picture's file; it may be a link.
        root: A folder that the file must not lie outside of, all links followed; None where it may lie anywhere.

    Returns:
        An RGB picture.

    Raises:
        InputError: The file is missing, no regular file, outside of the root, larger than :data:`LARGEST`, of another
            format than :data:`FORMATS`, or damaged.
    """
    try:
        return decode(path, root)
    except PictureError as error:
        raise InputError(error.sentence(path)) from error


def picture_size(path: Path, root: Path | None = None) -> tuple[int, int]:
    """(height, width) of a picture as it is meant to be seen, at full scale, from the file's header alone.

    Raises:
        InputError: As of :func:`read_picture`, as far as the header tells.
    """
    try:
        with _opened(path, root) as image:
            return _size(image)
    except PictureError as error:
        raise InputError(error.sentence(path)) from error


def picture_text(path: Path, root: Path | None = None) -> dict[str, str]:
    """The texts in a PNG file by their keywords; none of other formats.

    Raises:
        InputError: As of :func:`read_picture`.
    """
    try:
        with _opened(path, root) as image:
            return dict(getattr(image, "text", {}))
    except PictureError as error:
        raise InputError(error.sentence(path)) from error


def decode(path: Path | str, root: Path | None = None) -> Image.Image:
    """:func:`read_picture` for whoever sorts faults instead of ending with one.

    Raises:
        PictureError: The file is not taken for a picture.
    """
    with _opened(path, root) as image:
        return _upright(image)


def decoded_size(path: Path | str) -> tuple[int, int]:
    """(height, width) of a picture at full scale; the file is decoded to its end, but its pixels are not copied.

    Raises:
        PictureError: The file is not taken for a picture.
    """
    with _opened(path, None) as image:
        image.load()
        return _size(image)


@contextmanager
def _opened(path: Path | str, root: Path | None) -> Iterator[Image.Image]:
    """A file's picture, see :func:`_header`."""
    with _file(path, root) as file, _header(file) as image:
        yield image


@contextmanager
def _header(file: IO[bytes]) -> Iterator[Image.Image]:
    """A picture of which only the header was read; whatever a decoder raises meanwhile is told in one way."""
    try:
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is lower
            image = Image.open(file, formats=FORMATS)
        with image:
            if image.width * image.height > LARGEST:
                raise PictureError(Kind.TOO_LARGE, f"{image.height}×{image.width}, more than {LARGEST:,} pixels")
            if min(image.size) < 1:
                raise PictureError(Kind.UNREADABLE, "it has no pixels")
            yield image
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(Kind.TOO_LARGE, f"more than {LARGEST:,} pixels") from error
    except UnidentifiedImageError as error:
        raise PictureError(Kind.UNREADABLE, f"it is none of {', '.join(FORMATS)}") from error
    except Exception as error:  # a damaged file makes decoders raise whatever they happen to
        raise PictureError(Kind.UNREADABLE, " ".join(f"{type(error).__name__}: {error}".split())) from error


def _file(path: Path | str, root: Path | None) -> IO[bytes]:
    """Open a regular file; a pipe or a device neither hangs nor is read."""
    try:
        place = os.path.realpath(path)
        if root is not None and leaves(path, os.path.realpath(root)):
            raise PictureError(Kind.OUTSIDE_ROOT, f"a link to {place}")
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise PictureError(Kind.NO_FILE, "there is no such file") from error
    except OSError as error:
        raise PictureError(Kind.UNREADABLE, error.strerror or type(error).__name__) from error
    except ValueError as error:  # a name that no file can have
        raise PictureError(Kind.UNREADABLE, f"no file can have this name: {error}") from error
    mode = os.fstat(descriptor).st_mode  # of what is open, not of what had the name a moment ago
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or device"
        raise PictureError(Kind.UNREADABLE, f"it is {kind} and no file")
    return os.fdopen(descriptor, "rb")


def _size(image: Image.Image) -> tuple[int, int]:
    return image.size if _orientation(image) in _ON_SIDE else (image.height, image.width)


def _upright(image: Image.Image) -> Image.Image:
    orientation = _orientation(image)
    picture = _rgb(_at_half_scale(image) if image.width * image.height > WHOLE else image)
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def _orientation(image: Image.Image) -> int:
    """EXIF's, 1 where the header names none; what stands behind the pixels is not looked for."""
    if image.info.keys() & {"exif", "xmp", "Raw profile type exif"}:
        try:
            return int(image.getexif().get(ExifTags.Base.Orientation, 1))
        except Exception:  # the picture is whole though what is written about it is not
            return 1
    return 1


def _at_half_scale(image: Image.Image) -> Image.Image:
    """Half as high and wide; what was decoded at full scale is let go of."""
    size = image.size
    image.draft(image.mode, (max(size[0] // 2, 1), max(size[1] // 2, 1)))  # JPEG's decoder can leave the rest out
    if image.size != size:
        return image
    plain = image if image.mode in ("L", "LA", "RGB", "RGBA") and "transparency" not in image.info else _rgb(image)
    return plain.reduce(2)


def _rgb(image: Image.Image) -> Image.Image:
    """8 bits of red, green and blue.

    Assumption: what is transparent lies over white, as the datasets' own backgrounds are; the alternative, to drop the
    alpha channel, shows colours that nobody is meant to see.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        # 65535 is 255; Pillow itself would cut off at 255, or drop the lower byte.
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L").convert("RGB")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    return image.convert("RGB")
