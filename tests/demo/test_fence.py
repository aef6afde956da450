"""What stands before Gradio's server."""

from __future__ import annotations

import asyncio

import pytest

from imagpose.demo.fence import Fence
from imagpose.errors import InputError
from imagpose.options import sockets

JOIN = "/gradio_api/queue/join"
LOCAL = {"host": "127.0.0.1:7860"}


def ask(path: str, headers: dict[str, str] = LOCAL, hosts=("127.0.0.1", "localhost", "[::1]"), body=(b"",)):
    """(status, headers, body) of what a fence says before a server that says what it is told."""
    sent, parts = [], list(body)

    async def behind(scope, receive, send):
        heard = b"" if scope["path"] != JOIN else (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": heard})

    async def receive():
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    asyncio.run(Fence(behind, hosts, 1000)(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[1]["body"]


@pytest.mark.parametrize("path", ["/", "/config", "/assets/index.js", "/gradio_api/queue/data", "/gradio_api/upload"])
def test_the_page_gets_through_and_may_load_nothing_from_elsewhere(path):
    status, headers, _ = ask(path)
    assert status == 200
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "http" not in headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd", "/gradio_api/file/etc/passwd", "/file=/etc/passwd", "/gradio_api/info",
        "/gradio_api/proxy=http://example.org", "/gradio_api/run-history/buckets", "/gradio_api/component_server",
        "/gradio_api/run/other", "/gradio_api/call/draw", "/docs", "/openapi.json", "/assets/../../../etc/passwd",
        "/gradio_api/dev/reload", "/login", "/monitoring", "",
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(path):
    assert ask(path)[0] == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:1", 200), ("localhost:7860", 200), ("localhost", 200), ("[::1]:7860", 200), ("[::1]", 200),
     ("LOCALHOST:7860", 200), ("evil.example", 421),
     ("127.0.0.1.evil.example:7860", 421), ("", 421)],
)  # fmt: skip
def test_a_page_from_elsewhere_cannot_reach_it_under_its_own_name(host, status):
    assert ask("/", {"host": host})[0] == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://127.0.0.1:7860", 200), ("https://127.0.0.1:7860", 200), ("http://127.0.0.1:8000", 403), ("null", 403),
     ("http://evil.example", 403), ("http://127.0.0.1:7860.evil.example", 403), ("", 403)],
)  # fmt: skip
@pytest.mark.parametrize("hosts", [("127.0.0.1",), ()])
def test_another_page_sets_nothing_off(origin, status, hosts):
    assert ask("/gradio_api/upload", {**LOCAL, "origin": origin}, hosts)[0] == status


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::1", "[::1]"), ("127.0.0.2", "127.0.0.2"),
     ("LocalHost", "localhost"), ("127.1", "127.0.0.1")],
)  # fmt: skip
def test_a_page_that_no_other_machine_reaches_has_known_names(host, name):
    try:
        listening = sockets.listen(host, 0)
    except InputError:
        pytest.skip(f"This machine has no {host}.")
    with listening:
        known = sockets.names(host, listening)
    assert {name, "localhost", "127.0.0.1", "[::1]"} <= set(known)


def test_a_page_that_others_reach_has_any_name():
    with sockets.listen("0.0.0.0", 0) as listening:
        assert sockets.names("0.0.0.0", listening) == ()


def test_whoever_lets_others_in_is_asked_for_by_any_name():
    assert ask("/", {"host": "studio.example:7860"}, hosts=())[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"content-length": "1000"}, 200), ({"content-length": "1001"}, 413), ({"content-length": "-1"}, 411),
     ({"transfer-encoding": "chunked"}, 411)],
)  # fmt: skip
def test_a_request_says_how_long_it_is(headers, status):
    assert ask("/gradio_api/upload", {**LOCAL, **headers})[0] == status


def test_what_is_sent_is_handed_on_unless_it_names_files():
    parts = (b'{"data": ["gradio.', b'"]}')
    assert ask(JOIN, body=parts)[::2] == (200, b"".join(parts))
    assert ask(JOIN, body=(b'{"data": ["gradio.', b'FileData"]}'))[0] == 400
    assert ask(JOIN, body=(b"[" * 100_000,))[0] == 400
    assert ask(JOIN, body=(b"no JSON",))[0] == 400


def test_sockets_of_the_web_are_closed():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Fence(None, (), 1)({"type": "websocket", "path": "/", "headers": []}, None, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
