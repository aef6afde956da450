"""Text files that users bring: read whole, or refused in a sentence that names the file and the row."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from imagpose.errors import InputError
from imagpose.output.files import regular


class Listing(NamedTuple):
    """Names in the order of a file.

    Attributes:
        file: Where they stand.
        entries: Pairs of row and text; rows count from 1, and so do the entries of a JSON list.
    """

    file: Path
    entries: list[tuple[int, str]]


def read_text(path: Path | str) -> str:
    """A UTF-8 file, with or without a byte order mark.

    Raises:
        InputError: It cannot be read, or is no UTF-8.
    """
    try:
        with open(regular(Path(path)), "rb") as file:
            data = file.read()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); the dataset needs it.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, row {row}: this is no UTF-8 text; save the file as UTF-8.") from error


def parse_json(path: Path) -> Any:
    """What a JSON file holds, in UTF-8 with or without a byte order mark.

    Raises:
        OSError, ValueError: It cannot be read, or is no JSON; whoever asks knows what it should have been.
    """
    try:
        return json.loads(regular(path).read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ValueError("its brackets are nested too deeply") from error


def read_rows(path: Path | str) -> list[tuple[int, str]]:
    """The rows that are not blank, with their numbers."""
    # Not splitlines, which also breaks at characters that no editor counts as the end of a row.
    rows = enumerate(read_text(path).split("\n"), start=1)
    return [(number, row.strip()) for number, row in rows if row and not row.isspace()]


def read_listing(path: Path) -> Listing:
    """A file of one name per row."""
    return Listing(path, read_rows(path))


def read_json_list(path: Path) -> list[Any]:
    """A JSON file whose outermost value is a list.

    Raises:
        InputError: It is no JSON, or another value.
    """
    try:
        found = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, row {error.lineno}: this is no JSON ({error.msg}); repair the file.") from error
    except (ValueError, RecursionError) as error:  # a number of too many digits; brackets too deep to follow
        raise InputError(f"{path}, row 1: this JSON cannot be read ({error}); repair the file.") from error
    if not isinstance(found, list):
        raise InputError(f"{path}, row 1: expected a JSON list, found {type(found).__name__}.")
    return found


def is_number(value: Any) -> bool:
    """Whether a value out of JSON is a finite number, which True, NaN and what no float can hold are not."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False
