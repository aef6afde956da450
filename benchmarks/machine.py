"""Names of the machine that a measurement was made on."""

from __future__ import annotations

import platform
import re
from pathlib import Path


def cpu() -> str:
    """The processor's name, where the system tells it."""
    about = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", about.read_text()) if about.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def file_name(name: str) -> str:
    """A name as part of a file's."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
