"""The commands that take an experiment's files and options, as functions of a command line's words."""

from __future__ import annotations

from collections.abc import Sequence

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

    return doctor(list(args))


def cache(args: Sequence[str]) -> int:
    """Compute what the frozen networks say of every training image, once; returns the exit code."""
    from imagpose.training.fill_cache import cache

    cache(list(args))
    return 0


def _run(command: str, args: Sequence[str]) -> int:
    try:
        cli.run([command, *args])
    except Finished as finished:
        print(finished)
    except Stopped as stopped:
        return int(stopped.code or 0)
    return 0
