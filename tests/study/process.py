"""A study's server as a process of its own, which can be killed."""

from __future__ import annotations

import base64
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT

_SERVE = "import sys, uvicorn; from pathlib import Path; from imagpose.study.server import application; \
uvicorn.run(application(Path(sys.argv[1])), port=int(sys.argv[2]), log_level='error')"


def token(number: int) -> str:
    return base64.urlsafe_b64encode(random.Random(number).randbytes(16)).decode()[:22]


class Server:
    """The server as a process, which can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(self.folder), str(self.port)], env=environment
        )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def wait(self) -> None:
        """Until it answers."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError(self.address)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
