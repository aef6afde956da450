"""How the program was started."""

import sys
from pathlib import Path


def program() -> str:
    """``imagpose`` where its script was started, else ``python -m imagpose``."""
    return "imagpose" if Path(sys.argv[0]).stem == "imagpose" else "python -m imagpose"
