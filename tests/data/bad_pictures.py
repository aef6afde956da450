"""Files that are no pictures, each made in the place of one."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from PIL import Image


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(height: int, width: int, *further: bytes) -> bytes:
    """A grey PNG's header, further chunks, and pixels of a few rows at most."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compress(b"\0" * (width + 1) * min(height, 64))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(further) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _bytes(content: bytes):
    return lambda path, outside: path.write_bytes(content)


def _truncated(path: Path, outside: Path) -> None:
    Image.effect_noise((44, 64), 50).convert("RGB").save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:700])


def _link_out(path: Path, outside: Path) -> None:
    Image.new("RGB", (44, 64)).save(outside / "secret.png")
    path.symlink_to(outside / "secret.png")


def _linked_pipe(path: Path, outside: Path) -> None:
    os.mkfifo(path.with_name("a_pipe"))
    path.symlink_to("a_pipe")


BAD = {
    "nothing": _bytes(b""),
    "text": _bytes(b"no image"),
    "truncated": _truncated,
    "postscript": _bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"),
    "texts that explode": _bytes(png(64, 44, _chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2**22)))),
    "too large": _bytes(png(8000, 8000)),
    "much too large": _bytes(png(60_000, 60_000)),
    "a folder": lambda path, outside: path.mkdir(),
    "a pipe": lambda path, outside: os.mkfifo(path),
    "a link to a pipe": _linked_pipe,
    "a device": lambda path, outside: path.symlink_to("/dev/zero"),
    "a circle of links": lambda path, outside: path.symlink_to(path),
}
"""Makes a file by its path; ``outside`` is a folder for what lies elsewhere."""

OUTSIDE = {"a link out": _link_out}
"""What is no picture of a folder, but may be a user's own."""
