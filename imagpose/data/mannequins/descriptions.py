"""What a mannequin wears: as numbers, and as a caption."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imagpose.data.mannequins.people import (
    BOTTOM_PATTERNS,
    BOTTOMS,
    CLOTH,
    HAIR,
    SKIN,
    SLEEVES,
    TOP_PATTERNS,
    Colour,
    Person,
)

COLOURS = ("skin", "hair", "shoes", "top", "bottom_colour", "top_accent", "bottom_accent")
CHOICES: dict[str, tuple[object, ...]] = {
    "top_pattern": TOP_PATTERNS,
    "bottom_pattern": tuple(dict.fromkeys(BOTTOM_PATTERNS)),
    "sleeves": SLEEVES,
    "bottom": BOTTOMS,
    "long_hair": (False, True),
}

_SLEEVES = {"none": "sleeveless", "short": "short-sleeved", "long": "long-sleeved"}
_PATTERNS = {"hstripes": "horizontal stripes", "vstripes": "vertical stripes", "diagonal": "diagonal stripes"}


class Description(NamedTuple):
    """What can be said of a person.

    Attributes:
        colours: A colour for each of ``COLOURS``, (7, 3) in [-1, 1].
        seen: Which colours are worn at all, (7,) in {0, 1}: a plain garment has no accent.
        choices: Index into each of ``CHOICES``, (5,) integers.
    """

    colours: Tensor
    seen: Tensor
    choices: Tensor


def describe(person: Person) -> Description:
    """A person's description."""
    plain = {"top_accent": person.top_pattern == "plain", "bottom_accent": person.bottom_pattern == "plain"}
    return Description(
        torch.tensor([getattr(person, name) for name in COLOURS]) / 127.5 - 1,
        torch.tensor([0.0 if plain.get(name) else 1.0 for name in COLOURS]),
        torch.tensor([options.index(getattr(person, name)) for name, options in CHOICES.items()]),
    )


def caption(person: Person) -> str:
    """The same in English, colours by the name of the nearest one that there is; what CLIP reads of a picture."""
    sleeves = _SLEEVES[person.sleeves]
    top = _garment(f"{_name(person.top, CLOTH)} {sleeves} top", person.top_pattern, person.top_accent)
    bottom = _garment(
        f"{_name(person.bottom_colour, CLOTH)} {person.bottom}", person.bottom_pattern, person.bottom_accent
    )
    hair = f"{'long' if person.long_hair else 'short'} {_name(person.hair, HAIR)} hair"
    skin, shoes = f"{_name(person.skin, SKIN)} skin", f"{_name(person.shoes, CLOTH)} shoes"
    return f"a person with {hair} and {skin} in a {top}, {bottom} and {shoes}"


def _garment(text: str, pattern: str, accent: Colour) -> str:
    if pattern == "plain":
        return f"plain {text}"
    return f"{text} with {_name(accent, CLOTH)} {_PATTERNS.get(pattern, pattern)}"


def _name(colour: Colour, palette: dict[str, Colour]) -> str:
    return min(palette, key=lambda name: sum((a - b) ** 2 for a, b in zip(colour, palette[name], strict=True)))
