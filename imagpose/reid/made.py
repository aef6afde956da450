"""What Table 4's generators and pictures took, kept beside the table's rows: runs are thrown away, results are not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from imagpose.data.text import is_number, parse_json
from imagpose.errors import InputError
from imagpose.output.files import write_whole
from imagpose.reid.pictures import DONE
from imagpose.reid.plan import Plan
from imagpose.reid.table4 import Generator
from imagpose.training.cli import REID

CLOCK = "clock.json"
"""In a generator's run: what its training took."""


@dataclass(frozen=True)
class Made:
    """A generator, or the pictures that one drew of a part.

    Attributes:
        what: For people.
        percentage: Of the part.
        seconds: That it took.
        steps: Of a generator's training.
        pictures: That were drawn.
        device: Where a generator was trained.
        commit: Of the code that trained it.
    """

    what: str
    percentage: int
    seconds: float
    steps: int | None = None
    pictures: int | None = None
    device: str | None = None
    commit: str | None = None


def keep(plan: Plan, percentages: Sequence[int]) -> list[Made]:
    """What was made of parts: copied from the runs that are there into ``<results>/reid/made``, and read from it.

    Args:
        plan: Whose runs and results.
        percentages: Of the parts.

    Raises:
        InputError: A file that was kept holds something else.
    """
    found = []
    for percentage in percentages:
        for name, one in _in_runs(plan, percentage).items():
            path = plan.results / REID / "made" / f"{name}.json"
            if one is not None:
                write_whole(path, json.dumps(asdict(one), indent=1) + "\n")
            elif path.is_file():
                one = _read(path)
            found += [one] if one is not None else []
    return found


def _in_runs(plan: Plan, percentage: int) -> dict[str, Made | None]:
    """By name, what was made of a part as its run tells; None where there is no run."""
    run = plan.generator_run(percentage)
    found: dict[str, Made | None] = {run.parent.name: None}
    if (run / "metrics.json").is_file() and (run / CLOCK).is_file():
        steps, took = parse_json(run / "metrics.json")["steps"], parse_json(run / CLOCK)
        found[run.parent.name] = Made("Generator", percentage, steps=round(steps), **took)
    for generator in get_args(Generator):
        done, name = plan.pictures(percentage, generator) / DONE, plan.drawing_name(generator, percentage)
        found[name] = None
        if done.is_file():
            told = parse_json(done)
            found[name] = Made(f"Pictures, {generator}", percentage, told["seconds"], pictures=told["pictures"])
    return found


def _read(path: Path) -> Made:
    try:
        one = Made(**parse_json(path))
        numbers = (one.percentage, one.seconds, one.steps or 0, one.pictures or 0)
        texts = (one.what, one.device or "", one.commit or "")
        if not (all(map(is_number, numbers)) and all(isinstance(text, str) for text in texts)):
            raise ValueError("a number or a text stands where the other should")
        return one
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} does not tell what a generator took ({error}); delete it.") from error
