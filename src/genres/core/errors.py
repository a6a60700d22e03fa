"""The exception for mistakes that the user can fix."""


class InputError(Exception):
    """Bad data, parameters or files: the message is all that the user needs to see.

    It says what was expected, what was found, in which file, and what to do next. A stage prints it without a traceback
    and exits with status 1; every other exception is a bug.
    """
