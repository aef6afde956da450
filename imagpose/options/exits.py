"""How a command ends: its exit code, and one sentence about whatever stopped it."""

from __future__ import annotations

import errno
import os
import signal
import sys
from argparse import ArgumentError
from collections.abc import Callable, Sequence

from imagpose.errors import InputError, Terminated, one_line
from imagpose.options.program import program
from imagpose.output import fault

REFUSED = 2
"""Exit code of a mistake in what the user gave."""


def end_when_asked() -> None:
    """End by SIGTERM as by Ctrl-C; a second one ends at once."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated

    signal.signal(signal.SIGTERM, end)


def ended(work: Callable[[], int], words: Sequence[str], called: str, interrupted: str | None, debug: bool) -> int:
    """Do a command's work and return its exit code, after a sentence about what stopped it.

    Args:
        work: Returns the exit code.
        words: Of the command line, for whoever reports a fault.
        called: How the command was called, ``imagpose generate`` say.
        interrupted: What an interrupted command leaves; None lets an interruption through.
        debug: Whether a fault shows its stack trace.
    """
    try:
        with fault.notes():
            return work()
    except ArgumentError as error:
        from imagpose.options.dialect import given
        from imagpose.options.parse_errors import sentence

        files = list(given(words, "-c", "--config"))
        said = f"of {', '.join(files)} and the command line; " if files else ""
        return _refuse(f"{one_line(sentence(error))} ({said}{called} --help lists the options)")
    except KeyboardInterrupt as interrupt:
        if interrupted is None:
            raise
        terminated = isinstance(interrupt, Terminated)
        resumes = f"; {interrupted}" if interrupted else ""
        print(f"{'Terminated' if terminated else 'Interrupted'}{resumes}.", file=sys.stderr)
        return 143 if terminated else 130
    except BrokenPipeError:  # who read the output has seen enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        return 128 + signal.SIGPIPE
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, InputError):
            cause = cause.__cause__ or cause.__context__  # the argument parser wraps what a constructor raises
        if cause is not None:
            # A loader's worker process wraps the sentence in its own stack trace.
            return _refuse(one_line(str(cause).rsplit("InputError: ", 1)[-1]))
        if advice := _of_the_machine(error):
            return _refuse(one_line(advice))
        if debug:
            fault.show(error)
        else:
            print(f"Error: {fault.sentence(error, [*program().split(), *words])}", file=sys.stderr)
        return fault.EXIT_CODE


def _refuse(sentence: str) -> int:
    print(f"Error: {sentence}", file=sys.stderr)
    return REFUSED


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
                f"The memory of the GPU or the machine does not suffice; {program()} doctor tells what an "
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
