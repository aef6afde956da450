"""What the page sets off, as Gradio would call it: what waits, what is cancelled, and what fails."""

from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

from imagpose.demo.session import MOST_PHOTOGRAPHS, Sessions
from tests.conftest import ROOT
from tests.demo.conftest import files_below

gradio = pytest.importorskip("gradio", reason="Gradio is not installed: make demo.")

from imagpose.demo import acts as module  # noqa: E402 - it needs Gradio
from imagpose.demo.acts import Acts  # noqa: E402

PAGE = SimpleNamespace(session_hash="page")
SETTINGS = ("auto", "letterbox", 2, 2.0, 0)


@pytest.fixture
def acts(studio) -> Acts:
    return Acts(studio, Sessions())


@pytest.fixture
def session(acts):
    return acts.sessions.of("page")


@pytest.fixture
def drawn(session, state, photographs):
    """The editor's value of a page whose session holds what it names."""
    session.photographs.update(photographs)
    return state


def upload(acts, name: str, state=None, role: str = "source") -> dict:
    path = acts.studio.scratch / name
    path.write_bytes((ROOT / "examples/source.jpg").read_bytes())
    return acts.receive({"number": 1, "role": role, "paths": [str(path)]}, state, PAGE)


def test_an_upload_tells_who_was_found(acts, monkeypatch):
    assert upload(acts, "one.jpg")["found"] == "Found 1 person in one.jpg."
    once = acts.studio.detector.detect
    monkeypatch.setattr(type(acts.studio.detector), "detect", lambda self, picture: 2 * once(picture))
    assert upload(acts, "two.jpg")["found"] == "Found 2 people in two.jpg."
    monkeypatch.setattr(type(acts.studio.detector), "detect", lambda self, picture: [])
    told = upload(acts, "none.jpg")
    assert (told["found"], len(told["says"])) == ("", 1)


def states(news) -> list[str]:
    return [one["state"] for one in news]


def test_what_came_while_an_upload_waited_is_kept_and_what_was_removed_is_not(acts, session):
    before = {"photographs": [], "poses": [], "known": []}
    (first,) = upload(acts, "one.jpg", before)["photographs"]
    (second,) = upload(acts, "two.jpg", before)["photographs"]  # chosen before the page was told of the first
    assert set(session.photographs) == {first["id"], second["id"]}
    after = {"photographs": [{"id": second["id"]}], "poses": [], "known": [first["id"], second["id"]]}
    (third,) = upload(acts, "three.jpg", after)["photographs"]
    assert set(session.photographs) == {second["id"], third["id"]}


def test_uploads_that_waited_count_among_the_photographs_of_a_person(acts):
    before = {"photographs": [], "poses": [], "known": []}
    for name in ("one.jpg", "two.jpg", "three.jpg"):
        assert upload(acts, name, before)["says"] == []
    assert upload(acts, "four.jpg", before, "pose")["says"] == []
    (sentence,) = upload(acts, "five.jpg", before)["says"]
    assert sentence.startswith("There is 1 file and 3 here already; a person is drawn from 3 photographs at most")


def test_a_drawing_that_is_cancelled_while_it_waits_does_not_go_on(acts, session, drawn):
    _, draw, cancel = acts.begin(PAGE)
    assert (draw.interactive, cancel.interactive) == (False, True)
    acts.cancel(PAGE)
    assert states(acts.draw(drawn, *SETTINGS, PAGE))[-1] == "stopped"
    _, draw, cancel = acts.end(PAGE)
    assert (draw.interactive, cancel.interactive) == (True, False)
    acts.begin(PAGE)
    assert states(acts.draw(drawn, *SETTINGS, PAGE))[-1] == "done"


def test_a_drawing_that_was_not_let_in_is_one_sentence(acts):
    acts.begin(PAGE)
    told, draw, _ = acts.end(PAGE)
    assert told["says"] == "Too many are waiting for the model; draw again in a while."
    assert draw.interactive


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/secret"),
            "The server's files cannot be read or written (No",
        ),
        (RuntimeError("CUDA out of memory.\nTried"), "The model or the detector failed (CUDA out of memory. Tried)"),
        (ZeroDivisionError("x"), "This is a fault of the page (ZeroDivisionError)"),
    ],
)
def test_what_the_machine_lacks_is_one_sentence(acts, session, drawn, error, start, monkeypatch):
    def fails(*arguments, **named):
        raise error

    monkeypatch.setattr("imagpose.demo.drawing.draw_together", fails)
    *_, told = acts.draw(drawn, *SETTINGS, PAGE)
    assert told["state"] == "refused"
    assert told["says"].startswith(start)
    assert "/secret" not in told["says"]

    monkeypatch.setattr(module.Photograph, "taken", fails)
    assert upload(acts, "one.jpg")["says"][0].startswith(start)
    assert files_below(acts.studio.scratch) == []


def test_a_mannequin_that_finds_no_room_is_one_sentence_and_leaves_nothing(acts, session, photographs):
    for _ in range(MOST_PHOTOGRAPHS - 1):
        session.add(photographs["a"])
    told = acts.example(None, PAGE)
    assert told["photographs"] == []
    assert "remove some first" in told["says"][0]
    assert len(session.photographs) == MOST_PHOTOGRAPHS - 1


def test_two_pages_give_the_same_file(acts):
    for number, page in ((1, PAGE), (22, SimpleNamespace(session_hash="other"))):
        path = acts.studio.scratch / f"upload-{number}-me.jpg"
        path.write_bytes((ROOT / "examples/source.jpg").read_bytes())
        told = acts.receive({"number": 1, "role": "source", "paths": [str(path)]}, None, page)
        assert [one["name"] for one in told["photographs"]] == ["me.jpg"]


def test_all_pages_hold_so_many_bytes(acts, session, photographs, monkeypatch):
    acts.sessions.of("other").add(photographs["a"])
    monkeypatch.setattr("imagpose.demo.session.MOST_BYTES", photographs["a"].bytes + 100)
    told = upload(acts, "me.jpg")
    assert told["photographs"] == []
    assert told["says"][0].startswith("me.jpg finds no room: all open pages together hold")
    acts.sessions.close("other")
    monkeypatch.setattr("imagpose.demo.session.MOST_BYTES", 2**20)
    assert upload(acts, "me.jpg")["says"] == []
