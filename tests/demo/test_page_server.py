"""The page's server asked by others than its page."""

from __future__ import annotations

import io
import json
import socket
import threading
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

from imagpose.__main__ import main
from imagpose.demo.session import Sessions
from imagpose.options import sockets
from tests.conftest import ROOT
from tests.demo.conftest import files_below, studio_in

pytest.importorskip("gradio", reason="Gradio is not installed: make demo.")


@pytest.fixture(scope="module")
def served(pipe, tmp_path_factory):
    """The address of a server, with its sessions and the folder that uploads land in."""
    scratch, sessions = tmp_path_factory.mktemp("served") / "scratch", Sessions()
    studio = studio_in(scratch, pipe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("GRADIO_TEMP_DIR", str(scratch))
        from imagpose.demo import server

        listening = sockets.listen("127.0.0.1", 0)
        app = server.application(studio, sockets.names("127.0.0.1", listening), sessions)
        running = server.Server(app, sessions)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        yield sockets.address("127.0.0.1", listening), sessions, scratch
        running.should_exit = True
        thread.join()


SETTINGS = ("auto", "letterbox", 2, 2, 0)


def get(address: str, data: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(address, data, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def upload(address: str, *files: tuple[str, bytes]) -> tuple[int, str]:
    border = uuid.uuid4().hex
    body = io.BytesIO()
    for name, content in files:
        body.write(f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode())
        body.write(content + b"\r\n")
    body.write(f"--{border}--\r\n".encode())
    return get(f"{address}/gradio_api/upload", body.getvalue(), Content_Type=f"multipart/form-data; boundary={border}")


def number_of(address: str, act: str) -> int:
    """Of the event that an act of :mod:`imagpose.demo.acts` answers."""
    config = json.loads(get(f"{address}/config")[1])
    kinds = {"receive": ("uploads", "upload"), "example": ("uploads", "example"), "draw": ("", "then")}
    ids = {one["props"].get("elem_id"): one["id"] for one in config["components"]}
    element, event = kinds[act]
    return next(
        one["id"] for one in config["dependencies"]
        for target in one["targets"] if target[1] == event and (not element or target[0] == ids[element])
    )  # fmt: skip


def call(address: str, act: str, *data) -> list[dict]:
    """What the server sends a page that sets off an act."""
    page = uuid.uuid4().hex[:10]
    body = {"data": data, "fn_index": number_of(address, act), "session_hash": page, "trigger_id": None}
    status, told = get(f"{address}/gradio_api/queue/join", json.dumps(body).encode(), Content_Type="application/json")
    assert status == 200, told
    _, stream = get(f"{address}/gradio_api/queue/data?session_hash={page}")
    return [json.loads(line[5:]) for line in stream.splitlines() if line.startswith("data:")]


def received(events: list[dict]) -> dict:
    (end,) = [one for one in events if one["msg"] == "process_completed"]
    return end["output"]["data"][0] if end["success"] else end["output"]


def given(*paths: str, role: str = "source") -> dict:
    """What the page says of its uploads."""
    return {"number": 1, "role": role, "paths": paths}


def test_an_upload_is_read_and_deleted(served):
    address, _, scratch = served
    status, paths = upload(address, ("me.jpg", (ROOT / "examples/source.jpg").read_bytes()))
    assert status == 200
    told = received(call(address, "receive", given(*json.loads(paths)), {"photographs": [], "poses": []}))
    (photograph,) = told["photographs"]
    assert (photograph["name"], photograph["size"], photograph["role"]) == ("me.jpg", [64, 44], "source")
    assert told["says"] == []
    assert files_below(scratch) == []


@pytest.mark.parametrize("place", ["/etc/passwd", str(ROOT / "examples/source.jpg"), "../source.jpg", "", "\0"])
def test_a_file_that_was_not_uploaded_is_not_read(place, served):
    address, _, scratch = served
    told = received(call(address, "receive", given(place), None))
    assert told["photographs"] == []
    assert len(told["says"]) == 1
    assert str(scratch) not in told["says"][0]
    assert (ROOT / "examples/source.jpg").exists()


@pytest.mark.parametrize("place", [str(ROOT / "examples/source.jpg"), "http://example.org/a.png"])
@pytest.mark.parametrize("mark", ["gradio.FileData", "gradio.File\\u0044ata"])
def test_gradio_copies_no_file_that_a_page_names(place, mark, served):
    address, _, scratch = served
    body = json.dumps({"data": [{"path": place, "meta": {"_type": "MARK"}}, None], "fn_index": 0, "session_hash": "x"})
    body = body.replace("MARK", mark.replace("\\\\", "\\")).encode()
    assert json.loads(body)["data"][0]["meta"]["_type"] == "gradio.FileData"
    for where in ("queue/join", "run/predict"):
        answer = get(f"{address}/gradio_api/{where}", body, Content_Type="application/json")
        assert answer == (400, "This page names no files.")
    assert files_below(scratch) == []


@pytest.mark.parametrize(
    "name", ["../../../evil.png", "/tmp/evil.png", "..%2f..%2fevil.png", "a/../../evil.png", "<b>x</b>.png"]
)
def test_a_path_in_a_file_s_name_leads_nowhere(name, served):
    address, _, scratch = served
    outside = set(scratch.parent.iterdir())
    status, paths = upload(address, (name, (ROOT / "examples/source.jpg").read_bytes()))
    assert status == 200
    (path,) = json.loads(paths)
    assert Path(path).resolve().is_relative_to(scratch.resolve())
    assert set(scratch.parent.iterdir()) == outside
    assert not Path("/tmp/evil.png").exists()
    (photograph,) = received(call(address, "receive", given(path), None))["photographs"]
    assert "/" not in photograph["name"]


def test_fifty_files_at_once_are_one_sentence_and_none_is_kept(served):
    address, _, scratch = served
    picture = (ROOT / "examples/source.jpg").read_bytes()
    status, paths = upload(address, *((f"{i}.jpg", picture + bytes([i])) for i in range(50)))
    assert status == 200
    told = received(call(address, "receive", given(*json.loads(paths)), None))
    assert told["says"] == [
        "There are 50 files; a person is drawn from 3 photographs at most, so choose fewer or remove some."
    ]
    assert told["photographs"] == []
    assert files_below(scratch) == []


def test_what_is_too_large_is_refused_before_it_is_kept(served):
    address, _, scratch = served
    status, told = upload(address, ("large.png", bytes(32 * 2**20 + 1)))
    assert status == 413
    assert files_below(scratch) == []
    status, told = get(f"{address}/gradio_api/upload", b"", Content_Length=str(2**40))
    assert (status, told) == (413, "That is more than 33 MB; send smaller or fewer pictures.")


@pytest.mark.parametrize("state", [None, [], {"photographs": 3}, {"photographs": [{"id": {}}], "poses": [None]}, "x"])
def test_an_editor_s_value_that_is_none_is_one_sentence(state, served):
    address, *_ = served
    assert received(call(address, "example", state))["photographs"][0]["role"] == "source"
    first = next(one for one in call(address, "draw", state, *SETTINGS) if one["msg"] == "process_generating")
    told = first["output"]["data"][0]
    assert told["state"] == "refused"
    assert told["says"].startswith(("The page sent what", "There is no photograph"))


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("value", [-3.5, 1e30, None, "many", "", True])
def test_any_number_of_a_page_is_answered_in_its_own_words(place, value, served, state, photographs, monkeypatch):
    address, sessions, _ = served
    of = sessions.of

    def known(page):
        session = of(page)
        session.photographs.update(photographs)
        return session

    monkeypatch.setattr(sessions, "of", known)
    settings = list(SETTINGS)
    settings[2 + place] = value
    if (place, value) == (1, 1e30):
        pytest.skip("Any guidance is one.")
    first = next(one for one in call(address, "draw", state, *settings) if one["msg"] == "process_generating")
    told = first["output"]["data"][0]
    assert told["state"] == "refused"
    assert told["says"].startswith(("The number of denoising steps is ", "The guidance w is ", "The seed is ")[place])


def test_a_page_is_told_which_run_of_the_server_it_asks(served):
    address, *_ = served
    first, second = get(f"{address}/alive"), get(f"{address}/alive")
    assert first == second
    assert first[0] == 200
    assert len(first[1]) == 16


def test_a_page_is_forgotten_when_its_heartbeat_ends(served):
    address, sessions, _ = served
    host, port = address.removeprefix("http://").split(":")
    sessions.of("page").photographs["a"] = None
    with socket.create_connection((host, int(port))) as heart:
        heart.sendall(f"GET /gradio_api/heartbeat/page HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        assert b"200" in heart.recv(100)
        assert "page" in sessions
    waited = 0.0
    while "page" in sessions and waited < 20:
        threading.Event().wait(0.1)
        waited += 0.1
    assert "page" not in sessions


def test_a_port_that_is_taken_is_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["demo", "--port", str(port)]) == 2
    assert capsys.readouterr().err.startswith(f"Error: Nothing can listen at 127.0.0.1, port {port} (Address already")
