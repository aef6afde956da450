"""Which pictures make a batch: P people with K pictures each, as a function of the seed and the batch's number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from imagpose.data.sampling import StepSampler

Item = tuple[int, int]
"""A sample's number, which its augmentation is a function of, and its picture."""


def epoch_of(labels: Sequence[int], seed: int, number: int, people: int = 16, pictures: int = 4) -> list[list[int]]:
    """The batches of one epoch, as BoT deals them.

    Each person's pictures are shuffled and parted into groups of K; what is over is left out, and of a person with
    fewer than K pictures K are drawn with replacement. Then batches are dealt, one group of each of P people drawn at
    random, as long as P people have groups left.

    Args:
        labels: The person of each picture.
        seed: Of the draws.
        number: Of the epoch; each is another.
        people: P.
        pictures: K.

    Returns:
        Indices of pictures, P·K a batch.
    """
    rng = np.random.default_rng([seed, 21, number])
    of: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        of.setdefault(label, []).append(index)
    groups: dict[int, list[list[int]]] = {}
    for label, indices in of.items():
        if len(indices) < pictures:
            groups[label] = [rng.choice(indices, pictures).tolist()]
        else:
            shuffled = rng.permutation(indices).tolist()
            whole = range(0, len(shuffled) - pictures + 1, pictures)
            groups[label] = [shuffled[i : i + pictures] for i in whole]
    batches = []
    while len(groups) >= people:
        left = list(groups)
        batch: list[int] = []
        for chosen in rng.choice(len(left), people, replace=False).tolist():
            batch += groups[left[chosen]].pop()
            if not groups[left[chosen]]:
                del groups[left[chosen]]
        batches.append(batch)
    return batches


def steps_of(labels: Sequence[int], epochs: int, seed: int, people: int = 16, pictures: int = 4) -> int:
    """How many batches so many epochs have; arguments as of :func:`epoch_of`."""
    return sum(len(epoch_of(labels, seed, number, people, pictures)) for number in range(epochs))


class PKSampler(Sampler[list[Item]]):
    """Batches of P people with K pictures each, from any step on: a resumed run goes on with what would have come.

    Args:
        labels: The person of each picture; at least P people.
        seed: Of the draws.
        steps: Which batches to give; its ``batch_size`` is P·K.
        people: P.
        pictures: K.
    """

    def __init__(self, labels: Sequence[int], seed: int, steps: StepSampler, people: int = 16, pictures: int = 4):
        self.labels, self.seed, self.steps, self.people, self.pictures = labels, seed, steps, people, pictures

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[Item]]:
        batches = self._batches()
        at = 0
        for numbers in self.steps:
            wanted = numbers[0] // self.steps.batch_size
            for _ in range(wanted - at):
                next(batches)
            at = wanted + 1
            yield list(zip(numbers, next(batches), strict=True))

    def _batches(self) -> Iterator[list[int]]:
        number = 0
        while True:
            yield from epoch_of(self.labels, self.seed, number, self.people, self.pictures)
            number += 1
