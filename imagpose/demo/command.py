"""``imagpose demo``: the page and its server, until Ctrl-C."""

from __future__ import annotations

import os
import tempfile
import threading
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from imagpose.data.pose_detector import DetectorName
from imagpose.errors import InputError
from imagpose.generation.loading import load
from imagpose.generation.model import Model, Trained, fingerprint
from imagpose.options.ranges import Port
from imagpose.options.sockets import address, listen


@dataclass(frozen=True, kw_only=True)
class DemoRequest(Model):
    """Where the page is, and what draws on it.

    Attributes:
        host: The address that it listens at; 0.0.0.0 lets other machines in, without a password.
        port: 0 takes one that is free.
        open: Open it in a browser.
        detector: What finds the joints of a photograph: mannequin, rtmlib or blazepose; the one that fits the model
            unless given.
    """

    host: str = "127.0.0.1"
    port: Port = 7860
    open: bool = False
    detector: DetectorName | None = None


def demo(request: DemoRequest) -> None:
    """Open a page in the browser on which photographs are drawn in new poses.

    Raises:
        InputError: Gradio is not installed, there is no such model or detector, or the port is taken.
        KeyboardInterrupt: It was asked to end, which is how it is meant to.
    """
    trained, weights = Trained.of(request), fingerprint(request)  # a mistake is told before anything is loaded
    listening = listen(request.host, request.port)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # it would phone home when it is imported
    with tempfile.TemporaryDirectory(prefix="imagpose-demo-") as scratch, listening:
        os.environ["GRADIO_TEMP_DIR"] = scratch  # where uploads land until they are read
        try:
            from imagpose.demo import server
        except ModuleNotFoundError as error:
            if error.name and error.name.startswith("imagpose"):
                raise
            raise InputError(
                f"The page needs {error.name}, which is not installed; make demo installs it, and so does "
                "pip install 'imagpose[demo]'."
            ) from error
        from imagpose.demo.studio import Studio

        studio = Studio.of(request, load(request), trained, weights, Path(scratch))
        place = address(request.host, listening)
        print(f"The page is at {place}; Ctrl-C closes it.", flush=True)
        if request.open:
            # A browser of the terminal comes back when it is left, and needs the page meanwhile.
            threading.Thread(target=webbrowser.open, args=(place,), name="browser", daemon=True).start()
        server.serve(studio, request.host, listening)
