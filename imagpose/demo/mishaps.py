"""What went wrong, in the one sentence that the page is told."""

from __future__ import annotations

import traceback

from imagpose.errors import InputError, one_line

_LONGEST = 300


def sentence_of(error: Exception) -> str:
    """One sentence without a path of the server's; of a fault of ours the terminal gets the trace.

    Args:
        error: What the user gave (InputError), what the machine lacks (OSError, RuntimeError: a full disk, a device
            without memory), or a fault of ours.
    """
    if isinstance(error, InputError):
        return one_line(str(error))
    traceback.print_exception(error)
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"The server's files cannot be read or written ({reason}); make room for them, then try again."
    if isinstance(error, RuntimeError):
        reason = (one_line(str(error)) or type(error).__name__)[:_LONGEST]
        return f"The model or the detector failed ({reason}); try again with fewer poses or a smaller photograph."
    return f"This is a fault of the page ({type(error).__name__}); its trace is in the terminal that serves it."
