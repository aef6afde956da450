"""Finding a dataset's files: one listing of each folder, never a look at each file, and never outside of the root."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from imagpose.errors import InputError


class Link(NamedTuple):
    """A path relative to the root that a symbolic link leads out of it, and where to."""

    path: str
    target: str


class Files(NamedTuple):
    """What was found.

    Attributes:
        paths: Path relative to the root, by name.
        links: What leads out of the root; it is not followed.
    """

    paths: dict[str, str]
    links: list[Link]


def find_files(
    root: Path, folders: Sequence[str], endings: tuple[str, ...], name_of: Callable[[str], str | None]
) -> Files:
    """Find files below some folders of a root.

    Args:
        root: The dataset folder.
        folders: Folders relative to the root, those that there are; of two that hold a name, the earlier counts.
        endings: How the names of the files to look at end, in small letters, such as ``.jpg``.
        name_of: A file's name in the index, from its path; None for what is no image of the dataset.

    Raises:
        InputError: A folder cannot be read.
    """
    files = Files({}, [])
    inside = os.path.realpath(root)
    seen: set[str] = set()  # links into the root may lead round in a circle
    for folder in folders:
        top = f"{root}/{folder}"
        if not os.path.isdir(top):
            continue
        if leaves(top, inside):  # it or a folder above it
            files.links.append(Link(folder, os.path.realpath(top)))
        else:
            for path in _walk(str(root), folder, inside, seen, files.links):
                if path.lower().endswith(endings) and (name := name_of(path)) is not None:
                    files.paths.setdefault(name, path)
    return files


def leaves_root(root: Path, name: str) -> bool:
    """Whether a name as written in a list leads out of the dataset folder: by ``..``, or as an absolute path."""
    if not name.startswith(os.sep) and ".." not in name:  # nearly all
        return False
    top = os.path.abspath(root)
    return not os.path.normpath(os.path.join(top, name)).startswith(top + os.sep)


def leaves(path: str | Path, inside: str) -> bool:
    """Whether a path, all links followed, lies outside of a folder, which is named by its real path."""
    return not (os.path.realpath(path) + os.sep).startswith(inside + os.sep)


def _walk(root: str, folder: str, inside: str, seen: set[str], links: list[Link]) -> list[str]:
    """All files below a folder, in alphabetical order; links that leave the root are put into ``links``."""
    try:
        with os.scandir(f"{root}/{folder}") as found:
            entries = sorted(found, key=attrgetter("name"))
    except OSError as error:
        raise InputError(f"{root}/{folder} cannot be read ({error.strerror}); make it readable.") from error
    paths = []
    for entry in entries:
        path = f"{folder}/{entry.name}"
        if entry.is_symlink():
            real = os.path.realpath(entry.path)
            if leaves(entry.path, inside):
                links.append(Link(path, real))
                continue
            if not os.path.exists(real):  # it leads nowhere, or round in a circle
                continue
            if entry.is_dir():
                if real in seen:
                    continue
                seen.add(real)
        if entry.is_dir():
            paths += _walk(root, path, inside, seen, links)
        elif entry.is_file():  # to open a pipe would wait for ever
            paths.append(path)
    return paths
