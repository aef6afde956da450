"""Lists of pairs and of groups, as the field's projects keep them; names stay as they are written."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

from imagpose.data.text import Listing, read_json_list, read_rows
from imagpose.errors import InputError

PAIR_ENDINGS = (".csv", ".txt", ".json")


class Pair(NamedTuple):
    """One target and the sources that a file gives it.

    Attributes:
        row: Number of the row in the file.
        target: Name of the image to be generated.
        sources: Names of images of the same person; at least one.
    """

    row: int
    target: str
    sources: tuple[str, ...]


def read_pairs(path: Path) -> list[Pair]:
    """Pairs in the order of their file, in the form that its ending tells.

    - ``.csv``: a header that names the columns ``from`` and ``to`` once, then a source and a target per row; further
      columns, which upgpt's lists have, are not looked at.
    - ``.txt`` (NTED, PIDM): names with commas between them, the **target first**, then one or more sources.
    - ``.json`` (PCDMs, FPDM): a list of ``{"source_image": …, "target_image": …}``.

    Raises:
        InputError: The file cannot be read, or a row is malformed.
    """
    forms = dict(zip(PAIR_ENDINGS, (_read_csv, _read_txt, _read_json), strict=True))
    if path.suffix not in forms:
        raise InputError(f"{path} is no list of pairs, whose name ends in {', '.join(forms)}.")
    return forms[path.suffix](path)


def _read_csv(path: Path) -> list[Pair]:
    rows = read_rows(path)
    header = _columns(path, *rows[0]) if rows else []
    if header.count("from") != 1 or header.count("to") != 1:
        raise InputError(f"{path}, row 1: the header must be 'from,to', or name these two columns among others.")
    source, target = header.index("from"), header.index("to")
    expected = "two names 'from,to'" if len(header) == 2 else f"{len(header)} columns"
    pairs = []
    for number, row in rows[1:]:
        fields = _columns(path, number, row)
        if len(fields) != len(header) or not (fields[source] and fields[target]):
            raise InputError(f"{path}, row {number}: expected {expected}, found {row[:200]!r}.")
        pairs.append(Pair(number, fields[target], (fields[source],)))
    return pairs


def _columns(path: Path, number: int, row: str) -> list[str]:
    """A row of CSV; quoted columns may hold commas, as descriptions do."""
    if '"' not in row:
        return _fields(row)
    try:
        (columns,) = csv.reader([row], skipinitialspace=True, strict=True)
    except csv.Error as error:
        raise InputError(f"{path}, row {number}: the quotes do not close ({error}).") from error
    return [column.strip() for column in columns]


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
