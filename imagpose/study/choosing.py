"""Which pairs a study asks about, and the questions that come of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from imagpose.data.readers.index import Index
from imagpose.data.sampling import across_people
from imagpose.errors import InputError
from imagpose.evaluation.matching import Pair
from imagpose.study.questions import REAL, Item, Kind

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


def choose(index: Index, pairs: Sequence[Pair], shown: Collection[Pair], numbers: Numbers, seed: int) -> Chosen:
    """Draw the pairs, of as many people as can be; no picture twice in one part.

    A true picture is of a pair that no generated one is of: nobody compares the two. Where there are enough pairs, the
    second part asks about others than the first.

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
            f"All --results together have pictures of {len(found)} different targets, and the study asks about "
            f"{max(single, several)}; generate more, or lower --real, --best and --practice."
        )
    generated = found[:single]
    others = {pair[1]: pair for pair in reversed(pairs) if pair[1] not in {target for _, target in generated}}
    truths = _draw(index, list(others.values()), true, [seed, 16])
    if len(truths) < true:
        raise InputError(
            f"There are {len(truths)} true pictures beside the generated ones' targets, and the study asks about "
            f"{true}; lower --real, or name more --pairs."
        )
    return Chosen(generated, truths, found[len(found) - several :])


def _draw(index: Index, pairs: Sequence[Pair], count: int, seed: Sequence[int]) -> list[Pair]:
    rng = np.random.default_rng(seed)
    people = [index.records[target].person for _, target in pairs]
    taken = across_people(people, int(rng.integers(2**31)), count)
    return [pairs[i] for i in rng.permutation(taken).tolist()]


@dataclass
class Questions:
    """Gathers a study's questions, and what their pictures are.

    Args:
        seed: Of names and of what is asked twice.
        judged: The methods whose pictures are judged alone.
        methods: All of them.
        numbers: How many.
    """

    seed: int
    judged: Sequence[str]
    methods: Sequence[str]
    numbers: Numbers
    items: list[Item] = field(default_factory=list)
    of: dict[str, tuple[str, Pair]] = field(default_factory=dict)
    """By picture's name: whose it is, a method's or :data:`REAL`, and its pair."""
    given: dict[str, tuple[str, Pair]] = field(default_factory=dict)
    """By picture's name: ``source`` or ``pose``, and its pair."""

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng([self.seed, 17])

    def gather(self, chosen: Chosen) -> None:
        """Make all questions."""
        half = self.numbers.repeats // 2
        self._part(chosen.truths, self.numbers.real, half, lambda pair: self._single(REAL, pair, None))
        for group, method in enumerate(self.judged):

            def single(pair: Pair, method: str = method, group: int = group) -> Item:
                return self._single(method, pair, group)

            self._part(chosen.generated, self.numbers.real, self.numbers.repeats - half, single)
        self._part(chosen.compared, self.numbers.best, self.numbers.repeats, self._several)

    def _part(self, pairs: Sequence[Pair], count: int, repeats: int, ask: Callable[[Pair], Item]) -> None:
        for place, pair in enumerate(pairs):
            self.items.append(replace(ask(pair), practice=place >= count))
        first = len(self.items) - len(pairs)
        for i in self._rng.choice(count, min(repeats, count), replace=False).tolist():
            self.items.append(replace(ask(pairs[i]), repeats=self.items[first + i].name))

    def _single(self, whose: str, pair: Pair, group: int | None) -> Item:
        return self._item("real", [self._picture(self.of, whose, pair)], [], group)

    def _several(self, pair: Pair) -> Item:
        pictures = [self._picture(self.of, method, pair) for method in self.methods]
        order = self._rng.permutation(len(pictures)).tolist()
        given = [self._picture(self.given, what, pair) for what in ("source", "pose")]
        return self._item("best", [pictures[i] for i in order], given, None)

    def _item(self, kind: Kind, pictures: Sequence[str], given: Sequence[str], group: int | None) -> Item:
        return Item(next(self._names), kind, tuple(pictures), tuple(given), group=group)

    def _picture(self, kept: dict[str, tuple[str, Pair]], what: str, pair: Pair) -> str:
        name = f"{next(self._names)}.png"
        kept[name] = (what, pair)
        return name

    @property
    def _names(self) -> Iterator[str]:
        """Names that mean nothing."""
        while True:
            yield self._rng.bytes(6).hex()
