"""Everything of one drawing in one file: pictures, what they were drawn from, and the command that draws them again."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

FOLDER = "imagpose-drawing"
"""In which everything of the file lies."""
_READ_ME = """The pictures in images/ are synthetic; each says so in its metadata, and by which model and settings.
Unpacked in the folder in which the page was started, this draws them again there, into generated/images:

{command}
"""


def pack(folder: Path, command: str) -> bytes:
    """A zip file of a folder and the command.

    Args:
        folder: Of a drawing: pictures, photographs and pose files, all under names of ours.
        command: That draws the same again.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FOLDER}/README.txt", _READ_ME.format(command=command))
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{FOLDER}/{path.relative_to(folder).as_posix()}")
    return file.getvalue()
