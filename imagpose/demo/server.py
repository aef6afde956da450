"""The page's server: one address, bound before anything is loaded, and nothing left when it ends."""

from __future__ import annotations

import socket
from typing import Any

import gradio
import uvicorn
from fastapi import FastAPI

from imagpose.demo.fence import Fence
from imagpose.demo.page import CSS, MOST_BYTES, THEME, page
from imagpose.demo.session import Sessions
from imagpose.demo.studio import Studio
from imagpose.errors import InputError

_LOCAL = ("127.0.0.1", "localhost", "[::1]")


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address, before the model is loaded: who is told that it is taken need not wait.

    Raises:
        InputError: It is taken, or no address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, place = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen()  # who comes early waits
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"Nothing can listen at {host}, port {port} ({reason}); name another --port, or --port 0 for any that is "
            "free."
        ) from error
    return listening


def address(host: str, listening: socket.socket) -> str:
    """The page's address for a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def application(studio: Studio, host: str, sessions: Sessions | None = None) -> Any:
    """What answers the browser.

    Args:
        studio: What the pages share.
        host: The address that is listened at; one that is not local may be called by any name.
        sessions: Where the open pages are kept.
    """
    blocks = page(studio, Sessions() if sessions is None else sessions)
    app = gradio.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None), blocks, "/", allowed_paths=[],
        max_file_size=MOST_BYTES, show_error=False, footer_links=[], run_history=False, ssr_mode=False, pwa=False,
        mcp_server=False, enable_monitoring=False, theme=THEME, css=CSS,
    )  # fmt: skip
    blocks.has_launched = True  # or Gradio would not look where files lie that it is told of
    hosts = _LOCAL if host in _LOCAL else ()
    return Fence(app, hosts, MOST_BYTES + 2**20)


def serve(studio: Studio, host: str, listening: socket.socket) -> None:
    """Answer until Ctrl-C."""
    server(application(studio, host)).run(sockets=[listening])


def server(app: Any) -> uvicorn.Server:
    """A server that says nothing of what it is asked."""
    return uvicorn.Server(
        uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=2, lifespan="on")
    )
