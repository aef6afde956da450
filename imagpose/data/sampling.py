"""Which sample comes when: a pure function of the seed and the number of samples drawn so far."""

from __future__ import annotations

import functools
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from lightning import Trainer


class StepSampler(Sampler[list[int]]):
    """Batches of consecutive sample numbers, from any step on.

    A sample number n is all a dataset needs to make its draws, so a resumed run continues with exactly the batches
    that the interrupted one would have seen, in the middle of an epoch too, whatever the number of workers or
    processes.

    Args:
        first_step: Batches that were already consumed.
        last_step: Where to stop.
        batch_size: Samples per process and step.
        rank: Index of this process.
        world_size: Number of processes; together they consume ``batch_size * world_size`` numbers a step.
    """

    def __init__(self, first_step: int, last_step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        self.first_step, self.last_step = first_step, last_step
        self.batch_size, self.rank, self.world_size = batch_size, rank, world_size

    @classmethod
    def following(cls, trainer: Trainer, batch_size: int) -> StepSampler:
        """The batches that come after the optimiser steps which a trainer has already taken."""
        batches = trainer.accumulate_grad_batches
        return cls(
            trainer.global_step * batches, trainer.max_steps * batches, batch_size,
            trainer.global_rank, trainer.world_size,
        )  # fmt: skip

    def __len__(self) -> int:
        # Lightning counts a resumed epoch's batches from its beginning, so this is the end, not what is left.
        return self.last_step

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first_step, self.last_step):
            start = (step * self.world_size + self.rank) * self.batch_size
            yield list(range(start, start + self.batch_size))


def member_of_epoch(seed: int, number: int, size: int) -> int:
    """The element that sample ``number`` draws when every epoch visits each of ``size`` elements once, shuffled."""
    epoch, position = divmod(number, size)
    return int(_order(seed, epoch, size)[position])


@functools.lru_cache(maxsize=4)  # a batch may straddle two epochs
def _order(seed: int, epoch: int, size: int) -> np.ndarray:
    return np.random.default_rng([seed, 1, epoch]).permutation(size)


def across_people(people: Sequence[str], seed: int, limit: int | None = None) -> list[int]:
    """Some elements of a list, in which a person's often stand together: people take turns, so that most are shown.

    Args:
        people: The person that each element shows.
        seed: Seeds the choice; with one seed, fewer elements are a part of more.
        limit: How many; None takes all.

    Returns:
        Their indices, ascending.
    """
    order = np.random.default_rng([seed, 10]).permutation(len(people)).tolist()
    had: Counter[str] = Counter()
    turns = {}
    for i in order:
        turns[i] = had[people[i]]
        had[people[i]] += 1
    return sorted(sorted(order, key=turns.__getitem__)[:limit])


def rng_for(seed: int, number: int) -> np.random.Generator:
    """The generator of all draws that belong to one sample."""
    return np.random.default_rng([seed, 2, number])


def leave_ctrl_c_to_parent(worker: int) -> None:
    """Let a loader's worker go on at Ctrl-C, which reaches a whole group: its parent ends it, by SIGTERM if need be.

    Args:
        worker: The worker's number.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
