"""A table of the paper with our rows beside it."""

from pathlib import Path
from typing import Any


def render(table: str, results: Path, scale: str = "tiny") -> Any:
    """To come."""
