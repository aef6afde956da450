"""The one opening of pictures."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from imagpose.data.pictures import FORMATS, WHOLE, picture_size, picture_text, read_picture
from imagpose.errors import InputError
from tests.conftest import ROOT
from tests.data.bad_pictures import BAD, png
from tests.data.conftest import photo

pytestmark = pytest.mark.usefixtures("hangs")


# What is seen.


def test_grey_of_16_bits_is_scaled(tmp_path):
    values = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    Image.fromarray(values).save(tmp_path / "a.png")
    seen = np.asarray(read_picture(tmp_path / "a.png"))
    assert np.array_equal(seen, np.repeat(np.rint(values / 257).astype(np.uint8)[..., None], 3, axis=-1))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK"])
@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp"])
def test_opaque_modes_are_pillows_own(mode, ending, tmp_path):
    path, image = tmp_path / f"a.{ending}", photo().convert(mode)
    try:
        image.save(path)
    except OSError:
        pytest.skip(f"{ending} has no {mode}")
    with Image.open(path) as stored:
        assert np.array_equal(read_picture(path), stored.convert("RGB"))


def _clear(mode):
    """A picture whose left half is transparent over red, and how it is saved."""
    image = Image.new("RGBA", (4, 2), (0, 0, 255, 255))
    image.paste((255, 0, 0, 0), (0, 0, 2, 2))
    if mode == "P":
        image = Image.new("P", (4, 2), 1)
        image.putpalette([255, 0, 0, 0, 0, 255])
        image.paste(0, (0, 0, 2, 2))
        return image, {"transparency": 0}
    if mode == "RGB":
        return image.convert("RGB"), {"transparency": (255, 0, 0)}
    return image.convert(mode), {}


@pytest.mark.parametrize(
    ("mode", "ending"), [("RGBA", "png"), ("RGBA", "webp"), ("LA", "png"), ("P", "png"), ("RGB", "png")]
)
def test_what_is_transparent_lies_over_white(mode, ending, tmp_path):
    image, options = _clear(mode)
    image.save(tmp_path / f"a.{ending}", **options, **({"lossless": True} if ending == "webp" else {}))
    seen = read_picture(tmp_path / f"a.{ending}")
    assert seen.getpixel((0, 0)) == (255, 255, 255)
    assert seen.getpixel((3, 1)) == ((29, 29, 29) if mode == "LA" else (0, 0, 255))


def test_half_of_a_colour_is_half_of_it_over_white(tmp_path):
    Image.new("RGBA", (2, 2), (0, 0, 0, 128)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").getpixel((0, 0)) == (127, 127, 127)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(ending, orientation, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    photo().save(tmp_path / f"a.{ending}", exif=exif)
    with Image.open(tmp_path / f"a.{ending}") as stored:
        expected = ImageOps.exif_transpose(stored.convert("RGB"))
    seen = read_picture(tmp_path / f"a.{ending}")
    assert np.array_equal(seen, expected)
    assert picture_size(tmp_path / f"a.{ending}") == (seen.height, seen.width)
    assert seen.size == ((24, 16) if orientation > 4 else (16, 24))


def test_a_photo_with_a_damaged_exif_is_taken_as_stored(tmp_path):
    photo().save(tmp_path / "a.jpg", exif=b"Exif\0\0nonsense that is no TIFF")
    with Image.open(tmp_path / "a.jpg") as stored:
        assert np.array_equal(read_picture(tmp_path / "a.jpg"), stored.convert("RGB"))
    assert picture_size(tmp_path / "a.jpg") == (24, 16)


def test_texts_are_those_of_a_png(tmp_path):
    info = PngInfo()
    info.add_text("imagpose", "{}")
    photo().save(tmp_path / "a.png", pnginfo=info)
    photo().save(tmp_path / "a.jpg")
    assert picture_text(tmp_path / "a.png") == {"imagpose": "{}"}
    assert picture_text(tmp_path / "a.jpg") == {}


# What is refused.


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PPM", "EPS", "ICO", "PDF"])
def test_other_formats_are_not_decoded(kind, tmp_path):
    assert kind not in FORMATS
    photo().save(tmp_path / "a.png", kind)
    with pytest.raises(InputError, match=r"a\.png is not a readable image; remove or replace it \(it is none of JPEG,"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("texts that explode", "is not a readable image.*too large"),
        ("too large", "is too large a picture: 8000×8000, more than 50,331,648 pixels; make it smaller"),
        ("much too large", "is too large a picture: more than 50,331,648 pixels"),
        ("a folder", "it is a folder and no file"),
        ("a pipe", "it is a pipe or device"),
        ("a link to a pipe", "it is a pipe or device"),
        ("a device", "it is a pipe or device"),
        ("a circle of links", "Too many levels of symbolic links"),
        ("truncated", "is not a readable image"),
        ("nothing", "it is none of JPEG"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_picture_is_told(bad, message, tmp_path):
    BAD[bad](tmp_path / "a.png", tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        read_picture(tmp_path / "a.png")
    assert str(tmp_path / "a.png") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_largest_picture_is_read_and_a_larger_one_is_not_decoded(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png(1, WHOLE // 4))
    assert read_picture(tmp_path / "a.png").size == (WHOLE // 4, 1)
    (tmp_path / "a.png").write_bytes(png(10_000, 9_000))  # where Pillow itself would only warn
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it is decoded"))
    for read in (read_picture, picture_size, picture_text):
        with pytest.raises(InputError, match="is too large"):
            read(tmp_path / "a.png")


_MEASURE = """
import resource, sys
from pathlib import Path
from imagpose.data.pictures import picture_size, read_picture
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
picture = read_picture(Path(sys.argv[1]))
print(*picture_size(Path(sys.argv[1])), *picture.size, *picture.getpixel((900, 600)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_phones_photo_of_50_megapixels_is_read_in_bounded_memory(ending, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # held upright
    Image.new("RGB", (8192, 6144), (200, 40, 90)).save(
        tmp_path / f"a.{ending}", exif=exif, quality=95, compress_level=1
    )
    told = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path / f"a.{ending}")], capture_output=True, text=True, check=True,
        cwd=ROOT,
    )  # fmt: skip
    *numbers, megabytes = map(int, told.stdout.split())
    assert numbers[:4] == [8192, 6144, 3072, 4096]
    assert np.abs(np.subtract(numbers[4:], (200, 40, 90))).max() <= 2
    assert megabytes < 350, "the picture is kept at full scale more than once"


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "no/such", "a.png/b"])
def test_names_that_no_picture_has(name, tmp_path):
    photo().save(tmp_path / "a.png")
    with pytest.raises(InputError, match="There is no picture" if name == "no/such" else "is not a readable image"):
        read_picture(tmp_path / name, tmp_path)


