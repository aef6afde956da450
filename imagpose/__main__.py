"""The command line: ``python -m imagpose <command>``."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

COMMANDS = {
    "fit": "train or resume an experiment, then test it",
    "validate": "generate and score a run's validation pairs",
    "test": "evaluate a run on the test pairs",
    "doctor": "tell whether an experiment could start on this machine",
    "generate": "draw a person in new poses",
    "export": "a run's averaged weights as a pipeline folder",
    "pose": "look at a pose file, or write the pose of a dataset's picture",
    "evaluate": "score a folder of pictures under the field's protocols",
    "compare": "the paper's tables, printed scores beside measured ones",
    "table": "run the missing rows of a table of the paper, and print it",
    "uniformity": "the paper's Figure 7: one trained model in each of its scenarios",
    "speed": "the paper's Figure 8: what a picture takes, against its quality",
    "gallery": "source, pose, truth and each method's picture, row by row",
    "mannequins": "draw the embedded dataset",
    "check": "look at every row and every image of a dataset once",
    "cache": "compute what the frozen networks say of every training image, once",
}


def _usage() -> str:
    lines = "\n".join(f"  {name:<12}{text}" for name, text in COMMANDS.items())
    more = "python -m imagpose COMMAND --help says more; with --debug a fault shows its stack trace."
    return f"usage: python -m imagpose COMMAND [options]\n\n{lines}\n\n{more}"


def _call(function: Callable[..., Any], command: str, args: list[str], as_positional: bool = False) -> Any:
    """A function whose arguments are the command's options."""
    from jsonargparse import auto_cli

    from imagpose.options import trust
    from imagpose.options.parse_errors import OptionParser
    from imagpose.options.parser import given

    for value in given(args, "--config"):
        trust.read(Path(value))  # the parser would wait for a pipe
    prog = f"python -m imagpose {command}"
    return auto_cli(function, args=args, as_positional=as_positional, parser_class=OptionParser, prog=prog)


def _mannequins(args: list[str]) -> None:
    from imagpose.data.mannequins.folder import draw_set

    _call(draw_set, "mannequins", args, as_positional=True)


def _generate(args: list[str]) -> None:
    from imagpose.generation.command import generate

    generate(args)


def _doctor(args: list[str]) -> int:
    from imagpose.training.doctor import doctor

    return doctor(args)


def _cache(args: list[str]) -> None:
    from imagpose.training.fill_cache import cache

    cache(args)


def _export(args: list[str]) -> None:
    from imagpose.generation.export import export
    from imagpose.options.trust import fold

    _call(export, "export", fold(args))


def _pose(args: list[str]) -> None:
    from imagpose.generation.poses import pose

    pose(args)


def _check(args: list[str]) -> int:
    from imagpose.data.readers.check import check

    return int(_call(check, "check", args, as_positional=True))


def _evaluate(args: list[str]) -> None:
    from imagpose.evaluation.evaluate import evaluate

    evaluate(args)


def _compare(args: list[str]) -> None:
    from imagpose.evaluation.compare import compare

    compare(args)


def _table(args: list[str]) -> int:
    from imagpose.reproduction.command import table

    return table(args)


def _uniformity(args: list[str]) -> None:
    from imagpose.reproduction.uniformity import uniformity

    uniformity(args)


def _speed(args: list[str]) -> None:
    from imagpose.reproduction.speed import speed

    speed(args)


def _gallery(args: list[str]) -> None:
    from imagpose.evaluation.gallery import gallery

    gallery(args)


_OWN: dict[str, Callable[[list[str]], int | None]] = {
    "mannequins": _mannequins,
    "check": _check,
    "cache": _cache,
    "doctor": _doctor,
    "generate": _generate,
    "export": _export,
    "pose": _pose,
    "evaluate": _evaluate,
    "compare": _compare,
    "gallery": _gallery,
    "table": _table,
    "uniformity": _uniformity,
    "speed": _speed,
}  # fmt: skip - the rest is Lightning's


_GOES_ON = {
    **dict.fromkeys(("generate", "cache", "uniformity", "speed"), "the same command goes on where it stopped"),
    **dict.fromkeys(("mannequins", "export"), "nothing was written, and the same command starts again"),
    "table": "the same command resumes the rows from their last checkpoints",
}  # fmt: skip - what an interrupted command leaves


