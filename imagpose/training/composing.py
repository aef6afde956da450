"""The words that name an experiment, as the parser takes them: names become files, after those that they compose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from imagpose.errors import InputError
from imagpose.options import dialect, trust
from imagpose.options.names import nearest, unknown

FILES = ("-c", "--config")
_PACKAGED = Path(__file__).parents[1] / "experiments"
_FOLDERS = ("authors",)
_PARTS = {"overlays": "overlay", "encoders": "encoder", "bases": "base"}
_SEEDS = ("seed_everything", "model.init_args.seed", "data.init_args.seed")
SHORT = {
    "lr": ("model.init_args.lr",),
    "base": ("model.init_args.base",),
    "encoder": ("model.init_args.encoder",),
    "start": ("model.init_args.start",),
    "data": ("data.init_args.root",),
    "size": ("data.init_args.size",),
    "batch_size": ("data.init_args.batch_size",),
    "max_steps": ("trainer.max_steps",),
    "precision": ("trainer.precision",),
    "devices": ("trainer.devices",),
    "seed": _SEEDS,
}
"""The full names of the options that are changed most, by their short ones."""


class _Option(NamedTuple):
    """An option as it was typed: its name, its values, and the words themselves."""

    flag: str
    values: tuple[str, ...]
    words: tuple[str, ...]


def expand(args: Sequence[str]) -> list[str]:
    """The words of a command line with every name in the place of which the parser needs a file or a full name.

    ``--exp NAME`` is the experiment on its base, ``--with NAME ...`` are overlays. Both are read first, wherever they
    stand; without ``--exp``, overlays are read in their place. ``-c NAME`` reads a file alone, with what it composes.

    Args:
        args: Words after the command.

    Raises:
        InputError: There is no such file, it holds no options, or an option is given by two names.
    """
    options = list(_options(args))
    _refuse_twice(options)
    experiment = [word for option in options if option.flag == "--exp" for word in _experiment(option)]
    first, rest = experiment, list[str]()
    for option in options:
        name = option.flag[2:].replace("-", "_")
        if option.flag == "--with":
            (first if experiment else rest).extend(_overlays(option))
        elif option.flag in FILES and option.values:
            rest.extend([*_read(find(option.values[0])), *option.values[1:]])
        elif name in SHORT and not _is_class(option):
            rest.extend(_short(name, option))
        elif name == trust.COMPOSE:
            raise InputError(f"{unknown(option.flag, [])} It is a line of files; say -c NAME.")
        elif option.flag != "--exp":
            rest.extend(option.words)
    return [*first, *rest]


def find(name: str, beside: Path | None = None) -> Path:
    """The file of options that a name or a path stands for.

    Args:
        name: ``tiny``, ``overlays/fp16``, or the path of a file. A name is looked for in the folder ``experiments`` of
            the working folder, then in the package's; there also in ``embedded``. A word without a slash and a dot
            is a name first, whatever else lies in the working folder.
        beside: A folder to look in before these.

    Raises:
        InputError: There is none; names those there are.
    """
    path = Path(name)
    is_file = path.exists() and not path.is_dir()
    if is_file and ("/" in name or "." in name):
        return path
    if name.startswith("experiments/"):  # the working folder need not have one
        name = name.removeprefix("experiments/").removesuffix(".yaml")
    for root in ([beside] if beside else []) + [Path("experiments"), _PACKAGED]:
        for folder in ("", "embedded"):
            if (found := root / folder / f"{name}.yaml").is_file():
                return found
    if is_file:
        return path
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file of options after -c, such as experiments/tiny.yaml.")
    raise _absent(path)


def check_base(words: Sequence[str]) -> None:
    """Refuse files that say what a model is made of, and not which: an experiment without its base.

    Args:
        words: As :func:`expand` gives them.

    Raises:
        InputError: No file and no option names the class of the model, and a file names arguments of it.
    """
    if any(word.partition("=")[0] in ("--model", "--model.class_path") for word in words):
        return
    read = {Path(path): trust.read(Path(path)).get("model") for path in dialect.given(words, *FILES)}
    models = {path: model for path, model in read.items() if model is not None}
    if not models or any(not isinstance(model, dict) or "class_path" in model for model in models.values()):
        return
    path = _experiments(models)[-1]
    name = path.stem if path.parent.name == "experiments" else path
    raise InputError(
        f"{path} is read on its base, and none is named; say --exp {name}, or -c experiments/_base.yaml -c {path}."
    )


def names(folder: str = "") -> list[str]:
    """The names in a folder of the experiments, the working folder's and the package's."""
    found = {path.stem for root in (Path("experiments"), _PACKAGED) for path in (root / folder).glob("*.yaml")}
    return sorted(name for name in found if not name.startswith("_"))


def experiment_name(files: Sequence[object]) -> str:
    """The name of the experiment that files of options make: the last's that is no overlay, encoder or base.

    One of a folder of experiments has that folder's name before it: ``authors_stage1`` of authors/stage1.yaml.

    Raises:
        InputError: All of them are.
    """
    path = _experiments([Path(str(file)) for file in files])[-1]
    return f"{path.parent.name}_{path.stem}" if path.parent.name in _FOLDERS else path.stem


def _experiments(files: Iterable[Path]) -> list[Path]:
    found = [path for path in files if path.parent.name not in _PARTS]
    if not found:
        raise InputError(
            "No experiment is named; say --exp tiny, or -c experiments/_base.yaml -c experiments/tiny.yaml."
        )
    return found


def chain(path: Path, above: tuple[Path, ...] = ()) -> list[Path]:
    """A file of options after all that it composes, at any depth.

    Raises:
        InputError: One is not there, holds no options, or composes itself.
    """
    if path in above:
        raise InputError(f"{path} composes itself; mend its line {trust.COMPOSE}.")
    parts = trust.read(path).get(trust.COMPOSE, [])
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise InputError(f"{path} has a line {trust.COMPOSE} that is no list of names, such as [bases/sd15]; mend it.")
    try:
        found = [find(part, _root(path)) for part in parts]
    except InputError as error:
        raise InputError(f"{path} composes what is not there: {error}") from error
    return [*(file for part in found for file in chain(part, (*above, path))), path]


def _root(path: Path) -> Path:
    """The folder of experiments that a file lies in; its own folder if it lies in none."""
    return next((folder for folder in path.parents if folder.name == "experiments"), path.parent)


# One option ---------------------------------------------------------------------------------------------------------


def _options(args: Sequence[str]) -> Iterator[_Option]:
    """Each option with what follows it, up to the next."""
    flag, values, words = "", list[str](), list[str]()
    for word in args:
        if re.match(r"--?[A-Za-z]", word):
            yield _Option(flag, tuple(values), tuple(words))
            flag, has_value, value = word.partition("=")
            if re.match(r"-c[^=]", word):  # -cFILE
                flag, has_value, value = "-c", "=", word[2:]
            values, words = ([value] if has_value else []), [word]
        else:
            values.append(word)
            words.append(word)
    yield _Option(flag, tuple(values), tuple(words))


def _refuse_twice(options: Sequence[_Option]) -> None:
    """Refuse a short name together with the long one of the same."""
    given = {option.flag.replace(".init_args", "") for option in options}
    for option in options:
        for long in SHORT.get(option.flag[2:].replace("-", "_"), ()):
            if not _is_class(option) and f"--{long}".replace(".init_args", "") in given:
                raise InputError(f"{option.flag} and --{long} say the same; give one of the two.")


def _is_class(option: _Option) -> bool:
    """Whether ``--data`` is Lightning's, which takes a class or its options, and not a folder."""
    value = option.values[0] if option.values else ""
    dotted = re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", value) and not Path(value).exists()
    return option.flag == "--data" and (not value or value.startswith("{") or bool(dotted) or value.endswith(".yaml"))


