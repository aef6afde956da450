"""What the command line answers with a sentence."""

import re
from pickle import UnpicklingError


def one_line(sentence: str) -> str:
    """A sentence as it is printed: one line of text that any terminal can show, with very long words cut.

    Names of files may hold line breaks and bytes that are no text, and be thousands of characters long.
    """
    shown = sentence.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", r"\x00")
    return re.sub(r"\S{300,}", lambda long: f"{long[0][:200]}…", re.sub(r"\s*[\r\n]+\s*", " ", shown)).strip()


class InputError(Exception):
    """Something the user gave cannot be used.

    Its message is one sentence that names the file, row or option and says what to do; the command line prints it
    without a stack trace and exits with code 2.
    """


class InputWarning(UserWarning):
    """Something the user gave is used, but perhaps not as it was meant; the command line prints its one sentence."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM): everything is left as after an interruption, and the exit code is 143."""


UNREADABLE = (OSError, RuntimeError, EOFError, UnpicklingError, ValueError, KeyError, TypeError, AttributeError,
              IndexError, AssertionError)  # fmt: skip
"""What torch raises of bytes that are no checkpoint, or one with other than plain types."""
