"""The page's server: Gradio's, behind the fence."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import gradio
import uvicorn
from fastapi import FastAPI

from imagpose.demo.fence import Fence
from imagpose.demo.page import CSS, MOST_BYTES, THEME, page
from imagpose.demo.session import Sessions
from imagpose.demo.studio import Studio
from imagpose.options.sockets import names


def application(studio: Studio, hosts: Sequence[str], sessions: Sessions | None = None) -> Any:
    """What answers the browser.

    Args:
        studio: What the pages share.
        hosts: Names under which it may be asked for; none is any.
        sessions: Where the open pages are kept.
    """
    blocks = page(studio, Sessions() if sessions is None else sessions)
    app = gradio.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None), blocks, "/", allowed_paths=[],
        max_file_size=MOST_BYTES, show_error=False, footer_links=[], run_history=False, ssr_mode=False, pwa=False,
        mcp_server=False, enable_monitoring=False, theme=THEME, css=CSS,
    )  # fmt: skip
    blocks.has_launched = True  # or Gradio would not look where files lie that it is told of
    return Fence(app, hosts, MOST_BYTES + 2**20)


def serve(studio: Studio, host: str, listening: socket.socket) -> None:
    """Answer until Ctrl-C."""
    server(application(studio, names(host, listening))).run(sockets=[listening])


def server(app: Any) -> uvicorn.Server:
    """A server that says nothing of what it is asked."""
    return uvicorn.Server(
        uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=2, lifespan="on")
    )
