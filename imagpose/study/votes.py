"""Votes as they are given, in SQLite: each is on the disk before it is acknowledged, and none is there twice."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from imagpose.errors import InputError

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
"""What a rater is known by: 128 random bits that the browser draws."""
_TABLES = """
CREATE TABLE IF NOT EXISTS raters (number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE);
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
                database.execute("SELECT rater, item, choice FROM votes LIMIT 1")
                database.execute("SELECT number, token FROM raters LIMIT 1")
        except sqlite3.Error as error:
            raise InputError(
                f"{path} holds no votes that can be read ({error}); restore it, or move it away."
            ) from error

    def rater(self, token: str) -> int:
        """The number of whoever has a token; a new one gets the next.

        Args:
            token: As :data:`TOKEN`.

        Raises:
            ValueError: It is none.
        """
        if not TOKEN.fullmatch(token):
            raise ValueError("no token of a rater")
        with self._opened() as database:
            database.execute("INSERT INTO raters (token) VALUES (?) ON CONFLICT DO NOTHING", (token,))
            return int(database.execute("SELECT number FROM raters WHERE token = ?", (token,)).fetchone()[0])

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
