"""One way to say an option, whichever command it is said to.

Every command's parser is jsonargparse's, which takes a name and one value. Before it sees the words of a command line,
they are brought into that form, by what the parser knows of its options:

- a dash inside of a name is an underscore: ``--source-pose`` is ``--source_pose``;
- an option of type bool may stand alone: ``--overwrite`` is ``--overwrite=true``;
- a list takes several words, may be repeated, or is one list: ``--seeds 0 1 --seeds 2`` is ``--seeds=[0, 1, 2]``;
- so does a mapping, word by word: ``--results ours=made theirs=other`` is ``--results={"ours": "made", …}``;
- a pair takes two words, or one list: ``--guidance_interval 500 1000`` is ``--guidance_interval=[500, 1000]``;
- a size may be written as ``256x176``, also that of a class whose options the parser does not know beforehand.
"""

from __future__ import annotations

import json
import math
import re
from argparse import Action
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from jsonargparse import ArgumentParser, get_loader, set_loader

from imagpose.errors import InputError

_SIZE = re.compile(r"(\d+)x(\d+)")
_WHOLE = re.compile(r"-?\d+")
_NUMBER = re.compile(r"-(\d|\.\d|inf|nan)")


def spelled(words: Sequence[str]) -> list[str]:
    """Words of a command line in which every option's name is spelled with underscores."""
    return [_spelled(word) for word in words]


def _spelled(word: str) -> str:
    if not word.startswith("--"):
        return word
    name, sign, value = word[2:].partition("=")
    return f"--{name.replace('-', '_')}{sign}{value}"


def given(words: Sequence[str], *names: str) -> Iterator[str]:
    """The values that a command line gives an option: ``--config FILE``, ``--config=FILE``, ``-c FILE``, ``-cFILE``.

    Args:
        words: Of the command line.
        names: Of the option; an empty value, which is its parser's to refuse, is left out.
    """
    left = iter(words)
    for word in left:
        name, has_value, value = word.partition("=")
        if name in names:
            found = value if has_value else next(left, "")
        elif word[:2] in names and not word.startswith("--"):
            found = word[2:]
        else:
            continue
        if found:
            yield found


@dataclass
class _Line:
    """A command line while it is read.

    Attributes:
        left: Words that are not read yet.
        flags: The parser's options by their names.
        room: How many words that belong to no option the parser still takes.
        word: The option whose name may be left out, until it is said.
        other_names: Of options, and the names that they stand for.
        out: What the parser will be given.
        further: What belongs to options that the parser does not know.
        gathered: The words of lists and mappings so far, by name.
    """

    left: deque[str]
    flags: Mapping[str, Action]
    room: float
    word: str | None
    other_names: Mapping[str, str]
    out: list[str] = field(default_factory=list)
    further: list[str] = field(default_factory=list)
    gathered: dict[str, list[str]] = field(default_factory=dict)

    def value_follows(self) -> bool:
        """Whether the next word is no option."""
        return bool(self.left) and (not self.left[0].startswith("-") or bool(_NUMBER.match(self.left[0])))

    def values(self) -> Iterator[str]:
        """The words up to the next option."""
        while self.value_follows():
            yield self.left.popleft()


def read(
    words: Sequence[str],
    parser: ArgumentParser,
    unnamed: str | None = None,
    other_names: Mapping[str, str] = MappingProxyType({}),
) -> tuple[list[str], list[str]]:
    """Bring a command line into the form that jsonargparse takes.

    Args:
        words: After the command.
        parser: Of the command; one that only chooses among others is given the words as they are.
        unnamed: The option whose name may be left out.
        other_names: Further names of options, ``--out`` say, and those that they stand for.

    Returns:
        The words for the parser, and those of options that it does not know, each with the value that follows.

    Raises:
        InputError: A word of a mapping is no ``name=value``, or gives a name again.
    """
    if any(isinstance(action.choices, dict) for action in parser._actions if not action.option_strings):
        return list(words), []
    flags = {name: action for action in parser._actions for name in action.option_strings}
    nameless = [action for action in parser._actions if not action.option_strings]
    room = sum(1 if action.nargs in (None, "?") else math.inf for action in nameless) + (unnamed is not None)
    line = _Line(deque(spelled(words)), flags, room, unnamed, other_names)
    while line.left:
        _read_next(line)
    return line.out, line.further


