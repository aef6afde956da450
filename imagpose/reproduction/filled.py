"""Canvases of two, four, six and nine panels, and what each is filled with: the rows of the table of panels."""

from __future__ import annotations

from dataclasses import dataclass

from imagpose.data.scenarios import Setting
from imagpose.reproduction.timing import DISTILLED, Way

Interval = tuple[int, int]
EVERY_STEP: Interval = (0, 1000)
"""The interval of guidance that the paper has."""


@dataclass(frozen=True)
class Filled(Way):
    """A canvas of V panels, and with what it is filled.

    Attributes:
        key: Of its row, its pictures' folder and their files; those with an interval have a further word.
        panels: V.
        filling: What it is filled with, for people.
    """

    sampler: str = "DDIM"
    steps: int = 20
    interval: Interval = EVERY_STEP
    key: str = "T1"
    panels: int = 4
    filling: str = ""

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.panels} panels, {self.filling}{f', {self.manner}' if self.manner else ''}"

    @property
    def name(self) -> str:
        """Of its row, its pictures' folder and their files."""
        return "-".join(filter(None, (self.key, self.manner)))

    @property
    def manner(self) -> str:
        """How it differs from guidance at every step; empty where it does not."""
        return DISTILLED if self.sampler == DISTILLED else "" if self.interval == EVERY_STEP else "interval"

    @property
    def guidance(self) -> str:
        """When there is any, for people."""
        if self.sampler == DISTILLED:
            return f"distilled, {self.steps} steps"
        return "every step" if self.interval == EVERY_STEP else f"{self.interval[0]} ≤ t ≤ {self.interval[1]}"


def _of(key: str, panels: int, scenario: Setting, filling: str) -> Filled:
    return Filled(scenario=scenario, key=key, panels=panels, filling=filling)


PAPERS = _of("T1", 4, "T1", "T1")
"""The paper's own setting, guided at every step: what all others are compared with."""
CANVASES = (
    _of("pair", 2, "auto", "one source, one pose"),
    PAPERS,
    _of("T2", 4, "T2", "T2"),
    _of("T3", 4, "T3", "T3"),
    _of("IMAGPose_star", 4, "IMAGPose*", "IMAGPose*"),
    _of("six_poses", 6, "IMAGPose*", "one source, all poses"),
    _of("six_sources", 6, "T3", "five sources, one pose"),
    _of("nine_poses", 9, "IMAGPose*", "one source, all poses"),
    _of("nine_sources", 9, "T3", "eight sources, one pose"),
)
ALSO_IN_INTERVAL = ("pair", "T1", "nine_poses")
"""Keys of the canvases that are drawn in an interval of guidance too; it does much the same on the others."""
