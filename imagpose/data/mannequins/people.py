"""Mannequins: people and poses as plain records that can be combined at will.

:mod:`imagpose.data.mannequins.drawing` draws them.

The same person can take any pose, and the same pose any clothes, so the project has data, and ground truth, of its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray

TOP_PATTERNS = ("plain", "hstripes", "vstripes", "checks", "dots", "diagonal", "blocks", "badge")
FRONT_ONLY = ("badge",)
BOTTOM_PATTERNS = ("plain", "plain", "hstripes", "vstripes")
SLEEVES = ("none", "short", "long")
BOTTOMS = ("trousers", "shorts", "skirt")

Colour = tuple[int, int, int]
CLOTH: dict[str, Colour] = {
    "red": (200, 36, 44), "orange": (236, 120, 28), "yellow": (240, 200, 40), "lime": (120, 176, 40),
    "green": (24, 120, 60), "turquoise": (40, 176, 176), "blue": (48, 120, 216), "navy": (28, 44, 120),
    "purple": (124, 60, 172), "pink": (224, 96, 168), "brown": (120, 72, 40), "cream": (246, 240, 226),
    "black": (40, 40, 46), "grey": (140, 148, 156),
}  # fmt: skip
SKIN: dict[str, Colour] = {
    "pale": (250, 220, 196), "fair": (232, 190, 156), "tan": (206, 156, 116), "olive": (164, 112, 76),
    "brown": (116, 76, 52), "dark": (80, 52, 40),
}  # fmt: skip
HAIR: dict[str, Colour] = {
    "black": (28, 24, 24), "dark brown": (84, 52, 32), "brown": (140, 84, 40), "blond": (216, 176, 96),
    "red": (168, 52, 28), "grey": (150, 150, 150),
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A body and what it wears. Colours are RGB in 0–255, lengths are relative to the standard body."""

    skin: Colour
    hair: Colour
    long_hair: bool
    shoes: Colour
    width: float
    legs: float
    sleeves: str
    top_pattern: str
    top: Colour
    top_accent: Colour
    bottom: str
    bottom_pattern: str
    bottom_colour: Colour
    bottom_accent: Colour

    def wearing(self, pattern: str) -> Person:
        """The same person with another pattern in the same colours."""
        return replace(self, top_pattern=pattern)


@dataclass(frozen=True)
class Pose:
    """Joint angles and viewpoint, all in degrees; the person faces the viewer at azimuth 0 and shows its left at 90."""

    azimuth: float
    elevation: float
    lean: float
    head_yaw: float
    arm_raise: tuple[float, float]
    arm_swing: tuple[float, float]
    elbow: tuple[float, float]
    leg_swing: tuple[float, float]
    leg_spread: float
    knee: tuple[float, float]

    @property
    def facing(self) -> str:
        """``front``, ``side`` or ``back``, as DeepFashion's file names say it."""
        turn = abs((self.azimuth + 180) % 360 - 180)
        return "front" if turn <= 60 else "side" if turn < 120 else "back"


def _colour(rng: np.random.Generator, palette: dict[str, Colour], jitter: int) -> Colour:
    r, g, b = np.clip(rng.choice(list(palette.values())) + rng.integers(-jitter, jitter + 1, 3), 0, 255)
    return int(r), int(g), int(b)


def _two_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Two cloth colours that stay apart after blurring and shading."""
    while True:
        a, b = _colour(rng, CLOTH, 10), _colour(rng, CLOTH, 10)
        difference = np.subtract(a, b, dtype=float)
        if np.abs(difference).sum() > 180 and abs(difference @ (0.3, 0.59, 0.11)) > 50:
            return a, b


def draw_person(rng: np.random.Generator) -> Person:
    """Draw a person at random."""
    top, top_accent = _two_colours(rng)
    bottom_colour, bottom_accent = _two_colours(rng)
    return Person(
        skin=_colour(rng, SKIN, 6),
        hair=_colour(rng, HAIR, 8),
        long_hair=bool(rng.random() < 0.4),
        shoes=_colour(rng, CLOTH, 10),
        width=float(rng.uniform(0.92, 1.1)),
        legs=float(rng.uniform(0.94, 1.06)),
        sleeves=str(rng.choice(SLEEVES)),
        top_pattern=str(rng.choice(TOP_PATTERNS)),
        top=top,
        top_accent=top_accent,
        bottom=str(rng.choice(BOTTOMS)),
        bottom_pattern=str(rng.choice(BOTTOM_PATTERNS)),
        bottom_colour=bottom_colour,
        bottom_accent=bottom_accent,
    )


def draw_joint_angles(rng: np.random.Generator, azimuth: float) -> Pose:
    """Draw a pose at random, seen from about ``azimuth`` degrees."""

    def pair(low: float, high: float) -> tuple[float, float]:
        a, b = rng.uniform(low, high, 2)
        return float(a), float(b)

    return Pose(
        azimuth=float(azimuth + rng.uniform(-22, 22)),
        elevation=float(rng.uniform(0, 8)),
        lean=float(rng.uniform(-4, 4)),
        head_yaw=float(rng.uniform(-25, 25)),
        arm_raise=pair(8, 46),
        arm_swing=pair(-30, 50),
        elbow=pair(5, 90),
        leg_swing=pair(-22, 26),
        leg_spread=float(rng.uniform(2, 10)),
        knee=pair(0, 35),
    )


def to_record(person_or_pose: Any) -> dict[str, Any]:
    """A dataclass as a plain dictionary for JSON."""
    return asdict(person_or_pose)


def _tuples(record: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}


def person_from_record(record: dict[str, Any]) -> Person:
    """The inverse of :func:`to_record` for a person."""
    return Person(**_tuples(record))


def pose_from_record(record: dict[str, Any]) -> Pose:
    """The inverse of :func:`to_record` for a pose."""
    return Pose(**_tuples(record))
