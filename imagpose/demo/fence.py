"""Who may reach what of the page's server: its own page alone, and only what the page needs."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from imagpose.options.sockets import is_own

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ALIVE = "/alive"
"""Where a page asks whether its server still runs."""
_PAGES = ("/", ALIVE, "/config", "/theme.css", "/favicon.ico", "/manifest.json")
_FOLDERS = ("/assets/", "/static/", "/svelte/")
_API = (
    "queue/join", "queue/data", "run/predict", "upload", "upload_progress", "startup-events", "cancel", "reset",
    "heartbeat/", "app_id",
)  # fmt: skip
_SENT_AS_JSON = ("queue/join", "run/predict")
_NOTHING_FROM_ELSEWHERE = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob:; font-src 'self' data:; "
    "object-src 'none'; frame-ancestors 'none'; form-action 'self'"
)  # Gradio evaluates its templates
_HEADERS = {
    "content-security-policy": _NOTHING_FROM_ELSEWHERE, "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer", "cross-origin-resource-policy": "same-origin",
}  # fmt: skip


class Fence:
    """Stands before Gradio's server.

    Gradio can serve files by their path, fetch addresses for whoever asks, and keep a history of runs; the page needs
    none of it, so it is not there. Nor may what is sent name a file or an address as Gradio's own parts do, which it
    would copy from wherever it is. A request that names another host is refused: a page from elsewhere would reach the
    local address under its own name; and so is one that another page sets off. What a browser gets may load nothing
    from another address.

    Args:
        app: Gradio's server.
        hosts: Names under which this one may be asked for; none is any.
        most_bytes: Of one request.
    """

    def __init__(self, app: App, hosts: Sequence[str], most_bytes: int) -> None:
        self.app, self.hosts, self.most_bytes = app, hosts, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif refusal := self._refusal(scope):
            await _answer(send, *refusal)
        elif scope["path"].endswith(_SENT_AS_JSON):
            body = await _whole(receive)
            if _names_files(body):
                await _answer(send, 400, "This page names no files.")
            else:
                await self.app(scope, _again(body, receive), _with_headers(send))
        else:
            await self.app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        place = headers.get(b"host", "").lower()
        host = re.sub(r":\d*$", "", place)
        if self.hosts and host not in self.hosts:
            return 421, f"This page is not at {host[:100]}."
        if not is_own(place, headers.get(b"origin")):
            return 403, "Another page asks for this one; open it by itself."
        if not _is_known(scope["path"]):
            return 404, "There is nothing here."
        length = headers.get(b"content-length", "0")
        if "chunked" in headers.get(b"transfer-encoding", "") or not length.isdecimal():
            return 411, "The length of what is sent must be told."
        if int(length) > self.most_bytes:
            return 413, f"That is more than {self.most_bytes // 2**20} MB; send smaller or fewer pictures."
        return None


def _is_known(path: str) -> bool:
    if path in _PAGES or path.startswith(_FOLDERS):
        return ".." not in path
    prefix, _, rest = path.partition("/gradio_api/")
    return not prefix and any(rest == one or (one.endswith("/") and rest.startswith(one)) for one in _API)


async def _whole(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hands on what was received before, and then whatever follows."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> MutableMapping[str, Any]:
        return left.pop() if left else await receive()

    return received


def _names_files(body: bytes) -> bool:
    """Whether something in it has the mark of Gradio's files, however it is spelled; or it cannot be told."""
    try:
        return "gradio.FileData" in json.dumps(json.loads(body))
    except (ValueError, RecursionError):
        return True


def _with_headers(send: Send) -> Send:
    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *own]
        await send(message)

    return sent


async def _answer(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
