"""The commands that take an experiment's files and options, as functions of a command line's words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imagpose.errors import InputError
from imagpose.options import dialect, trust
from imagpose.training import cli
from imagpose.training.claims import Finished
from imagpose.training.stopping import Stopped


def fit(args: Sequence[str]) -> int:
    """Train or resume an experiment, then test it; returns the exit code."""
    return _run("fit", args)


def validate(args: Sequence[str]) -> int:
    """Generate and score a run's validation pairs; returns the exit code."""
    return _run("validate", args)


def test(args: Sequence[str]) -> int:
    """Evaluate a run on the test pairs; returns the exit code."""
    return _run("test", args)


def doctor(args: Sequence[str]) -> int:
    """Tell whether an experiment could start on this machine; returns the exit code."""
    from imagpose.training.doctor import doctor

    check_experiments(args)
    return doctor(list(args))


def cache(args: Sequence[str]) -> int:
    """Compute what the frozen networks say of every training image, once; returns the exit code."""
    from imagpose.training.fill_cache import cache

    check_experiments(args)
    cache(list(args))
    return 0


def _run(command: str, args: Sequence[str]) -> int:
    check_experiments(args)
    try:
        cli.run([command, *args])
    except Finished as finished:
        print(finished)
    except Stopped as stopped:
        return int(stopped.code or 0)
    return 0


def check_experiments(args: Sequence[str]) -> None:
    """Name the experiments there are when one is asked for that is not, and the file that is none.

    Raises:
        InputError: A file that ``-c`` names is missing, or holds no options.
    """
    for path in map(Path, dialect.given(args, "-c", "--config")):
        if not path.exists():
            known = sorted(p.stem for p in path.parent.glob("*.yaml") if not p.stem.startswith(("_", ".")))
            choices = f"; there are: {', '.join(known)}" if known else ""
            if path.name == "config.yaml":
                raise InputError(f"There is no run {path.parent} ({path} does not exist); make train leaves one.")
            kind = "overlay" if path.parent.name == "overlays" else "experiment"
            raise InputError(f"There is no {kind} {path.stem!r} ({path} does not exist){choices}.")
        trust.read(path)  # the parser's own words do not name the file
