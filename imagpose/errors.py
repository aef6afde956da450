"""The one exception that speaks to users."""


class InputError(Exception):
    """Something the user gave cannot be used.

    Its message is one sentence that names the file, row or option and says what to do; the command line prints it
    without a stack trace and exits with code 2.
    """
