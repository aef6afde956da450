"""What becomes of a file that somebody uploads, and of a page that is closed."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from PIL import Image

from imagpose.data.keypoints import JOINTS, visible
from imagpose.demo.photographs import Photograph
from imagpose.demo.presets import presets
from imagpose.demo.session import MOST_PHOTOGRAPHS, Session, Sessions
from imagpose.errors import InputError
from tests.conftest import ROOT


def bomb(path: Path) -> Path:
    """A PNG of a few kilobytes that says it is 60,000 pixels wide and high."""
    header = (60000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    pixels = chunk(b"IDAT", zlib.compress(bytes(10**6)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b""))
    return path


def test_a_photograph_is_shown_upright_with_its_people(studio, tmp_path):
    example = Image.open(ROOT / "examples/source.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    example.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.jpg", exif=exif)
    photograph = Photograph.taken(tmp_path / "phone.jpg", studio.detector)
    assert photograph.size == (64, 44)
    assert len(photograph.people) == 1
    told = photograph.told("x")
    assert told["name"] == "phone.jpg"
    assert told["image"].startswith("data:image/png;base64,")
    assert [joint is not None for joint in told["people"][0]["keypoints"]] == visible(
        photograph.people[0].keypoints
    ).tolist()


def test_nobody_is_found_in_a_landscape(studio, tmp_path):
    Image.new("L", (900, 300)).save(tmp_path / "sea.png")
    photograph = Photograph.taken(tmp_path / "sea.png", studio.detector)
    assert photograph.people == ()
    assert photograph.told("x")["people"] == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("notes.jpg", "notes.jpg is not a readable image; remove or replace it (it is none of JPEG, PNG, WEBP, BMP)."),
        ("bomb.png", "bomb.png is too large a picture: more than 50,331,648 pixels; make it smaller."),
    ],
)
def test_what_is_no_picture_is_refused_by_its_own_name(name, sentence, studio, tmp_path):
    path = tmp_path / name
    path.write_text("no picture") if name == "notes.jpg" else bomb(path)
    with pytest.raises(InputError) as told:
        Photograph.taken(path, studio.detector)
    assert str(told.value) == sentence


def test_a_page_holds_so_many_photographs_and_forgets_those_it_is_told_to(photographs):
    session = Session()
    names = [session.add(photographs["a"]) for _ in range(MOST_PHOTOGRAPHS)]
    with pytest.raises(InputError, match="remove some first"):
        session.add(photographs["a"])
    session.forget([*names[2:], "never there"])
    assert list(session.photographs) == names[:2]


def test_a_closed_page_is_stopped_and_forgotten(photographs):
    sessions = Sessions()
    session = sessions.of("page")
    session.add(photographs["a"])
    assert sessions.of("page") is session
    sessions.close("page")
    assert session.stopped.is_set()
    assert session.photographs == {}
    assert len(sessions) == 0
    sessions.close("page")  # twice, or one that never was


def test_pages_that_never_close_give_way(photographs):
    sessions = Sessions()
    first = sessions.of("first")
    for number in range(100):
        sessions.of(str(number))
    assert first.stopped.is_set()
    assert len(sessions) == 64


def test_a_server_that_ends_stops_its_pages_and_those_that_come(photographs):
    sessions = Sessions()
    session = sessions.of("page")
    sessions.stop()
    assert session.stopped.is_set()
    session.stopped.clear()  # as a drawing that was stopped does
    assert sessions.of("page").stopped.is_set()
    assert sessions.of("another").stopped.is_set()


def test_presets_are_people_within_their_frame():
    for name, pose in presets((256, 176)).items():
        found = visible(pose.keypoints)
        assert found.sum() >= 10, name
        assert (pose.keypoints[found] < (176, 256)).all(), name
    behind = presets((256, 176))["From behind"]
    assert not visible(behind.keypoints)[JOINTS.index("nose")]
