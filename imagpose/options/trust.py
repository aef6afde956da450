"""Whose code a run's ``config.yaml`` may start: it may be a stranger's, and to build a class runs its code."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import ArgumentError, ArgumentParser
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from imagpose.errors import InputError
from imagpose.options.dialect import as_list
from imagpose.options.renamed import renamed
from imagpose.output.files import regular

PACKAGES = ("imagpose", "lightning", "torch", "diffusers")
"""Those whose classes every file of options may name."""
HELP = (
    "a module or package, beside imagpose, lightning, torch and diffusers, whose classes the run's "
    "config.yaml may name; its code is then run; repeatable"
)
GROUPS = ("seed_everything", "trainer", "model", "data")
"""What makes a run the run it is, and all that its ``config.yaml`` holds."""
COMPOSE = "compose"
"""The line of an experiment that names the files to be read before it; no run's ``config.yaml`` has one."""

RUN_FILE = "config.yaml"
"""The name of the file of a run's options."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # as jsonargparse's own
_MOST_BYTES, _MOST_VALUES, _DEEPEST = 1_000_000, 100_000, 100


def read(path: Path) -> dict[str, Any]:
    """The options in a YAML file, as plain types; nothing is imported and nothing constructed.

    Raises:
        InputError: The file is no mapping of option groups in YAML, or grows beyond all measure when it is read.
    """
    try:
        if regular(path).stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is longer than options ever are; name the config.yaml of a run.")
        found = _load(path.read_bytes().decode("utf-8"), path)
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path} holds no readable options ({reason}); mend it, or take one that fit wrote."
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no options, but {_kind(found)}; mend it, or take one that fit wrote.")
    return found


def read_run(path: Path, trust: Sequence[str] = ()) -> dict[str, Any]:
    """The options of a run, all of whose classes may be built.

    Args:
        path: Its ``config.yaml``.
        trust: Further modules and packages whose classes it may name.

    Raises:
        InputError: It is no readable file of options, has no model, or names a class of another package.
    """
    options = read(path)
    check(options, path, trust)
    model = options.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("class_path"), str):
        raise InputError(f"{path} names no model; take the file that fit wrote.")
    return options


def check(options: dict[str, Any], path: Path, trust: Sequence[str] = ()) -> None:
    """Refuse options that would run code of other packages; nothing of these is imported.

    Whatever reads as a dotted path counts, at any depth, since an option may take a class by its path alone.

    Args:
        options: As :func:`read` gives them.
        path: Where they come from.
        trust: Further modules and packages whose classes they may name.

    Raises:
        InputError: They name a class of another package, or options that no run has.
    """
    if others := sorted(str(key) for key in options if str(key).split(".")[0] not in GROUPS):
        raise InputError(f"{path} says {others[0]}, which no run's options do; take that line out.")
    names = dict.fromkeys(text for text in _texts(options, path) if _dotted(text))
    foreign = [name for name in names if not _listed(name, trust)]
    for name in foreign:  # all of them, before anything is imported
        _check_package(name, path)
    for name in foreign:
        _check_object(name, path)


def dotted_texts(options: dict[str, Any]) -> list[str]:
    """All values that read as a dotted path, such as the classes that options name."""
    return [text for text in _texts(options, None) if _dotted(text)]


def check_files(args: Sequence[str]) -> None:
    """Look at every file of options that a command line names with ``-c``, see :func:`check`.

    Args:
        args: Words of the command line; ``--trust NAME`` among them counts.

    Raises:
        InputError: A file is none of options, or names a class of another package.
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-c", "--config", type=Path, action="append", default=[])
    parser.add_argument("--trust", nargs="+", action="extend", default=[])
    try:
        found = parser.parse_known_args(args)[0]
    except ArgumentError as error:
        raise InputError(f"{error.argument_name} needs a value, and none follows.") from error
    for path in found.config:
        options = read(path)
        if path.name != RUN_FILE:
            options.pop(COMPOSE, None)
        check(options, path, as_list(found.trust))


# Reading ------------------------------------------------------------------------------------------------------------


def _load(text: str, path: Path) -> Any:
    """Plain types out of YAML, unless its aliases multiply it: a few lines can stand for billions of values."""
    depth = 0
    for event in yaml.parse(text, _LOADER):  # alone of the three readings, this one does not call itself
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise InputError(f"{path} nests its options deeper than {_DEEPEST} levels; mend it.")
    root = yaml.compose(text, _LOADER)
    stack, values = [root] if root is not None else [], 0
    while stack:
        node, values = stack.pop(), values + 1
        if values > _MOST_VALUES:
            raise InputError(f"{path} stands for more than {_MOST_VALUES:,} values; take its aliases out.")
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            stack.extend(one for pair in node.value for one in pair)
    return renamed(yaml.load(text, _LOADER))  # a safe loader: plain types, or an error


def _kind(value: Any) -> str:
    return "nothing" if value is None else "a list" if isinstance(value, list) else "a single value"


