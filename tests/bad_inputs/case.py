"""What a case of bad input is, and the families that most options share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Words = str | tuple[str, ...]
"""An option's value, or several."""
IMAGE = "<an image of data>"
"""Stands for a name in the dataset's lists."""
Spoil = Callable[[Path], None]
"""Makes what stands in a path's place; there is nothing when it is called."""


@dataclass(frozen=True)
class Case:
    """A command line that is refused.

    Attributes:
        name: Unique among the cases of its command.
        words: After the command; they are said in a copy of the world.
        told: The sentence has one of these texts; of findings (code 1), the report has.
        place: What is put in whose place beforehand, by path.
        code: The exit code, 2 unless the command's documentation has another.
        slow: Whether it takes more than a blink.
        writes: What it may leave: documented, though the input was bad.
        of: The good command that it changes.
        changed: The options that are other than that command's.
        further: Words after them.
    """

    name: str
    words: tuple[str, ...]
    told: tuple[str, ...]
    place: Mapping[str, Spoil] = field(default_factory=dict)
    code: int = 2
    slow: bool = False
    writes: tuple[str, ...] = ()
    of: Command | None = None
    changed: Mapping[str, Words | None] = field(default_factory=dict)
    further: tuple[str, ...] = ()

    @property
    def options(self) -> set[str]:
        """The options that it says."""
        return {word.split("=")[0] for word in self.words if word.startswith("-")}


@dataclass(frozen=True)
class Command:
    """Makes the cases of one command.

    Attributes:
        good: Its options that would be carried out, each with a value; an empty name stands for positional ones.
        slow: Whether it takes more than a blink to refuse anything.
        writes: What it may leave, see :class:`Case`.
    """

    good: Mapping[str, Words]
    slow: bool = False
    writes: tuple[str, ...] = ()

    def case(
        self,
        name: str,
        options: Mapping[str, Words | None],
        *told: str,
        place: Mapping[str, Spoil] | None = None,
        code: int = 2,
        slow: bool = False,
        writes: tuple[str, ...] = (),
        further: tuple[str, ...] = (),
    ) -> Case:
        """The good command with some options changed; None leaves one out."""
        words: list[str] = []
        for option, value in {**self.good, **options}.items():
            values = () if value is None else (value,) if isinstance(value, str) else value
            if values and option and values[0].startswith("-"):
                words.append(f"{option}={values[0]}")
            elif value is not None:
                words += [option, *values] if option else values
        shown = name if len(name) < 70 else f"{name[:60]}…"
        return Case(
            shown.encode("ascii", "backslashreplace").decode(),
            (*words, *further),
            told,
            place or {},
            code,
            slow or self.slow,
            (*self.writes, *writes),
            self,
            options,
            further,
        )

    def both(self, one: Case, other: Case) -> Case:
        """Two of its cases at once; the sentence may be about either."""
        return self.case(
            f"{one.name[:30]} and {other.name[:30]}",
            {**one.changed, **other.changed},
            *(one.told + other.told if one.told and other.told else ()),
            place={**one.place, **other.place},
            slow=True,
            writes=(*one.writes, *other.writes),
            further=(*one.further, *other.further),
        )

    def values(
        self, option: str, values: Iterable[str], *told: str, slow: bool = False, some: int | None = None
    ) -> Iterator[Case]:
        """One case a value; the sentence names the option, or has one of the texts."""
        for number, value in enumerate(values):
            late = slow or (some is not None and number >= some)
            yield self.case(f"{option} {value!r}", {option: value}, *(told or (option,)), slow=late)

    def whole_number(self, option: str, *further: str) -> Iterator[Case]:
        """An option that takes a whole number: not these, nor the further ones."""
        yield from self.values(option, (*further, "x", "-1"))
        yield from self.values(option, ("", "1.5", "nan", "1e3", "9" * 5000, "½", "[1]", "0x10"), slow=True)

    def number(self, option: str, *further: str) -> Iterator[Case]:
        """An option that takes a number."""
        yield from self.values(option, ("nan", "x", *further))
        yield from self.values(option, ("inf", "-inf", "", "1,5", "½", "1e400", "[1]"), slow=True)

    def choice(self, option: str) -> Iterator[Case]:
        """An option that takes a few words."""
        yield from self.values(option, ("nope", "", "ALL", "Ünï", "x" * 3000), some=1)

    def flag(self, option: str) -> Iterator[Case]:
        """An option that takes nothing."""
        yield self.case(f"{option} with a value", {}, option, "unrecognized", further=(f"{option}=maybe",))

    def file(self, option: str, *told: str, slow: bool = False) -> Iterator[Case]:
        """An option that names a file which is read."""
        yield from self._paths(option, {**NOWHERE, "a folder": "odd/folder"}, told, slow)

    def folder(self, option: str, *told: str, slow: bool = False) -> Iterator[Case]:
        """An option that names a folder which is read."""
        yield from self._paths(option, {**NOWHERE, "a file": "odd/file", "an empty folder": "odd/folder"}, told, slow)

    def written(self, option: str, *told: str, ending: str = "", slow: bool = True) -> Iterator[Case]:
        """An option that names what is written."""
        places = {
            "below a file": f"odd/file/new{ending}",
            "in a kernel's folder": f"/proc/nowhere/new{ending}",
            "below a device": f"odd/device/new{ending}",
            "a circle": f"odd/circle/new{ending}",
            "too long": "x" * 300 + ending,
            "too deep": "x/" * 3000 + f"x{ending}",
            "NUL": f"a\0b{ending}",
        }
        yield from self._paths(option, places, told, slow)

    def _paths(self, option: str, places: Mapping[str, str], told: tuple[str, ...], slow: bool) -> Iterator[Case]:
        for number, (kind, value) in enumerate(places.items()):
            names = (option, *shown(value), *told)
            yield self.case(f"{option} {kind}", {option: value}, *names, slow=slow or number > 1)

    def contents(
        self,
        path: str,
        contents: Mapping[str, bytes],
        *told: str,
        options: Mapping[str, Words | None] | None = None,
        slow: bool = False,
        some: int = 2,
        code: int = 2,
    ) -> Iterator[Case]:
        """A file with other content; the sentence names it."""
        for number, (kind, content) in enumerate(contents.items()):
            names = told or (Path(path).name,)
            yield self.case(
                f"{path}: {kind}",
                options or {},
                *names,
                place={path: text(content)},
                slow=slow or number >= some,
                code=code,
            )

    def instead(
        self,
        path: str,
        *told: str,
        options: Mapping[str, Words | None] | None = None,
        kinds: Iterable[str] = (),
        code: int = 2,
        slow: bool = True,
    ) -> Iterator[Case]:
        """Other things than a file in a file's place."""
        for kind in kinds or INSTEAD:
            names = told or (Path(path).name,)
            yield self.case(f"{path}: {kind}", options or {}, *names, place={path: INSTEAD[kind]}, slow=slow, code=code)

    def grammar(self, *required: str, slow: bool = False) -> Iterator[Case]:
        """What no command takes, and what this one cannot do without."""
        yield self.case("an unknown option", {}, "--nope", further=("--nope",), slow=slow)
        yield self.case("an unknown option with a value", {}, "--nope", further=("--nope=1",), slow=True)
        yield self.case("a stray word", {}, "stray", further=("stray",), slow=slow)
        yield self.case("an option of one letter", {}, "-z", further=("-z",), slow=True)
        yield self.case("unicode", {}, "ünï", "--", further=("--ünï", "☃"), slow=True)
        yield self.case("a very long word", {}, "xxx", further=("--" + "x" * 3000,), slow=True)
        for option in required:
            yield self.case(f"no {option}", {option: None}, option.lstrip("-"), slow=slow)
        for option in list(self.good):
            if option:
                yield self.case(f"{option} without a value", {option: None}, option, further=(option,), slow=slow)