def _value(option: _Option) -> str:
    if option.values == ("",):
        raise InputError(
            f"{option.flag} is empty; name one, such as {option.flag} tiny."
            if option.flag == "--exp"
            else f"{option.flag} is empty; give it a value."
        )
    if len(option.values) != 1:
        raise InputError(f"{option.flag} needs one value, and {len(option.values) or 'none'} follow it.")
    return option.values[0]


def _experiment(option: _Option) -> list[str]:
    files = chain(find(_value(option)))
    own_base = any(path.name.startswith("_") for path in files)
    return _as_words(files if own_base else [find("_base", _root(files[-1])), *files])


def _overlays(option: _Option) -> list[str]:
    given = re.findall(r"[^\s,\[\]]+", " ".join(option.values))
    if not given:
        raise InputError(f"--with needs the name of an overlay; there are: {', '.join(names('overlays'))}.")
    paths = [name if "/" in name or "." in name else f"overlays/{name}" for name in given]
    return [word for path in paths for word in _read(find(path))]


def _short(name: str, option: _Option) -> list[str]:
    value = _value(option)
    if name in ("base", "encoder"):
        folder = f"{name}s"
        if value in names(folder):
            return _read(find(f"{folder}/{value}"))
        if name == "encoder" and "." not in value and not value.startswith("{"):
            raise _absent(Path(folder, value))
    if name == "size" and (sides := re.fullmatch(r"(\d+)x(\d+)", value)):
        value = f"[{sides[1]},{sides[2]}]"
    return [word for long in SHORT[name] for word in (f"--{long}", value)]


def _read(path: Path) -> list[str]:
    return _as_words(chain(path))


def _as_words(files: Sequence[Path]) -> list[str]:
    return [word for path in files for word in ("-c", str(path))]


def _absent(path: Path) -> InputError:
    if path.name == trust.RUN_FILE:
        return InputError(f"There is no run {path.parent} ({path} does not exist); make train leaves one.")
    kind = _PARTS.get(path.parent.name, "experiment")
    known = names(path.parent.name if path.parent.name in _PARTS else "")
    near = nearest(path.stem, known)
    hint = f"; did you mean {near}?" if near else f"; there are: {', '.join(known)}."
    return InputError(f"There is no {kind} {path.stem!r} ({path} does not exist){hint}")
