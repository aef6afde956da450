"""Pictures with bytes changed are read or refused in one sentence."""

from __future__ import annotations

import io
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from imagpose.data.pictures import picture_size, picture_text, read_picture
from imagpose.errors import InputError
from tests.data.conftest import photo

pytestmark = pytest.mark.usefixtures("hangs")

KINDS = (("PNG", "RGB"), ("JPEG", "RGB"), ("WEBP", "RGB"), ("PNG", "P"), ("BMP", "RGB"), ("JPEG", "L"))


def mutated(number: int) -> bytes:
    """Some picture with bytes changed, put in or taken out, or its end cut off."""
    rng = np.random.default_rng(number)
    kind, mode = KINDS[number % len(KINDS)]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    buffer = io.BytesIO()
    photo().convert(mode).save(buffer, kind, **({} if kind == "BMP" else {"exif": exif}))
    data = bytearray(buffer.getvalue())
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(data) if rng.random() < 0.8 else min(len(data), 64)))
        change = rng.random()
        if change < 0.8:
            data[place] = int(rng.integers(256))
        elif change < 0.9:
            data[place:place] = rng.bytes(int(rng.integers(1, 9)))
        elif change < 0.95:
            del data[place : place + int(rng.integers(1, 9))]
        else:
            del data[max(place, 1) :]
    return bytes(data)


def read_mutated(numbers: range, path: Path) -> int:
    """How many are read as what the header says; whatever is no refusal in one sentence fails."""
    read, told = 0, []
    for number in numbers:
        path.write_bytes(mutated(number))
        size = None
        for reading in (picture_text, picture_size, read_picture):
            try:
                seen = reading(path)
            except InputError as error:
                told.append(str(error))
                continue
            if reading is picture_size:
                size = seen
            elif reading is read_picture:
                assert (seen.height, seen.width) == size
                assert seen.mode == "RGB"
                read += 1
    assert not [sentence for sentence in told if "\n" in sentence or str(path) not in sentence]
    return read


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged EXIF
def test_mutated_pictures_are_read_or_refused(tmp_path):
    assert 60 < read_mutated(range(300), tmp_path / "a.png") < 240


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_ten_thousand_mutated_pictures_are_read_or_refused(tmp_path):
    signal.alarm(0)  # it may take longer
    assert 2000 < read_mutated(range(300, 10_300), tmp_path / "a.png") < 8000
