"""Votes as they are given, in SQLite: each is on the disk before it is acknowledged, and none is there twice."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from imagpose.errors import InputError

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
"""What a rater is known by: 128 random bits that the browser draws."""
_TABLES = """
CREATE TABLE IF NOT EXISTS raters (
    number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, turn INTEGER
);
CREATE TABLE IF NOT EXISTS votes (
    rater INTEGER NOT NULL REFERENCES raters, item TEXT NOT NULL, choice TEXT NOT NULL, PRIMARY KEY (rater, item)
) WITHOUT ROWID;
"""
_WAIT = 30.0  # seconds for another writer, of which each takes milliseconds


class Vote(NamedTuple):
    """One answer.

    Attributes:
        rater: Number, from 1.
        item: Name of the question.
        choice: ``real``, ``fake``, or the name of the best picture.
    """

    rater: int
    item: str
    choice: str


class Rater(NamedTuple):
    """Who votes.

    Attributes:
        number: From 1.
        group: From 0, see :meth:`imagpose.study.questions.Study.items_of`.
    """

    number: int
    group: int


class Votes:
    """A study's votes, for any number of threads and processes at once.

    Every call opens the file for itself, and every vote is a transaction of its own, written through to the disk.

    Args:
        path: Of the file.
        make: Whether to make it where there is none.

    Raises:
        InputError: It cannot be made, or is no file of votes.
    """

    def __init__(self, path: Path, make: bool = False) -> None:
        self.path = path
        if not make and not path.is_file():
            raise InputError(f"There is no {path}: nobody has voted yet; study serve asks raters.")
        try:
            with self._opened() as database:
                if make:
                    database.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
                    database.executescript(_TABLES)
                    _complete(database)
                database.execute("SELECT rater, item, choice FROM votes LIMIT 1")
                database.execute("SELECT number, token FROM raters LIMIT 1")
        except sqlite3.Error as error:
            raise InputError(
                f"{path} holds no votes that can be read ({error}); restore it, or move it away."
            ) from error

    def rater(self, token: str, groups: int = 1) -> Rater:
        """Whoever has a token. A new one gets the next number, and the group that the fewest raters are in.

        Of groups that are alike in this, it is the one with the fewest votes: who begins and never votes takes no
        turn from the others for long.

        Args:
            token: As :data:`TOKEN`.
            groups: Their number in the study.

        Raises:
            ValueError: It is none.
        """
        if not TOKEN.fullmatch(token):
            raise ValueError("no token of a rater")
        with self._opened() as database:
            found = _known(database, token, groups)
            if found is None:
                database.execute("BEGIN IMMEDIATE")  # one after the other: each sees who has begun
                found = _known(database, token, groups) or _begun(database, token, groups)
                database.execute("COMMIT")
            return found

    def cast(self, vote: Vote) -> None:
        """Keep a vote. Of a rater's votes on one item the first stays, so a browser may send one again."""
        with self._opened() as database:
            database.execute("INSERT INTO votes VALUES (?, ?, ?) ON CONFLICT DO NOTHING", vote)

    def forget(self, rater: int) -> int | None:
        """Delete a rater and all of their votes, at once or not at all.

        Args:
            rater: The number. No other rater will have it.

        Returns:
            How many votes there were; None if there is no such rater.
        """
        if rater.bit_length() > 63:  # which SQLite cannot count
            return None
        with self._opened() as database:
            database.execute("PRAGMA secure_delete = ON")  # or their bytes would stay in the file
            database.execute("BEGIN IMMEDIATE")
            votes = database.execute("DELETE FROM votes WHERE rater = ?", (rater,)).rowcount
            known = database.execute("DELETE FROM raters WHERE number = ?", (rater,)).rowcount
            database.execute("COMMIT")
            return votes if known else None

    def answered(self, rater: int) -> set[str]:
        """The names of the items that a rater has voted on."""
        with self._opened() as database:
            return {item for (item,) in database.execute("SELECT item FROM votes WHERE rater = ?", (rater,))}

    def all(self) -> list[Vote]:
        """All votes, by rater and item."""
        with self._opened() as database:
            return [
                Vote(*row) for row in database.execute("SELECT rater, item, choice FROM votes ORDER BY rater, item")
            ]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)  # each statement is a transaction
        try:
            database.execute("PRAGMA synchronous = FULL")
            yield database
        finally:
            database.close()


_TURN = "COALESCE(turn, (number - 1) % ?)"  # of raters of before there was a turn, their numbers said it


def _complete(database: sqlite3.Connection) -> None:
    """Add what a file of before lacks."""
    database.execute("BEGIN IMMEDIATE")
    if "turn" not in {column[1] for column in database.execute("PRAGMA table_info(raters)")}:
        database.execute("ALTER TABLE raters ADD COLUMN turn INTEGER")
    database.execute("COMMIT")


def _known(database: sqlite3.Connection, token: str, groups: int) -> Rater | None:
    found = database.execute(f"SELECT number, {_TURN} FROM raters WHERE token = ?", (groups, token)).fetchone()
    return Rater(*found) if found else None


def _begun(database: sqlite3.Connection, token: str, groups: int) -> Rater:
    raters: Counter[int] = Counter()
    votes: Counter[int] = Counter()
    count = "(SELECT COUNT(*) FROM votes WHERE rater = number)"
    for group, cast in database.execute(f"SELECT {_TURN}, {count} FROM raters", (groups,)):
        raters[group] += 1
        votes[group] += cast
    group = min(range(groups), key=lambda one: (raters[one], votes[one]))
    # Not ON CONFLICT DO NOTHING, which uses up a number even where there is nothing to do.
    added = database.execute("INSERT INTO raters (token, turn) VALUES (?, ?)", (token, group))
    return Rater(int(added.lastrowid or 0), group)
