"""Files and folders that are there whole or not at all, whoever else writes them and whenever a process is killed."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

_MACHINE = re.sub(r"[^\w.-]", "_", platform.node()) or "unnamed"
_OF_A_FILE = re.compile(r"\.(\d+)@(.+)\.[0-9a-f]{32}\.unfinished")  # its writer's process and machine
_UMASK = os.umask(0o077)
os.umask(_UMASK)  # there is no other way to read it
_STALE = 24 * 3600  # seconds after which a file of another machine, whose processes nobody here can see, is given up


def regular(path: Path) -> Path:
    """The same path, if a file or a link to one is there: a pipe would be waited for, and a device has no end.

    Raises:
        OSError: Nothing is there, or something else.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))
    return path


@contextmanager
def whole_file(path: Path, durable: bool = False) -> Iterator[Path]:
    """A place to write a file to; it gets its name at the end, or is deleted when something goes wrong.

    The place lies beside the file, as no other file system can be moved from in one step, and what had the name before
    is kept until then.

    Any number of processes may write the same file; the last one's stays. A device or a pipe, such as ``/dev/stdout``,
    is written to itself.

    Args:
        path: The file; its folder must be there.
        durable: Whether file and name are on the disk at the end, so that a power cut takes neither.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    try:
        path = path.resolve()  # what a link points to is replaced, not the link
    except RuntimeError as error:  # as it says it of a circle of links
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    unfinished = path.with_name(f".{os.getpid()}@{_MACHINE}.{uuid4().hex}.unfinished")
    try:
        yield unfinished
        _as_others(unfinished)
        if durable:
            _sync(unfinished)
        os.replace(unfinished, path)
        if durable:
            with suppress(OSError):  # some file systems sync no folder; the file itself is whole
                _sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def made_folder(path: Path) -> Iterator[None]:
    """Make a folder and those above it; whichever of them are still empty when something goes wrong are taken away.

    Args:
        path: The folder, which may be there.

    Raises:
        OSError: It cannot be made.
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it holds something, or was never made
                folder.rmdir()
        raise


def _as_others(path: Path) -> None:
    """Give a file the rights that a new one has here: some libraries write files that their owner alone may read."""
    path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o666 & ~_UMASK))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_unfinished(folder: Path) -> None:
    """Delete what killed processes left of files of :func:`whole_file` in a folder, and nothing that is being written.

    Args:
        folder: The folder itself is looked at, not those in it; it need not exist.
    """
    for path in folder.glob(".*.unfinished"):
        match = _OF_A_FILE.fullmatch(path.name)
        try:
            if match and (
                not _runs(int(match[1])) if match[2] == _MACHINE else time.time() - path.stat().st_mtime > _STALE
            ):
                path.unlink()
        except OSError:  # another process was quicker, or nobody may delete here: it disturbs nothing
            continue


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """A folder beside another, for what is moved into that one; call it inside :func:`alone` with the same path.

    What a killed process left of the same kind is deleted first.

    Args:
        path: The other folder, which need not be there; its parent must be.
    """
    left_over = re.compile(rf"\.{re.escape(path.name)}(\.[0-9a-f]{{32}})?\.unfinished")
    for other in path.parent.glob(".*.unfinished"):
        if left_over.fullmatch(other.name):
            shutil.rmtree(other, ignore_errors=True)
    # Of another name each time: a killed process's workers may still be writing into their own.
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.unfinished")
    unfinished.mkdir()
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes another's place at the end, or is deleted when something goes wrong.

    What had the place before is kept until then. Of several processes one writes at a time; the last one's stays.

    Args:
        path: The place, empty or not; its parent is made where it is not there.

    Raises:
        OSError: It cannot be made or replaced; what was there is there again.
    """
    with alone(path, f"writing {path}"), scratch_folder(path) as scratch:
        new = scratch / "new"
        new.mkdir()
        yield new
        _replace_folder(new, path, scratch)


def _replace_folder(new: Path, path: Path, scratch: Path) -> None:
    for file in new.rglob("*"):
        if file.is_file():
            _as_others(file)
    old = scratch / "old"
    if path.exists():
        path.rename(old)
    try:
        new.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise


@contextmanager
def alone(path: Path, doing: str) -> Iterator[None]:
    """Let processes that make the same file or folder wait for each other; who waits says so.

    Args:
        path: What is made; the lock lies beside it, stays there, and is let go of by a process that is killed.
        doing: What the other process does, for the sentence of who waits, such as ``drawing data/mannequins``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if not Path(lock.lock_file).exists():  # as in /proc: it would be waited for in vain
            raise FileNotFoundError(errno.ENOENT, "no file can be made there", lock.lock_file) from None
        print(f"Another process is {doing}; waiting for it.", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path, durable=True) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