NOWHERE = {
    "missing": "odd/nothing",
    "too long": "x" * 300,
    "a pipe": "odd/pipe",
    "a device": "odd/device",
    "a broken link": "odd/broken",
    "a circle": "odd/circle",
    "too deep": "x/" * 3000 + "x",
    "NUL": "a\0b",
    "latin-1": os.fsdecode("Müller".encode("latin-1")),
    "a line break": "a\nb",
    "empty": "",
}
"""Paths with nothing that could be read; ``world.py`` makes ``odd``."""

INSTEAD: dict[str, Spoil] = {
    "missing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a broken link": lambda path: path.symlink_to("nothing"),
    "a circle": lambda path: path.symlink_to(path.name),
}

BYTES = {
    "empty": b"",
    "binary": bytes(range(256)) * 4,
    "NUL": b"\0" * 100,
    "latin-1": "Müller;Ärger\n".encode("latin-1"),
    "UTF-16": "from,to\n".encode("utf-16"),
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
}
"""Bytes that are no text of any format."""

JSON = {
    **BYTES,
    "truncated": b'{"a": [1, 2',
    "a list": b"[]",
    "a number": b"3",
    "null": b"null",
    "an empty object": b"{}",
    "nested deeply": b"[" * 100_000,
    "another object": b'{"a": {"b": [1]}}',
    "NaN": b"NaN",
    "a text": b'"x"',
    "a list of lists": b"[[1, 2], [3]]",
    "a huge number": b"1" * 5000,
    "two values": b"{} {}",
}
"""Texts that are no object of the kind that is looked for."""


def shown(path: str) -> tuple[str, ...]:
    """A path as a sentence may have it."""
    plain = path.encode("utf-8", "backslashreplace").decode()[:40]
    marked = "".join(letter if letter.isprintable() else "?" for letter in path[:40])
    beside = ("NUL",) if "\0" in path else ("Error: . ",) if not path else ()
    return plain, marked, repr(path)[1:40], plain.replace("\n", " "), plain.replace("\0", r"\x00"), *beside


def text(content: bytes) -> Spoil:
    """Makes a file."""
    return lambda path: (path.write_bytes(content), None)[1]
