"""Lists of pairs and of groups, as the field's projects keep them; names stay as they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from imagpose.data.text import Listing, read_json_list, read_rows
from imagpose.errors import InputError


class Pair(NamedTuple):
    """One target and the sources that a file gives it.

    Attributes:
        row: In the file.
        target: Name of the image to be generated.
        sources: Names of images of the same person; at least one.
    """

    row: int
    target: str
    sources: tuple[str, ...]


def read_pairs(path: Path) -> list[Pair]:
    """Pairs in the order of their file, in the form that its ending tells.

    - ``.csv``: the header ``from,to``, then a source and a target per row.
    - ``.txt`` (NTED, PIDM): names with commas between them, the **target first**, then one or more sources.
    - ``.json`` (PCDMs): a list of ``{"source_image": …, "target_image": …}``.

    Raises:
        InputError: The file cannot be read, or a row is malformed.
    """
    forms = {".csv": _read_csv, ".txt": _read_txt, ".json": _read_json}
    if path.suffix not in forms:
        raise InputError(f"{path} is no list of pairs, whose name ends in {', '.join(forms)}.")
    return forms[path.suffix](path)


def _read_csv(path: Path) -> list[Pair]:
    rows = read_rows(path)
    if not rows or _fields(rows[0][1]) != ["from", "to"]:
        raise InputError(f"{path}, row 1: the header must be 'from,to'.")
    pairs = []
    for number, row in rows[1:]:
        fields = _fields(row)
        if len(fields) != 2 or not all(fields):
            raise InputError(f"{path}, row {number}: expected two names 'from,to', found {row[:200]!r}.")
        pairs.append(Pair(number, fields[1], (fields[0],)))
    return pairs


def _read_txt(path: Path) -> list[Pair]:
    pairs = []
    for number, row in read_rows(path):
        target, *sources = _fields(row)
        if not target or not sources or not all(sources):
            raise InputError(f"{path}, row {number}: expected 'target,source,…', found {row[:200]!r}.")
        pairs.append(Pair(number, target, tuple(sources)))
    return pairs


def _read_json(path: Path) -> list[Pair]:
    pairs = []
    for number, entry in enumerate(read_json_list(path), start=1):
        fields = entry if isinstance(entry, dict) else {}
        source, target = fields.get("source_image"), fields.get("target_image")
        if not (source and target and isinstance(source, str) and isinstance(target, str)):
            raise InputError(
                f'{path}, entry {number}: expected {{"source_image": "…", "target_image": "…"}}, found {_short(entry)}.'
            )
        pairs.append(Pair(number, target, (source,)))
    return pairs


def _fields(row: str) -> list[str]:
    return [field.strip() for field in row.split(",")]


def _short(entry: Any) -> str:
    return repr(entry)[:200]


def names_of_pairs(path: Path) -> Listing:
    """Every name of a list of pairs where it is first met, the sources of a row before its target."""
    rows: dict[str, int] = {}
    for pair in read_pairs(path):
        for name in (*pair.sources, pair.target):
            rows.setdefault(name, pair.row)
    return Listing(path, [(row, name) for name, row in rows.items()])


def read_groups(path: Path) -> Listing:
    """The names of IMAGPose's JSON, a list of lists of image paths; each inner list is one person in one garment.

    Raises:
        InputError: The file cannot be read, or an entry is malformed.
    """
    entries = []
    for number, group in enumerate(read_json_list(path), start=1):
        if not isinstance(group, list) or not all(isinstance(name, str) and name for name in group):
            raise InputError(f"{path}, entry {number}: expected a list of image paths, found {_short(group)}.")
        entries += [(number, name) for name in group]
    return Listing(path, entries)
