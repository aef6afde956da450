"""The numbers of the page, refused in its own words: whoever reads them sees a field, and no option."""

from __future__ import annotations

from typing import Any

from imagpose.errors import InputError
from imagpose.options.ranges import DenoisingSteps, NonNegativeFloat, Seed

_FIELDS: dict[str, tuple[str, Any]] = {
    "steps": ("The number of denoising steps", DenoisingSteps), "guidance": ("The guidance w", NonNegativeFloat),
    "seed": ("The seed", Seed),
}  # fmt: skip
_LONGEST = 40


def check_numbers(**numbers: Any) -> None:
    """Refuse what lies outside of a field's range; a number is neither rounded nor moved into it.

    Args:
        numbers: By field, ``steps``, ``guidance`` and ``seed``, as the page sent them.

    Raises:
        InputError: One of them is none, or out of range.
    """
    for name, value in numbers.items():
        called, kind = _FIELDS[name]
        if value not in kind.range:
            raise InputError(f"{called} is {_shown(value)}; it must be {kind.range}.")


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "empty"
    text = str(value)[:_LONGEST]
    return text.replace("-", "−", 1) if text.startswith("-") else text
