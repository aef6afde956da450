"""The page's server: Gradio's, behind the fence."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from collections.abc import Sequence
from typing import Any

import gradio
import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from imagpose.demo.drawing import is_drawing
from imagpose.demo.fence import ALIVE, Fence
from imagpose.demo.page import CSS, MOST_BYTES, THEME, page
from imagpose.demo.session import Sessions
from imagpose.demo.studio import Studio
from imagpose.options.sockets import names


def application(studio: Studio, hosts: Sequence[str], sessions: Sessions) -> Any:
    """What answers the browser.

    Args:
        studio: What the pages share.
        hosts: Names under which it may be asked for; none is any.
        sessions: Where the open pages are kept.
    """
    blocks = page(studio, sessions)
    own, name = FastAPI(docs_url=None, redoc_url=None, openapi_url=None), secrets.token_hex(8)

    @own.get(ALIVE)
    async def alive() -> PlainTextResponse:
        return PlainTextResponse(name)  # by which a page tells that it is another server's by now

    app = gradio.mount_gradio_app(
        own, blocks, "/", allowed_paths=[],
        max_file_size=MOST_BYTES, show_error=False, footer_links=[], run_history=False, ssr_mode=False, pwa=False,
        mcp_server=False, enable_monitoring=False, theme=THEME, css=CSS,
    )  # fmt: skip
    blocks.has_launched = True  # or Gradio would not look where files lie that it is told of
    return Fence(app, hosts, MOST_BYTES + 2**20)


class Server(uvicorn.Server):
    """Says nothing of what it is asked; once it is to end it stops what is being drawn, and ends.

    Args:
        app: :func:`application`.
        sessions: Its open pages.
    """

    def __init__(self, app: Any, sessions: Sessions) -> None:
        super().__init__(
            uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=2, lifespan="on")
        )
        self.sessions = sessions

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End after the step in progress: Python must not end while torch's threads are at work."""
        self.sessions.stop()
        while is_drawing() and not self.force_exit:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)  # in which the page hears that its drawing was stopped
        for connection in self.server_state.connections:
            connection.transport.close()  # a page listens for as long as it is open
        await super().shutdown(sockets)


def serve(studio: Studio, host: str, listening: socket.socket) -> None:
    """Answer until Ctrl-C, which a shell lets its background processes ignore and the server hears all the same."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sessions = Sessions()
    Server(application(studio, names(host, listening), sessions), sessions).run(sockets=[listening])
