"""The ways in which a model is disturbed: the rows of the table of robustness."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from imagpose.data.scenarios import Setting
from imagpose.options.ranges import STEPS
from imagpose.reproduction.timing import OWN, Way

STRENGTHS = {
    "noise": ("1", "2", "5", "10"),
    "missing": ("10", "25", "50"),
    "swapped": ("target", "sources", "both"),
    "busy": ("sources",),
    "disagree": ("1", "2"),
}
"""Of each kind of disturbance: σ in pixels of a picture 256 high, per cent of the visible joints, whose left and right
are swapped, what has a busy background, and how many of the three sources show another person."""
TITLES = {
    "noise": "keypoint noise",
    "missing": "missing joints",
    "swapped": "wrong left and right",
    "busy": "busy backgrounds",
    "disagree": "sources that disagree",
}
_SAYS = {
    "noise": "σ {} px",
    "missing": "{} % dropped",
    "swapped": "in {}",
    "busy": "of {}",
    "disagree": "{} of 3 sources",
}
UNDISTURBED = "undisturbed"


@dataclass(frozen=True)
class Disturbed(Way):
    """A setting of the paper under one disturbance.

    Attributes:
        kind: A key of :data:`STRENGTHS`, or :data:`UNDISTURBED`.
        strength: One of its strengths.
    """

    sampler: str = OWN
    steps: int = STEPS
    kind: str = UNDISTURBED
    strength: str = ""

    @property
    def label(self) -> str:
        """For people."""
        return ", ".join(filter(None, (self.scenario, self.title, self.says)))

    @property
    def name(self) -> str:
        """Of its row, its pictures' folder and their files."""
        return f"{self.kind}-{self.strength or self.scenario}"

    @property
    def title(self) -> str:
        """Its kind, for people."""
        return TITLES.get(self.kind, UNDISTURBED)

    @property
    def says(self) -> str:
        """Its strength, for people."""
        return _SAYS[self.kind].format(self.strength) if self.kind in _SAYS else ""


def ways_of(kinds: Collection[str], steps: int) -> list[Disturbed]:
    """The undisturbed settings that the kinds are compared with, each followed by their disturbances.

    Args:
        kinds: Keys of :data:`STRENGTHS`.
        steps: Denoising steps.
    """
    of: dict[Setting, list[str]] = {"T1": [], "T3": []}
    for kind in STRENGTHS:
        if kind in kinds:
            of["T3" if kind == "disagree" else "T1"].append(kind)
    ways = []
    for setting, some in of.items():
        if some:
            ways.append(Disturbed(scenario=setting, steps=steps))
        for kind in some:
            ways += [Disturbed(scenario=setting, steps=steps, kind=kind, strength=one) for one in STRENGTHS[kind]]
    return ways


def base_of(way: Disturbed) -> Disturbed:
    """The undisturbed way that a way is compared with."""
    return Disturbed(scenario=way.scenario, steps=way.steps)
