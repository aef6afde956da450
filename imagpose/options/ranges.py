"""Ranges of numbers, each written once, as a type.

One mechanism serves all: a :class:`Range` reads a value or says what it must be. The command line's parser asks it for
every annotation of a constructor, and constructors ask by :func:`check_arguments`, for who calls them from Python. What
is read is a plain number: instances of other classes would end up in checkpoints.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from jsonargparse.typing import register_type

from imagpose.errors import InputError

STEPS, GUIDANCE_SCALE = 20, 2.0
"""Denoising steps, and w of Eq. (5), with which is generated where neither a user nor the model says others."""


@dataclass(frozen=True)
class Range:
    """Finite numbers between two bounds.

    Attributes:
        kind: ``int`` or ``float``.
        low: The least.
        high: The greatest; None is without an end.
        above: Whether ``low`` itself is left out.
        below: Whether ``high`` itself is left out.
        of: What such numbers make together, for messages.
    """

    kind: type[int] | type[float]
    low: float = 0
    high: float | None = None
    above: bool = False
    below: bool = False
    of: str = ""

    def __str__(self) -> str:
        what = f"{self.of}a whole number" if self.kind is int else f"{self.of}a number"
        if self.high is None:
            return f"{what} above {self.low:,}" if self.above else f"{what} of at least {self.low:,}"
        if not (self.above or self.below):
            return f"{what} from {self.low:,} to {self.high:,}"
        low = f"above {self.low:,}" if self.above else f"of at least {self.low:,}"
        return f"{what} {low} and {'below' if self.below else 'at most'} {self.high:,}"

    def __contains__(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, self.kind)):
            return False
        if isinstance(value, float) and not math.isfinite(value):
            return False
        over = value > self.low if self.above else value >= self.low
        return over and (self.high is None or (value < self.high if self.below else value <= self.high))

    def read(self, value: Any) -> Any:
        """The plain number that a value or a text stands for.

        Raises:
            ValueError: It is none, or out of range; says what it must be.
        """
        number = value
        if isinstance(value, str):
            try:
                number = self.kind(value)
            except ValueError:
                number = None
        try:
            if number in self:
                return self.kind(number)
        except OverflowError:  # a whole number beyond all floats
            pass
        raise ValueError(f"must be {self}, not {_short(value)}")


def _short(value: Any) -> str:
    try:
        return str(value)[:100]
    except ValueError:  # Python spells no whole number of thousands of digits
        return "a number of thousands of digits"


def _type(name: str, values: Range) -> Any:
    created = type(name, (values.kind,), {"__module__": __name__, "__doc__": f"{values}.", "range": values})
    register_type(
        created, values.kind, values.read, type_check=lambda value, _: type(value) is values.kind and value in values
    )
    return created


if TYPE_CHECKING:
    PositiveInt = int
    NonNegativeInt = int
    Views = int
    SeveralViews = int
    Panels = int
    DenoisingSteps = int
    Timestep = int
    Seed = int
    Port = int
    ImageSize = int
    Workers = int
    SeveralItems = int
    Percentage = int
    Side = int
    DrawnSide = int
    PositiveFloat = float
    NonNegativeFloat = float
    Probability = float
    Percent = float
    Decay = float
    NoiseBeta = float
    LoraScale = float
    Size = tuple[int, int]
else:
    PositiveInt = _type("PositiveInt", Range(int, 1))
    NonNegativeInt = _type("NonNegativeInt", Range(int, 0))
    Views = _type("Views", Range(int, 2, 999))
    SeveralViews = _type("SeveralViews", Range(int, 3, 999))  # of which two are sources of one pose
    Panels = _type("Panels", Range(int, 2, 64))
    DenoisingSteps = _type("DenoisingSteps", Range(int, 1, 1000))
    Timestep = _type("Timestep", Range(int, 0, 1000, of="[lowest, highest], each "))
    Seed = _type("Seed", Range(int, 0, 2**32 - 1))
    Port = _type("Port", Range(int, 0, 65535))
    ImageSize = _type("ImageSize", Range(int, 1, 8192))
    Workers = _type("Workers", Range(int, 0, 1024))
    SeveralItems = _type("SeveralItems", Range(int, 2, 10_000))
    Percentage = _type("Percentage", Range(int, 1, 100))
    Side = _type("Side", Range(int, 1, 8192, of="[height, width], each "))
    # SSIM's window is 11 pixels wide.
    DrawnSide = _type("DrawnSide", Range(int, 11, 2048, of="[height, width], each "))
    PositiveFloat = _type("PositiveFloat", Range(float, 0, above=True))
    NonNegativeFloat = _type("NonNegativeFloat", Range(float, 0))
    Probability = _type("Probability", Range(float, 0, 1))
    Percent = _type("Percent", Range(float, 0, 100, above=True, below=True))
    Decay = _type("Decay", Range(float, 0, 1, below=True))
    NoiseBeta = _type("NoiseBeta", Range(float, 0, 1, above=True, below=True))
    LoraScale = _type("LoraScale", Range(float, -10, 10))


def _size(value: Any) -> tuple[int, int]:
    """(height, width) from ``256x176``, or a list or a tuple of the two."""
    if isinstance(value, str) and (found := re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", value)):
        value = [found[1], found[2]]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError("no height and width")
    height, width = map(Side.range.read, value)  # type: ignore[attr-defined]
    return height, width


if not TYPE_CHECKING:
    Size = type("Size", (tuple,), {"__module__": __name__, "range": "a height and a width such as 256x176, 1 to 8,192"})
    register_type(
        Size, list, _size, type_check=lambda value, _: type(value) is tuple and all(one in Side.range for one in value)
    )


def are_panels(value: Any) -> bool:
    """Whether something is a list of the numbers of panels that canvases may have."""
    return isinstance(value, list) and bool(value) and all(one in Panels.range for one in value)  # type: ignore[attr-defined]


def is_interval(value: Any) -> bool:
    """Whether something is a lowest and a highest timestep."""
    return (
        isinstance(value, (list, tuple)) and len(value) == 2 and value[0] in Timestep.range  # type: ignore[attr-defined]
        and value[1] in Timestep.range and value[0] <= value[1]  # type: ignore[attr-defined]
    )  # fmt: skip


def check_interval(name: str, value: Any) -> None:
    """Refuse what is neither None nor a lowest and a highest timestep.

    Raises:
        InputError: It is something else.
    """
    if value is not None and not is_interval(value):
        raise InputError(f"{name} is {value!r}; it takes [lowest, highest] timestep, 0 to 1,000.")


def check_arguments(owner: type, values: Mapping[str, Any], prefix: str = "") -> None:
    """Refuse what is outside of the ranges that a constructor, or a dataclass, declares.

    Args:
        owner: The class.
        values: Arguments by name; others than the declared are not looked at.
        prefix: Of an argument's name in messages; empty takes the class's name and a dot.

    Raises:
        InputError: A number is out of range.
    """
    hints = get_type_hints(owner if hasattr(owner, "__dataclass_fields__") else owner.__init__)  # type: ignore[misc]
    for name, hint in hints.items():
        if name in values:
            check(f"{prefix or f'{owner.__name__}.'}{name}", values[name], hint)


def check(name: str, value: Any, hint: Any) -> None:
    """Refuse a value whose type is a range, or a tuple, list or alternative of such, unless it lies in it.

    Raises:
        InputError: A number is out of range.
    """
    if isinstance(found := getattr(hint, "range", None), Range):
        if value not in found:
            raise InputError(f"{name} is {value}; it must be {found}.")
        return
    inner = [one for one in get_args(hint) if one is not Ellipsis]
    if value is None or not any(_has_range(one) for one in inner):
        return
    if isinstance(value, Sequence):
        for i, one in enumerate(value):
            check(name, one, inner[min(i, len(inner) - 1)] if len(inner) != 2 or type(None) not in inner else inner[0])
    else:
        check(name, value, inner[0])


def _has_range(hint: Any) -> bool:
    return hasattr(hint, "range") or any(_has_range(one) for one in get_args(hint))
