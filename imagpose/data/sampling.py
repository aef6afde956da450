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
        first_step: Batches that were already consumed, of whole optimiser steps.
        last_step: Where to stop.
        batch_size: Samples per process and step.
        rank: Index of this process.
        world_size: Number of processes; together they consume ``batch_size * world_size`` numbers a batch.
        accumulated: Batches of an optimiser step.
    """

    def __init__(
        self, first_step: int, last_step: int, batch_size: int, rank: int = 0, world_size: int = 1, accumulated: int = 1
    ) -> None:
        self.first_step, self.last_step = first_step, last_step
        self.batch_size, self.rank, self.world_size = batch_size, rank, world_size
        self.accumulated = accumulated

    @classmethod
    def following(cls, trainer: Trainer, batch_size: int) -> StepSampler:
        """The batches that come after the optimiser steps which a trainer has already taken."""
        batches = trainer.accumulate_grad_batches
        return cls(
            trainer.global_step * batches, trainer.max_steps * batches, batch_size,
            trainer.global_rank, trainer.world_size, batches,
        )  # fmt: skip

    def __len__(self) -> int:
        # Lightning counts a resumed epoch's batches from its beginning, so this is the end, not what is left.
        return self.last_step

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first_step, self.last_step):
            start = (step * self.world_size + self.rank) * self.batch_size
            yield list(range(start, start + self.batch_size))


def canvases_of(panels: Sequence[int], batch_size: int) -> tuple[int, ...]:
    """How many canvases a batch has of each number of panels, at least one: more panels, fewer canvases.

    Where there are several numbers, V panels have 4 / V times the canvases that four have, in quarters up to 16 panels:
    batches of 8 and two of 4 then hold equally many, whatever V is, and so does every batch size that is a multiple of
    four.

    Args:
        panels: Numbers V of panels that are trained.
        batch_size: Canvases of a batch where there is one number, and of four panels, the paper's, where there are
            several.
    """
    if len(panels) == 1:
        return (batch_size,)
    shares = (round(16 / one) / 4 if one <= 16 else 4 / one for one in panels)
    return tuple(max(round(batch_size * share), 1) for share in shares)


class PanelSampler(StepSampler):
    """Batches of canvases that all have one number of panels, drawn anew for each optimiser step.

    The draw is a function of the seed and the optimiser step alone, so all processes and all batches of a step have
    the same number of panels, and a resumed run goes on as it would have. A step costs about the same whatever was
    drawn, see :func:`canvases_of`.

    Args:
        panels: Numbers V of panels to draw from; each is equally likely.
        seed: Of the draw.
        steps: As of :class:`StepSampler`, whose ``batch_size`` :func:`canvases_of` takes.
    """

    _BLOCK = 1024  # steps drawn at once

    def __init__(self, panels: Sequence[int], seed: int, steps: StepSampler) -> None:
        super().__init__(
            steps.first_step, steps.last_step, steps.batch_size, steps.rank, steps.world_size, steps.accumulated
        )
        self.panels, self.seed = tuple(panels), seed
        self._canvases = np.array(canvases_of(self.panels, self.batch_size))

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:  # type: ignore[override] # a number and its panels
        block, taken = divmod(self.first_step // self.accumulated, self._BLOCK)  # of optimiser steps
        before = sum(int(self._canvases[self._draw(earlier)].sum()) for earlier in range(block))
        before += int(self._canvases[self._draw(block)][:taken].sum())
        before *= self.accumulated
        for batch in range(self.first_step, self.last_step):
            block, place = divmod(batch // self.accumulated, self._BLOCK)
            drawn = self._draw(block)[place]
            canvases = int(self._canvases[drawn])
            start = before * self.world_size + self.rank * canvases
            yield [(number, self.panels[drawn]) for number in range(start, start + canvases)]
            before += canvases

    def _draw(self, block: int) -> np.ndarray:
        return _drawn(self.seed, len(self.panels), block, self._BLOCK)


@functools.lru_cache(maxsize=4)
def _drawn(seed: int, choices: int, block: int, length: int) -> np.ndarray:
    return np.random.default_rng([seed, 11, block]).integers(choices, size=length)


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
