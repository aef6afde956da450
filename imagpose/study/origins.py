"""Who may ask the server: a study's own page alone, under the server's own names."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from imagpose.options.sockets import is_own


class OwnPage:
    """Refuses what other sites' pages ask a rater's browser to send, which would make raters and votes.

    A browser tells of which page a request is (Origin), and under which name it found the server (Host). A page from
    elsewhere has another origin; or, if its name was made to lead to this machine, another host.

    Args:
        app: The server.
        local: Whether it is reached from its own machine alone, and so by no other name than that.
        name: The name under which a proxy hands requests on to it all the same.
    """

    def __init__(self, app: ASGIApp, local: bool, name: str | None = None) -> None:
        self.app, self.local, self.name = app, local, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (JSONResponse({"error": refusal}, 403) if refusal else self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        said = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        host, origin = said.get(b"host", ""), said.get(b"origin")
        if self.local and not _is_local(host) and _name(host) != (self.name or "").lower():
            return "This study is not served under that name; open the address that study serve prints."
        if not is_own(host, origin):
            return "This comes from another page than the study's own; open the study's."
        return None


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_local(host: str) -> bool:
    name = _name(host)
    try:
        return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False