def _texts(options: Any, path: Path | None) -> Iterator[str]:
    """All text at any depth, also what the parser would read out of it: YAML in a string, and in a file it names."""
    stack, seen = [options], set()
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if odd := [key for key in value if not isinstance(key, str)]:
                raise InputError(f"{path} has an option {odd[0]!r}, which is no name; take that line out.")
            if isinstance(value.get("class_path", ""), str) and not all(map(str.isidentifier, _path_of(value))):
                raise InputError(f"{path} names the class {value['class_path']!r}, which is no class's name; mend it.")
            stack.extend(value.values())
        elif isinstance(value, (list, tuple, set)):
            stack.extend(value)
        elif isinstance(value, str) and value not in seen:
            seen.add(value)
            yield value
            if path is not None:
                stack.extend(_inside(value, path))


def _path_of(value: dict[str, Any]) -> list[str]:
    return value.get("class_path", "no").split(".")


def _inside(text: str, path: Path) -> Iterator[Any]:
    if any(mark in text for mark in "{[:-\t\n"):
        for load in (json.loads, lambda one: _load(one, path)):
            try:
                value = load(text)
            except (ValueError, yaml.YAMLError, RecursionError):
                continue  # what cannot be read so is no options
            if not isinstance(value, str):
                yield value
    for folder in (Path(), path.parent):
        try:
            named = (folder / text).expanduser()
            if named.is_file() and b"\0" not in (start := _start(named)) and start:
                if named.stat().st_size > _MOST_BYTES:
                    raise InputError(f"{path} names the file {named}, which is no weights and no options; mend it.")
                yield _load(named.read_text(encoding="utf-8"), named)
        except (OSError, ValueError, RuntimeError, yaml.YAMLError):
            continue  # no file, or none that the parser could read


def _start(path: Path) -> bytes:
    with open(path, "rb") as file:  # it may be of many gigabytes, as weights are
        return file.read(4096)


# Judging ------------------------------------------------------------------------------------------------------------


def _dotted(text: str) -> bool:
    parts = text.split(".")
    return len(parts) > 1 and all(map(str.isidentifier, parts))


def _listed(name: str, packages: Sequence[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _check_package(name: str, path: Path) -> None:
    """Refuse a name whose outermost package is another, or lies elsewhere than ours: that of the working folder, say.

    To find a package of one word imports nothing.
    """
    package = name.partition(".")[0]
    if package in PACKAGES:
        place = _place(package)
        if _home(package) not in (place, *(place.parents if place else ())):
            raise InputError(
                f"{path} names the class {name}, whose package would be taken from {place}, not from "
                f"{_home(package)}; call from another folder, or add --trust {package} if you trust its code."
            )
    elif _place(package) is not None or package in sys.builtin_module_names:
        raise _refusal(name, path)


def _refusal(name: str, path: Path) -> InputError:
    return InputError(
        f"{path} names the class {name}, which is none of {', '.join(PACKAGES)}, so its code is not run; add "
        f"--trust {name.partition('.')[0]} if you trust it."
    )


def _home(package: str) -> Path:
    """Where the package lies that we run on: beside this one, or where Python found it when we imported it."""
    if package == "imagpose":
        return Path(__file__).resolve().parents[2] / package
    return Path(str(importlib.import_module(package).__file__)).resolve().parent


def _homes(name: str) -> set[Path]:
    """Where the modules of a class's package may lie; a checkout's callbacks lie beside ours, which holds a link."""
    home = _home(name.partition(".")[0])
    return {home, (home / "callbacks").resolve()} if _listed(name, ["imagpose.callbacks"]) else {home}


def _place(module: str) -> Path | None:
    """The file that an import would run, or the folder of a package without one; None if there is no such module."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # no such parent; a module that was made by hand
        return Path(str(getattr(sys.modules.get(module), "__file__", module))).resolve()
    if spec is None:
        return None
    if spec.has_location and spec.origin:
        return Path(spec.origin).resolve()
    return Path(next(iter(spec.submodule_search_locations or [module]))).resolve()


def _check_object(name: str, path: Path) -> None:
    """Refuse what a package of ours merely passes on, such as ``torch.os.system``; imports modules of ours alone."""
    package, *parts = name.split(".")
    if package not in PACKAGES:
        return  # found nowhere, so no more than a text
    module = package
    found: Any = importlib.import_module(package)
    for part in parts:
        inner = f"{module}.{part}"
        if module and hasattr(sys.modules.get(module), "__path__") and (place := _place(inner)) is not None:
            if not _homes(name) & set(place.parents):
                raise _refusal(name, path)
            try:
                found, module = importlib.import_module(inner), inner
                continue
            except ImportError:  # it needs what is not installed; the parser will say so
                return
        module = ""
        found = getattr(found, part, None)
    if callable(found):
        origin = str(getattr(found, "__module__", None) or type(found).__module__)
        if not _listed(origin, PACKAGES):
            raise _refusal(name, path)
