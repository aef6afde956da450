"""How the program was started."""

import shutil
import sys
from pathlib import Path


def program() -> str:
    """``imagpose`` where its script was started, else ``python -m imagpose``."""
    return "imagpose" if Path(sys.argv[0]).stem == "imagpose" else "python -m imagpose"


def callable_words() -> list[str]:
    """:func:`program` as a shell knows it in the folder that this process works in: ``.venv/bin/python -m imagpose``.

    The interpreter is named by its place, below the folder where it lies there: a shell that has not activated an
    environment finds none of it by name.
    """
    if program() == "imagpose" and shutil.which("imagpose"):
        return ["imagpose"]
    python = Path(sys.executable)
    here = Path.cwd()
    return [str(python.relative_to(here) if python.is_relative_to(here) else python), "-m", "imagpose"]
