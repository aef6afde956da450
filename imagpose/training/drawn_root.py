"""Whether mannequins may be drawn into a folder: a mistyped one is not filled with 600 people, and no set changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from imagpose.data.mannequins.folder import MannequinSet, is_drawn, manifest_of
from imagpose.errors import InputError
from imagpose.options import trust

_FILES = ("-c", "--config")


def check_root(args: Sequence[str]) -> None:
    """Refuse to draw into a root that was given after, and apart from, the mannequins.

    An experiment's own root and mannequins belong together. Whoever names another root, in a later file or on the
    command line, means a dataset that is there; to draw another, they say ``data.mannequins`` as well.

    Args:
        args: Words of the command line: ``-c FILE`` and options in any order, of which the later ones win.

    Raises:
        InputError: Such a root is not there.
    """
    root, root_by, mannequins, mannequins_by = None, -1, None, -1
    for place, (by_option, given) in enumerate(_settings(args)):
        if "root" in given:
            root, root_by = given["root"], place
        if "mannequins" in given:  # as an option it counts for any root, whichever of them stands first
            mannequins, mannequins_by = given["mannequins"], len(args) if by_option else place
    if mannequins_by < 0 or mannequins is None or root_by <= mannequins_by:
        return
    if not Path(str(root)).expanduser().exists():
        raise InputError(
            f"data.root {root} is no folder, and mannequins are only drawn into the experiment's own; mend the path, "
            "or add --data.init_args.mannequins {} to draw the default set into it."
        )


def check_set(options: Any) -> None:
    """Refuse a root that holds another set of mannequins than the one that would be drawn into it.

    Args:
        options: All of them, by name, as the parser gives them.

    Raises:
        InputError: It does, or that cannot be told.
    """
    data = options.data.get("init_args", {})
    root, spec = data.get("root"), data.get("mannequins")
    if root is not None and spec is not None and is_drawn(Path(root)):
        manifest_of(Path(root), MannequinSet(**vars(spec)))


def _settings(args: Sequence[str]) -> Iterator[tuple[bool, dict[str, Any]]]:
    """In their order: whether it is an option or a file, and what it gives of the data's root and mannequins."""
    words = iter(args)
    for word in words:
        flag, has_value, value = word.partition("=")
        if flag not in _FILES and flag != "--data" and not flag.startswith("--data."):
            continue
        text = value if has_value else next(words, "")
        if flag in _FILES:
            yield False, _of(_file(Path(text)).get("data"))
            continue
        names = [name for name in flag[2:].split(".")[1:] if name != "init_args"]
        if not names:
            yield True, _of(_value(text))
        elif names[0] == "root" and len(names) == 1:
            yield True, {"root": text}
        elif names[0] == "mannequins":
            yield True, {"mannequins": _value(text) if len(names) == 1 else text}


def _of(data: Any) -> dict[str, Any]:
    """``root`` and ``mannequins`` of a ``data`` group, as far as it has them."""
    if isinstance(data, str):
        data = _file(Path(data))
    if not isinstance(data, dict):
        return {}
    options = data.get("init_args", data)
    return {name: options[name] for name in ("root", "mannequins") if isinstance(options, dict) and name in options}


def _file(path: Path) -> dict[str, Any]:
    """A file's options; none where it cannot be read, as the parser will say."""
    try:
        return trust.read(path)
    except InputError:
        return {}


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
