"""Which cases are tried, where all of them would take too long."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tests.bad_inputs.case import Case


def pairs(of_commands: Mapping[str, Sequence[Case]], number: int, seed: int = 0) -> Iterator[tuple[str, Case]]:
    """Cases that are wrong in two ways, with their commands: as many of each command, and always the same.

    Args:
        of_commands: The cases of each command; two of one good command that change different things make a pair.
        number: Of pairs.
        seed: Of the draw.
    """
    draw = random.Random(seed)
    commands = sorted(of_commands)
    found: set[str] = set()
    while len(found) < number:
        command = commands[len(found) % len(commands)]
        one, other = draw.sample([case for case in of_commands[command] if case.code == 2], 2)
        apart = one.of is other.of and not (one.changed.keys() & other.changed.keys() or (one.place and other.place))
        if not apart or one.of is None:
            continue
        both = one.of.both(one, other)
        if (name := f"{command}: {both.name}") not in found:
            found.add(name)
            yield command, both


def every(number: int, cases: Iterable[Case]) -> list[Case]:
    """Every so many cases, of a family that another command tries in full by the same code."""
    return list(cases)[::number]
