"""Names in sentences: several of them, how many there are, and the one that a wrong one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def joined(names: Iterable[object], word: str = "and") -> str:
    """Names as a sentence lists them: ``2, 4 and 6``; one stands alone.

    Args:
        names: At least one.
        word: Between the last two.
    """
    *first, last = map(str, names)
    return f"{', '.join(first)} {word} {last}" if first else last


def amount(count: int, name: str, names: str = "") -> str:
    """How many there are of what: ``1 vote``, ``1,728 votes``.

    Args:
        count: At least 0.
        name: Of one, with whatever else differs, such as its verb.
        names: Of several; the same with an s unless given.
    """
    return f"{count:,} {name if count == 1 else names or name + 's'}"


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name that a wrong one was most likely meant to be; empty if none is near."""
    names = {name.lower(): name for name in known}
    found = get_close_matches(wrong.lower(), names, n=1)
    return names[found[0]] if found else ""


def unknown(wrong: str, options: Sequence[str]) -> str:
    """The sentence about an option that there is not; names the nearest one that there is."""
    near = nearest(wrong, options)
    head, _, rest = wrong.partition(".")
    if not near and rest and (group := nearest(head, [name for name in options if "." not in name])):
        near = f"{group}.{rest}"
    kind = "option" if wrong.startswith("-") else "argument"
    return f"There is no {kind} {wrong}{f'; did you mean {near}?' if near else '.'}"
