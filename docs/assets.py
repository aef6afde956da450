"""Tells what a built site would load from elsewhere, by ``python docs/assets.py site``; exit code 1 if it does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

LOADED = {
    ".html": re.compile(r"""<(?!a\b)\w[^>]*\s(?:src|href|data|poster)=["']?((?:https?:)?//[^"'\s>]+)"""),
    ".css": re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)"""),
}


def elsewhere(site: Path) -> list[str]:
    """Each file and address that a page of the site loads from another server; links to follow are none.

    Args:
        site: The folder of the built site.
    """
    found = []
    for path in sorted(site.rglob("*")):
        if pattern := LOADED.get(path.suffix):
            found += [f"{path} loads {address}" for address in pattern.findall(path.read_text(encoding="utf-8"))]
    return found


if __name__ == "__main__":
    print("\n".join(lines := elsewhere(Path(sys.argv[1]))), end="\n" if lines else "")
    sys.exit(bool(lines))
