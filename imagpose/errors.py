"""What the command line answers with a sentence."""


class InputError(Exception):
    """Something the user gave cannot be used.

    Its message is one sentence that names the file, row or option and says what to do; the command line prints it
    without a stack trace and exits with code 2.
    """


class InputWarning(UserWarning):
    """Something the user gave is used, but perhaps not as it was meant; the command line prints its one sentence."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM): everything is left as after an interruption, and the exit code is 143."""