def _end_when_asked() -> None:
    """End by SIGTERM as by Ctrl-C; a second one ends at once."""
    from imagpose.errors import Terminated

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated

    signal.signal(signal.SIGTERM, end)


def _of_the_machine(error: BaseException | None) -> str:
    """What to do about an error that is raised wherever the machine's limits are met; nothing if it is another one."""
    while error is not None:
        told = str(error)
        if (
            "DataLoader worker" in told and "is killed by signal" in told
        ) or "unable to allocate shared memory" in told:
            return (
                "A loader's process was killed for want of memory or of room in /dev/shm; give the machine or the "
                "container more of it (docker run --shm-size), or load without processes: "
                "--data.init_args.num_workers 0."
            )
        if (
            type(error).__name__ == "OutOfMemoryError"
            or isinstance(error, MemoryError)
            or "can't allocate memory" in told
        ):
            return (
                "The memory of the GPU or the machine does not suffice; python -m imagpose doctor tells what an "
                "experiment needs and with which options it would fit."
            )
        if "No usable temporary directory" in told:
            return "No folder for temporary files can be written; set TMPDIR to one."
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            return f"{str(error.filename)[:80]}… is a longer name than the system takes; shorten it."
        if isinstance(error, ValueError) and "embedded null" in told:
            return "A file's name holds a NUL character, which no name can; correct the option or the list."
        error = error.__cause__ or error.__context__
    return ""


def main(args: list[str] | None = None) -> int:
    """Carry out one command; returns the exit code.

    Args:
        args: Words after the program's name; None takes the process's own.
    """
    # Imported here, so that the worker processes that re-import this module start quickly.
    from argparse import ArgumentError

    from imagpose.errors import InputError, Terminated, one_line
    from imagpose.output import fault

    args = sys.argv[1:] if args is None else args
    debug, args = fault.DEBUG in args, [word for word in args if word != fault.DEBUG]
    if not args or args[0] in ("-h", "--help"):
        print(_usage())
        return 0 if args else 2
    command, rest = args[0], args[1:]
    if command not in COMMANDS:
        near = get_close_matches(command, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(COMMANDS)}."
        print(f"There is no command {command!r}; {hint}", file=sys.stderr)
        return 2
    try:
        with fault.notes():
            return _carry_out(command, rest)
    except ArgumentError as error:
        from imagpose.options.parse_errors import sentence
        from imagpose.options.parser import given

        files = given(rest, "-c", "--config")
        said = f"of {', '.join(files)} and the command line; " if files else ""
        print(
            f"Error: {one_line(sentence(error))} ({said}python -m imagpose {command} --help lists the options)",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as interrupt:
        if command not in _OWN:
            raise  # Lightning has its own way
        resumes = f"; {_GOES_ON[command]}" if command in _GOES_ON else ""
        terminated = isinstance(interrupt, Terminated)
        print(f"{'Terminated' if terminated else 'Interrupted'}{resumes}.", file=sys.stderr)
        return 143 if terminated else 130
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, InputError):
            cause = cause.__cause__ or cause.__context__  # the argument parser wraps what a constructor raises
        if cause is None and (advice := _of_the_machine(error)):
            print(f"Error: {one_line(advice)}", file=sys.stderr)
            return 2
        if cause is None:
            if debug:
                fault.show(error)
            else:
                print(f"Error: {fault.sentence(error, args)}", file=sys.stderr)
            return fault.EXIT_CODE
        # A loader's worker process wraps the sentence in its own stack trace.
        print(f"Error: {one_line(str(cause).rsplit('InputError: ', 1)[-1])}", file=sys.stderr)
        return 2


def _carry_out(command: str, args: list[str]) -> int:
    if command in _OWN:
        return _OWN[command](args) or 0
    from imagpose.training import cli
    from imagpose.training.claims import Finished
    from imagpose.training.stopping import Stopped

    try:
        cli.run([command, *args])
    except Finished as finished:
        print(finished)
    except Stopped as stopped:
        return int(stopped.code or 0)
    return 0


if __name__ == "__main__":
    # Before torch is loaded, and for all processes that this one starts: threads that wait in a loop for each other
    # take the cores from whoever has work, as soon as anything else runs on the machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if sys.argv[1:2] and sys.argv[1] in _OWN:
        _end_when_asked()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal that has no × shows a ?
    sys.exit(main())
