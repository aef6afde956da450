"""A study on disk: its questions, which the server reads, and beside them the key, which it never opens.

``study.json`` says which pictures a question shows and nothing of what they are; ``key.json`` says which picture is
whose. So neither the page nor whoever watches over the raters can tell them apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from imagpose.data.text import parse_json
from imagpose.errors import InputError
from imagpose.study.votes import Vote

QUESTIONS, KEY, PICTURES, VOTES = "study.json", "key.json", "pictures", "votes.sqlite"
"""What lies in a study's folder."""
REAL = "real"
"""In the key, whose picture the dataset's own is; and a vote for it."""
FAKE = "fake"
"""The other vote on a single picture."""
_NAME = re.compile(r"[0-9a-f]{12}")
_FILE = re.compile(r"[0-9a-f]{12}\.png")
_LARGEST = 50_000_000  # bytes of study.json

Kind = Literal["real", "best"]
KINDS: tuple[Kind, ...] = ("real", "best")
"""Is a picture real (R2G and G2R), and which of several is the best (Jab)."""


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        name: Twelve hexadecimal digits that mean nothing.
        kind: Of question.
        pictures: Files to judge: one, or one of each method.
        given: Files shown beside: the source and the pose.
        practice: Whether it does not count.
        group: Raters who are asked it, see :meth:`Study.items_of`; None is all of them. It says nothing of a picture.
        repeats: The name of the item that it asks again; None of most.
    """

    name: str
    kind: Kind
    pictures: tuple[str, ...]
    given: tuple[str, ...] = ()
    practice: bool = False
    group: int | None = None
    repeats: str | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """What a vote on it may say."""
        return (REAL, FAKE) if self.kind == "real" else self.pictures

    @property
    def counts(self) -> bool:
        """Whether votes on it are counted: it is no practice, and is not asked for the second time."""
        return not self.practice and self.repeats is None


@dataclass(frozen=True)
class Study:
    """The questions of a study.

    Attributes:
        seed: Of the order of questions.
        groups: Of raters; each judges pictures of another method as real or fake.
        items: The questions.
        made: What it was made from and how.
    """

    seed: int
    groups: int
    items: tuple[Item, ...]
    made: dict[str, Any] = field(default_factory=dict)

    def groups_of(self, votes: Iterable[Vote]) -> dict[int, int]:
        """The groups of those who voted, by their numbers: which group's questions they answered.

        Args:
            votes: Of any raters. One who answered no group's question is in the one of their turn.
        """
        of_item = {item.name: item.group for item in self.items}
        found: dict[int, int] = {}
        for vote in votes:
            group = of_item.get(vote.item)
            if group is not None or vote.rater not in found:
                found[vote.rater] = self._turn(vote.rater) if group is None else group
        return found

    def items_of(self, rater: int, group: int | None = None) -> list[Item]:
        """A rater's questions in order: first single pictures, then pictures side by side; practice before each.

        The order is a function of the seed and the rater's number. What is asked again comes first in the first two
        fifths of its part, and again in the last two.

        Args:
            rater: The number, from 1.
            group: From 0. Groups take turns, and None is the one of this number's turn.
        """
        rng = np.random.default_rng([self.seed, 13, rater])
        own = self._turn(rater) if group is None else group
        asked = [item for item in self.items if item.group in (None, own)]
        again = {item.repeats for item in asked if item.repeats}
        places = {}
        for item, draw in zip(asked, rng.random(len(asked)).tolist(), strict=True):
            place = 0.4 * draw if item.name in again else 0.6 + 0.4 * draw if item.repeats else draw
            places[item.name] = (KINDS.index(item.kind), not item.practice, place)
        return sorted(asked, key=lambda item: places[item.name])

    def shown(self, item: Item, rater: int) -> list[str]:
        """An item's pictures in the order in which a rater sees them: no method is always on the left."""
        number = int(item.name, 16)
        rng = np.random.default_rng([self.seed, 14, rater, number])
        return [item.pictures[i] for i in rng.permutation(len(item.pictures))]

    def _turn(self, rater: int) -> int:
        return (rater - 1) % self.groups

    def to_json(self) -> str:
        """As :func:`read_study` reads it."""
        return json.dumps({"format": 1, **asdict(self)}, indent=1) + "\n"


def read_study(folder: Path) -> Study:
    """The questions of a study's folder.

    Raises:
        InputError: There are none, or they are not as ``study make`` writes them.
    """
    found = _read(folder / QUESTIONS)
    try:
        items = tuple(
            Item(
                str(one["name"]), one["kind"], tuple(map(str, one["pictures"])), tuple(map(str, one["given"])),
                one["practice"] is True, one["group"], one["repeats"],
            )
            for one in found["items"]
        )  # fmt: skip
        study = Study(found["seed"], found["groups"], items, dict(found["made"]))
        sound = found["format"] == 1 and bool(items) and _fits(study)
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise InputError(f"{folder / QUESTIONS} is no study's list of questions; make the study again.")
    for name in (name for item in items for name in (*item.pictures, *item.given)):
        if not (folder / PICTURES / name).is_file():
            raise InputError(f"{folder / PICTURES / name} is missing; make the study again.")
    return study


def _fits(study: Study) -> bool:
    """Whether it can be asked, and no name in it leads out of the folder."""
    names = {item.name: item for item in study.items}
    return (
        type(study.seed) is int and study.seed >= 0 and type(study.groups) is int and study.groups > 0
        and len(names) == len(study.items)
        and all(
            _NAME.fullmatch(item.name) and item.kind in KINDS and item.pictures
            and all(_FILE.fullmatch(name) for name in (*item.pictures, *item.given))
            and (item.group is None or (type(item.group) is int and 0 <= item.group < study.groups))
            and (item.repeats is None or item.repeats in names)
            for item in study.items
        )
    )  # fmt: skip


@dataclass(frozen=True)
class Key:
    """What the pictures of a study are.

    Attributes:
        methods: In the order in which they were given.
        judged: Those whose pictures are judged as real or fake, one a group.
        of: Whose each picture is: a method's, or :data:`REAL`.
        pairs: The (source, target) of each picture, by name.
        drawn: Whether the people are mannequins.
    """

    methods: tuple[str, ...]
    judged: tuple[str, ...]
    of: dict[str, str]
    pairs: dict[str, tuple[str, str]]
    drawn: bool = False

    def to_json(self) -> str:
        """As :func:`read_key` reads it."""
        return json.dumps({"format": 1, **asdict(self)}, indent=1) + "\n"


def read_key(folder: Path, study: Study) -> Key:
    """The key of a study's folder.

    Raises:
        InputError: There is none, or it is another study's.
    """
    found = _read(folder / KEY)
    try:
        key = Key(
            tuple(map(str, found["methods"])), tuple(map(str, found["judged"])),
            {str(name): str(method) for name, method in found["of"].items()},
            {str(name): (str(source), str(target)) for name, (source, target) in found["pairs"].items()},
            found["drawn"] is True,
        )  # fmt: skip
        whose = {name: key.of[name] for item in study.items for name in item.pictures if key.pairs[name]}
        sound = set(whose.values()) <= {*key.methods, REAL} and len(key.judged) == study.groups
    except (KeyError, TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise InputError(f"{folder / KEY} is not the key of {folder / QUESTIONS}; make the study again.")
    return key


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is larger than a study's files ever are; name a study's folder.")
        return parse_json(path)
    except (OSError, ValueError) as error:
        told = (error.strerror if isinstance(error, OSError) else None) or "it is no JSON"
        raise InputError(f"{path} cannot be read ({told}); name a folder that study make wrote.") from error