def _read_next(line: _Line) -> None:
    word = line.left.popleft()
    name, has_value, value = word.partition("=")
    if name in line.other_names:
        name = line.other_names[name]
        word = f"{name}{has_value}{value}"
    if not name.startswith("-") or _NUMBER.match(name):
        line.out.append(word if line.word is None else f"--{line.word}={word}")
        line.word = None
        line.room -= 1
    elif name not in line.flags:
        _read_unknown(line, name, word, has_value == "=")
    elif (kind := _kind(line.flags[name])) in ("list", "mapping"):
        said = [value] if has_value else list(line.values())
        if not said:
            line.out.append(name)  # the parser will say that a value is missing
            return
        so_far = line.gathered.setdefault(name, [])
        so_far += said
        joined = json.dumps(as_list(so_far), default=str) if kind == "list" else _mapping(name, so_far)
        line.out = [*(one for one in line.out if not one.startswith(f"{name}=")), f"{name}={joined}"]
    elif has_value or kind not in ("bool", "bool or another"):
        line.out.append(word)
        if not has_value and kind == "value" and line.value_follows():
            line.out[-1] = f"{word}={line.left.popleft()}"
        if not has_value and kind == "pair" and line.value_follows():
            first = line.left.popleft()
            two = _WHOLE.fullmatch(first) and line.value_follows()
            line.out[-1] = f"{word}=[{first}, {line.left.popleft()}]" if two else f"{word}={first}"
    else:
        taken = line.value_follows() and (
            line.left[0].lower() in ("true", "false") or kind == "bool or another" or line.room < 1
        )
        line.out.append(f"{name}={line.left.popleft() if taken else 'true'}")


def _read_unknown(line: _Line, name: str, word: str, has_value: bool) -> None:
    """An option of a class, of whose options the parser knows only the group, or one that there is not."""
    said = [word.partition("=")[2]] if has_value else list(line.values())
    if "." not in name or name.partition(".")[0] not in line.flags:
        if has_value:
            line.further.append(word)
        else:
            line.further += [name, *said[:1]]
            line.left.extendleft(reversed(said[1:]))
        return
    if not said:
        said = ["true"]
    if name.endswith(".size") and len(said) == 1 and (size := _SIZE.fullmatch(said[0])):
        said = [f"[{size[1]},{size[2]}]"]
    line.out.append(f"{name}={said[0]}" if len(said) == 1 else f"{name}=[{', '.join(said)}]")


def _kind(action: Action) -> str:
    """What is said to an option: a list, a pair, a mapping, true or false, one value, or what its own action knows."""
    hint = getattr(action, "_typehint", None)
    if hint is None:
        return "other"
    hints = [one for one in _alternatives(hint) if one is not type(None)]
    origins = [get_origin(one) or one for one in hints]
    if len(hints) == 1:
        if origins[0] is list or (origins[0] is tuple and get_args(hints[0])[1:] == (...,)):
            return "list"
        if origins[0] is tuple and len(get_args(hints[0])) == 2:
            return "pair"
        if origins[0] is dict and len(get_args(hints[0])) == 2:
            return "mapping"
    if bool in hints:
        return "bool" if len(hints) == 1 else "bool or another"
    return "value"


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def as_list(words: Sequence[str]) -> list[Any]:
    """The items of a list; a word that is itself a list stands for what is in it."""
    items: list[Any] = []
    for word in words:
        inner = _parsed(word) if word.startswith("[") else None
        items += inner if isinstance(inner, list) else [word]
    return items


def _mapping(option: str, words: Sequence[str]) -> str:
    """JSON of a mapping, of whose words each is ``name=value`` or itself a mapping."""
    pairs: list[tuple[str, Any]] = []
    for word in words:
        inner = _parsed(word) if word.startswith("{") else None
        name, found, value = word.partition("=")
        if isinstance(inner, dict):
            pairs += ((str(key), one) for key, one in inner.items())
        elif name and found and value:
            pairs.append((name, value))
        else:
            raise InputError(f"{option} is {word}; it must be name=value, such as {option} ours=folder.")
    names = [name for name, _ in pairs]
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise InputError(f"{option} names {twice[0]} twice; give each its own name.")
    return json.dumps(dict(pairs), default=str)


def _load_any_text() -> None:
    """Let jsonargparse read what YAML cannot hold, such as a file's name that is no UTF-8, as JSON or as it stands."""
    load = get_loader("yaml")

    def read_(text: str) -> Any:
        try:
            return load(text)
        except (yaml.YAMLError, UnicodeError, RecursionError) as error:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                raise yaml.YAMLError(str(error)) from error

    set_loader("yaml", read_, exceptions=(yaml.YAMLError,))


_load_any_text()


def _parsed(word: str) -> Any:
    """What a word is in YAML; None if it is nothing that JSON can say, such as a list that holds itself."""
    try:
        value = yaml.safe_load(word)
        json.dumps(value, default=str)
        return value
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