def test_a_socket_is_no_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("a.png")
        with pytest.raises(InputError, match="is not a readable image"):
            read_picture(Path("a.png"))


# Where it may lie.


def test_a_root_is_not_left(tmp_path):
    root, linked = tmp_path / "root", tmp_path / "linked"
    (root / "inner").mkdir(parents=True)
    linked.symlink_to(root)
    photo().save(root / "a.png")
    photo().save(tmp_path / "secret.png")
    (root / "inner" / "b.png").symlink_to("../a.png")
    for where in (root, linked):
        for name in ("a.png", "inner/b.png", "inner/../a.png"):
            assert read_picture(where / name, where).size == (16, 24)
            assert read_picture(root / name, linked).size == (16, 24)
    (root / "c.png").symlink_to("../secret.png")
    (root / "up").symlink_to("..")
    sibling = tmp_path / "root2"  # its name begins alike
    sibling.mkdir()
    photo().save(sibling / "a.png")
    for path in (root / "c.png", root / "up/secret.png", root / "../secret.png", root / "../root2/a.png"):
        for read in (read_picture, picture_size, picture_text):
            with pytest.raises(InputError, match="out of its folder, and is not followed"):
                read(path, root)
    assert read_picture(root / "c.png").size == (16, 24), "a user's own picture may be a link"


def test_a_picture_that_becomes_a_link_meanwhile_is_not_followed(tmp_path, monkeypatch):
    root = tmp_path / "root"
    root.mkdir()
    photo().save(root / "a.png")
    photo().save(tmp_path / "secret.png")
    really = os.open

    def swapped(path, *args):
        os.unlink(path)
        os.symlink(tmp_path / "secret.png", path)
        return really(path, *args)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(InputError, match="is not a readable image"):
        read_picture(root / "a.png", root)
