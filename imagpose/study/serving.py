"""``imagpose study serve``: a study's questions in the browser."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from imagpose.errors import InputError
from imagpose.options.ranges import Port, check_arguments
from imagpose.options.sockets import is_local, listen
from imagpose.study.needs import needed
from imagpose.study.questions import read_study

_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True)
class ServingRequest:
    """A study to show.

    Attributes:
        study: Its folder.
        port: Of the address.
        host: Who may open it: 127.0.0.1 is this machine alone, 0.0.0.0 whoever reaches it.
        name: The name of a proxy on this machine under which others open it, such as study.example.org.
    """

    study: Path = Path("study")
    _: KW_ONLY
    port: Port = 8000
    host: str = "127.0.0.1"
    name: str | None = None

    def __post_init__(self) -> None:
        check_arguments(type(self), vars(self), "--")
        if not self.host.strip():
            raise InputError("--host is empty; it must be an address of this machine, such as 127.0.0.1.")
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise InputError(
                f"--name is {self.name!r}; it must be a host's name alone, such as study.example.org, without http:// "
                "and port."
            )


def serve(request: ServingRequest) -> None:
    """Show a study's questions in the browser, to several raters at once, and keep their votes.

    Raises:
        InputError: There is no study, or the address cannot be had.
    """
    uvicorn = needed("uvicorn")
    needed("starlette")
    from imagpose.study.server import application

    read_study(request.study)  # a mistake is told before anything else
    with listen(request.host, request.port) as listener:
        host, port = listener.getsockname()[:2]
        local = is_local(listener)
        asking = application(request.study, local, request.name)
        place = f"[{host}]" if ":" in host else host
        print(f"The study in {request.study} is at http://{place}:{port}/ until Ctrl-C.", flush=True)
        if not local:
            print("Note: whoever reaches this machine can take part, and nothing is encrypted.", flush=True)
        uvicorn.Server(uvicorn.Config(asking, log_level="warning", access_log=False)).run(sockets=[listener])
