"""Which pairs a study asks about, and the questions that come of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from imagpose.data.readers.index import Index
from imagpose.data.sampling import across_people
from imagpose.errors import InputError
from imagpose.evaluation.matching import Pair
from imagpose.options.names import amount
from imagpose.study.questions import REAL, Item

Outputs = Mapping[Pair, Sequence[Path]]
"""A method's pictures of each pair, see :class:`imagpose.evaluation.matching.Matches`."""


@dataclass(frozen=True)
class Numbers:
    """How many questions a rater is asked.

    Attributes:
        real: Real pictures, and as many generated ones.
        best: Of several pictures side by side.
        repeats: Of each kind, asked twice.
        practice: Of each kind, which do not count.
    """

    real: int
    best: int
    repeats: int
    practice: int

    @property
    def single(self) -> int:
        """Pairs whose generated pictures are judged alone; the larger half of the practice is of real ones."""
        return self.real and self.real + self.practice // 2

    @property
    def true(self) -> int:
        """Pairs whose true pictures are."""
        return self.real and self.real + self.practice - self.practice // 2

    @property
    def several(self) -> int:
        """Pairs whose pictures are judged side by side."""
        return self.best and self.best + self.practice

    @property
    def generated(self) -> int:
        """Pairs that have to be generated, if none is to be asked about twice."""
        return self.single + self.several


@dataclass(frozen=True)
class Chosen:
    """What is asked about.

    Attributes:
        generated: Pairs whose generated pictures are judged alone; those of practice come last.
        truths: Pairs whose true pictures are judged alone; likewise.
        compared: Pairs whose pictures are judged side by side; likewise.
    """

    generated: list[Pair]
    truths: list[Pair]
    compared: list[Pair]

    @property
    def twice(self) -> int:
        """How many targets are shown as they are in the first part, and generated in the second."""
        return len({target for _, target in self.truths} & {target for _, target in self.compared})


def choose(index: Index, pairs: Sequence[Pair], shown: Collection[Pair], numbers: Numbers, seed: int) -> Chosen:
    """Draw the pairs, of as many people as can be; no picture twice in one part.

    No target is judged alone both as it is and generated: nobody compares the two. Where there are enough pairs, the
    second part asks about others than the first, true pictures included.

    Args:
        index: The dataset.
        pairs: To draw from.
        shown: Those of them that every method has a picture of.
        numbers: How many.
        seed: Of the draw.

    Raises:
        InputError: There are too few.
    """
    single, true, several = numbers.single, numbers.true, numbers.several
    by_target = {pair[1]: pair for pair in reversed(pairs) if pair in shown}
    found = _draw(index, list(by_target.values()), numbers.generated, [seed, 15])
    if len(found) < max(single, several):
        raise InputError(
            f"All --results together have pictures of {amount(len(found), 'different target')}, and the study asks "
            f"about {max(single, several)}; generate more, or lower --real, --best and --practice."
        )
    generated, compared = found[:single], found[len(found) - several :]
    for avoided in ([*generated, *compared], generated):
        targets = {target for _, target in avoided}
        others = {pair[1]: pair for pair in reversed(pairs) if pair[1] not in targets}
        truths = _draw(index, list(others.values()), true, [seed, 16])
        if len(truths) == true:
            return Chosen(generated, truths, compared)
    raise InputError(
        f"The generated ones' targets leave {amount(len(truths), 'true picture')}, and the study asks about {true}; "
        "lower --real, or name more --pairs."
    )


def _draw(index: Index, pairs: Sequence[Pair], count: int, seed: Sequence[int]) -> list[Pair]:
    rng = np.random.default_rng(seed)
    people = [index.records[target].person for _, target in pairs]
    taken = across_people(people, int(rng.integers(2**31)), count)
    return [pairs[i] for i in rng.permutation(taken).tolist()]


def _random_name() -> str:
    return secrets.token_hex(6)


@dataclass
class Questions:
    """Gathers a study's questions, and what their pictures are.

    Names are random, and both questions and the pictures of one are in the order of names, so neither tells anything.

    Args:
        seed: Of what is asked twice.
        judged: The methods whose pictures are judged alone.
        methods: All of them.
        numbers: How many.
        name: Draws a name, twelve hexadecimal digits. The seed must not say it: it would say whose the picture is.
    """

    seed: int
    judged: Sequence[str]
    methods: Sequence[str]
    numbers: Numbers
    name: Callable[[], str] = _random_name
    items: list[Item] = field(default_factory=list)
    of: dict[str, tuple[str, Pair]] = field(default_factory=dict)
    """By picture's name: whose it is, a method's or :data:`REAL`, and its pair."""
    given: dict[str, tuple[str, Pair]] = field(default_factory=dict)
    """By picture's name: ``source`` or ``pose``, and its pair."""

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng([self.seed, 17])

    def gather(self, chosen: Chosen) -> None:
        """Make all questions.

        Where raters are in groups, each has its own copies of the real pictures: one that is in all groups would be
        known for real.
        """
        count = self.numbers.real
        for number, method in enumerate(self.judged):
            group = number if len(self.judged) > 1 else None
            whose = [(REAL, chosen.truths), (method, chosen.generated)]
            self._part(
                [partial(self._single, one, pair, group) for one, pairs in whose for pair in pairs[:count]],
                [partial(self._single, one, pair, group) for one, pairs in whose for pair in pairs[count:]],
            )
        several = [partial(self._several, pair) for pair in chosen.compared]
        self._part(several[: self.numbers.best], several[self.numbers.best :])
        self.items.sort(key=lambda item: item.name)

    def _part(self, asked: Sequence[Callable[[], Item]], practice: Sequence[Callable[[], Item]]) -> None:
        items = [ask() for ask in asked]
        again = self._rng.choice(len(asked), min(self.numbers.repeats, len(asked)), replace=False).tolist()
        self.items += items
        self.items += [replace(ask(), practice=True) for ask in practice]
        self.items += [replace(asked[i](), repeats=items[i].name) for i in again]

    def _single(self, whose: str, pair: Pair, group: int | None) -> Item:
        return Item(self.name(), "real", (self._picture(self.of, whose, pair),), group=group)

    def _several(self, pair: Pair) -> Item:
        pictures = sorted(self._picture(self.of, method, pair) for method in self.methods)
        given = [self._picture(self.given, what, pair) for what in ("source", "pose")]
        return Item(self.name(), "best", tuple(pictures), tuple(given))

    def _picture(self, kept: dict[str, tuple[str, Pair]], what: str, pair: Pair) -> str:
        name = f"{self.name()}.png"
        kept[name] = (what, pair)
        return name
