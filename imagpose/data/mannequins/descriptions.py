"""What a mannequin wears, as numbers: to an image encoder of ours what captions are to CLIP."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imagpose.data.mannequins.people import BOTTOM_PATTERNS, BOTTOMS, SLEEVES, TOP_PATTERNS, Person

COLOURS = ("skin", "hair", "shoes", "top", "bottom_colour", "top_accent", "bottom_accent")
CHOICES: dict[str, tuple[object, ...]] = {
    "top_pattern": TOP_PATTERNS,
    "bottom_pattern": tuple(dict.fromkeys(BOTTOM_PATTERNS)),
    "sleeves": SLEEVES,
    "bottom": BOTTOMS,
    "long_hair": (False, True),
}


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
