"""What a parser says of a wrong option, in one sentence: the option, its value, and what it must be.

jsonargparse nests a message for every class, group and alternative type that it tried. Each exception of that chain
adds a part of the option's name, and the innermost says what is wrong.
"""

from __future__ import annotations

import inspect
import re
import sys
from argparse import ArgumentError
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from types import MappingProxyType
from typing import Any, NoReturn

from jsonargparse import ArgumentParser, Namespace

from imagpose.options import dialect, ranges
from imagpose.options.names import joined, nearest, unknown

_MUST = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false", "NoneType": "null"}


class OptionParser(ArgumentParser):
    """A parser in our dialect: options have no abbreviations, and errors know of which parser they are.

    Attributes:
        further: Words of options that it does not know; None refuses them.
        word: The option whose name may be left out; None if there is none.
        other_names: Further names of options, and those that they stand for.
    """

    further: list[str] | None = None
    word: str | None = None
    other_names: Mapping[str, str] = MappingProxyType({})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, "exit_on_error": False, **kwargs})

    def parse_args(self, args: Sequence[str] | None = None, *others: Any, **kwargs: Any) -> Namespace:  # type: ignore[override]
        """Parse words as :mod:`imagpose.options.dialect` has them."""
        said = sys.argv[1:] if args is None else args
        words, further = dialect.read(said, self, self.word, self.other_names)
        if self.further is None:
            words += further
        else:
            self.further += further
        return super().parse_args(words, *others, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the error for :func:`sentence`."""
        error = ArgumentError(None, message)
        error.options = list(_options(self))  # type: ignore[attr-defined]
        raise error from ex


def sentence(error: BaseException) -> str:
    """One sentence about an error of a parser."""
    options: Sequence[str] = getattr(error, "options", ())
    chain = list(_chain(error))
    innermost = " ".join(str(chain[-1]).split())
    for one in chain:  # said of the whole line, or of a group within a class
        if absent := re.match(r"unrecognized arguments: ([^\s=]+)", str(one)):
            place = _place(chain)[0]
            known = getattr(one, "options", ())
            if not place:
                return unknown(absent[1], known)
            return unknown(f"--{place}.{absent[1][2:]}", [f"--{place}.{name[2:]}" for name in known])
    if empty := re.match(r"argument (\S+): expected one argument", innermost):
        inner = ", or an option of it," if empty[1] in ("--model", "--data") else ""
        return f"{empty[1].split('/')[-1].rstrip('+')}{inner} needs a value, and none follows."
    if innermost == "Unexpected config:":
        return "--config needs a value, and it is empty."
    if missing := re.match(r"the following arguments are required: (.*)", innermost):
        flags = [_flag(name, _place(chain)[0], options) for name in missing[1].split(", ")]
        of_experiment = any("." in flag or "--trainer.max_steps" in options for flag in flags)
        files = ", as experiments do: -c experiments/_base.yaml -c experiments/tiny.yaml" if of_experiment else ""
        return f"{(' and ' if of_experiment else ', ').join(flags)} must be given{files}."
    path, class_path = _place(chain)
    option = _said(path, options) if path else "the options"
    if absent := re.match(r"Option '(.+)' is not accepted|Group '(.+)' does not accept option '(.+)'", innermost):
        name = absent[1] or f"{absent[2]}.{absent[3]}"
        return unknown(f"{option}.{name}" if path else f"--{name}", [*_arguments(option, class_path), *options])
    if absent := re.match(r"module '(.+)' has no attribute '(.+)'", innermost):
        known = [name for name, one in vars(sys.modules[absent[1]]).items() if inspect.isclass(one)]
        near = nearest(absent[2], known)
        hint = f"; did you mean {absent[1]}.{near}?" if near else "; look up the class's name."
        return f"{option.removesuffix('.init_args')} names {class_path}, which does not exist{hint}"
    if absent := re.match(r"No module named '(.+)'", innermost):
        return f"{option.removesuffix('.init_args')} names {class_path}, and there is no module {absent[1]}; mend it."
    innermost_text = str(chain[-1])
    for link in reversed(chain):  # several types were tried of which none is a class
        if "Union subtypes" in str(link) and "given class_path" not in str(link):
            innermost_text = str(link)
            break
    must = list(dict.fromkeys(_kinds(innermost_text)))
    found = re.search(r"Given value: (.*)|Got value: (.*)", innermost_text, re.DOTALL) or re.search(
        r"not (?P<value>.+)$", innermost
    )
    if not must:
        return f"{option} cannot be read ({re.sub(r'^Parser key .*?: *', '', innermost)})."
    if not found:  # the parser does not repeat every value that it refuses
        return f"{option} must be {joined(must, 'or')}."
    value = " ".join(next(text for text in found.groups() if text is not None).split())
    near = nearest(value, _choices(innermost_text))
    meant = f" (did you mean {near}?)" if near else ""
    return f"{option} is {value or 'empty'}; it must be {joined(must, 'or')}{meant}."


# The parts of a message ---------------------------------------------------------------------------------------------


def _chain(error: BaseException) -> Iterator[BaseException]:
    """From the outermost to the one that says what is wrong."""
    one: BaseException | None = error
    while one is not None:
        cause = one.__cause__
        yield one
        says = re.match(r"(Not of type|Expected a|Option '|Group ')", str(one))
        one = None if says or isinstance(cause, KeyError) else cause


def _place(chain: Sequence[BaseException]) -> tuple[str, str]:
    """The option that is wrong, by its full name, and the innermost class that was named on the way to it."""
    parts: list[str] = []
    class_path, before = "", ""
    for one in chain:
        text = str(one)
        if text == before:  # raised again by the parser around
            continue
        before = text
        if key := re.match(r'Parser key "([^"]+)"', text):
            if key[1] != "config":
                parts.append(key[1])
        elif problem := re.match(r"Problem with given class_path '([^']+)'", text):
            class_path = problem[1]
            if not is_dataclass(_class(class_path)):
                parts.append("init_args")
    return ".".join(parts), class_path


def _class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(sys.modules.get(module), name, None)  # the parser has imported what there is


def _arguments(option: str, class_path: str) -> list[str]:
    """Full names of the options of a class."""
    found = _class(class_path)
    return [] if found is None else [f"{option}.{name}" for name in inspect.signature(found).parameters]


def _options(parser: ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from (name for name in action.option_strings if not name.endswith("+"))
        if not action.option_strings and isinstance(action.choices, dict):
            for inner in action.choices.values():
                yield from _options(inner)


def _flag(name: str, group: str, options: Sequence[str]) -> str:
    """An option as it is typed: what the parser calls it may begin with the command, or lack the class it is of."""
    if group:
        return f"--{group}.{name}"
    typed = (f"--{one}" for one in (name, name.partition(".")[2]))
    return next((one for one in typed if one in options), name.upper())


def _said(name: str, options: Sequence[str]) -> str:
    """An option's name as it is said; that of a word without one is in capitals, as in the usage."""
    return f"--{name}" if f"--{name}" in options or "." in name or not options else name.upper()


def _choices(text: str) -> list[str]:
    return [name.strip(" '\"") for found in re.findall(r"Literal\[(.*?)\]", text) for name in found.split(",")]


def _kinds(text: str) -> Iterator[str]:
    """What a value must be, by each type that was tried."""
    pattern = (
        r"Not of type (?P<range>\w+)|Expected a tuple with (?P<count>\d+) elements|Expected a (?P<literal>\S*Literal\[)"
        r"|Expected a (?P<list>list|<class 'tuple'>|\S*Sequence)|Expected a <class '(?P<basic>\w+)'>"
        r"|(?P<path>dot import path)"
    )
    for found in re.finditer(pattern, text):
        if found["range"]:
            kind = getattr(ranges, found["range"], None)
            yield str(kind.range) if kind is not None else f"of type {found['range']}"
        elif found["count"]:
            yield f"a list of {found['count']} values"
        elif found["literal"]:
            yield from _choices(text)
        elif found["basic"]:
            yield _MUST.get(found["basic"], f"of type {found['basic']}")
        elif found["path"]:
            yield "the path of a class, such as imagpose.module.IMAGPose"
        elif found["list"]:
            yield "a list"
