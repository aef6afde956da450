"""Lists of pictures that are added to a part of the training ones: a CSV of files and the people they stand for."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from imagpose.data.text import read_rows
from imagpose.errors import InputError

_HEADER = "file,person,more_augmentation"


class Added(NamedTuple):
    """A picture to train on.

    Attributes:
        file: The picture.
        person: Whom it stands for.
        more: Whether it is augmented more than BoT does.
    """

    file: Path
    person: int
    more: bool = False


def added_csv(pictures: Iterable[Added]) -> str:
    """The text of a list, which :func:`read_added` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER.split(","))
    writer.writerows((one.file, one.person, int(one.more)) for one in pictures)
    return text.getvalue()


def read_added(path: Path, people: Collection[int]) -> list[Added]:
    """The pictures of a list, in its order.

    Args:
        path: A CSV with the header ``file,person,more_augmentation``; files are absolute or relative to the list's
            folder, the last column is 0 or 1.
        people: Those that are trained on.

    Raises:
        InputError: The list cannot be read, a row is malformed, or it is of nobody that is trained on.
    """
    rows = read_rows(path)
    if not rows or rows[0][1] != _HEADER:
        raise InputError(f"{path}, row 1: the header must be '{_HEADER}'.")
    found = []
    for row, line in rows[1:]:
        try:
            ((file, person, more),) = csv.reader([line], strict=True)
            one = Added(path.parent / file, int(person), {"0": False, "1": True}[more])
        except (ValueError, KeyError, csv.Error) as error:
            raise InputError(
                f"{path}, row {row}: expected a file, a person and 0 or 1, found {line[:200]!r}."
            ) from error
        if one.person not in people:
            raise InputError(f"{path}, row {row}: person {one.person} is not trained on; take the row out.")
        found.append(one)
    return found
