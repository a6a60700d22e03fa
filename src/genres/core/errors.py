"""What the user or the machine can mend, and how it is said: one message and no traceback. The rest are bugs."""

import errno
from concurrent.futures.process import BrokenProcessPool


class InputError(Exception):
    """Bad data, parameters or files: the message is all that the user needs to see.

    It says what was expected, what was found, in which file, and what to do next. A stage prints it without a traceback
    and exits with status 1.
    """


# What an operating system refuses for reasons outside the program, and what helps.
REMEDIES = {
    errno.EACCES: "Change its permissions",
    errno.EPERM: "Change its permissions",
    errno.EROFS: "Use a place that can be written to",
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some space",
    errno.EFBIG: "Use another file system, or raise `ulimit -f`",
    errno.EIO: "Check the disk",
    errno.ENFILE: "Close other programs",
    errno.EMFILE: "Raise `ulimit -n`",
    errno.ENAMETOOLONG: "Shorten the name",
    errno.ENOMEM: "Close other programs",
    errno.EAGAIN: "Close other programs",
}


def explain(error: BaseException) -> str | None:
    """Return the message for an error that the user or the machine can mend, or None if it is a bug."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, BrokenProcessPool):
        return (
            "a worker process was killed, most likely because memory ran out. Close other programs, or use one core: "
            "`taskset -c 0 dvc repro`"
        )
    # PyTorch raises a RuntimeError.
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error)):
        return f"memory ran out ({error or 'no size is known'}). Close other programs, or lower sizes in params.yaml"
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):  # of Python's tempfile
        return f"{error.strerror}. Free some space there, or set TMPDIR to another folder"
    if isinstance(error, OSError) and error.errno in REMEDIES:
        return f"{error.filename or 'a file'}: {error.strerror}. {REMEDIES[error.errno]}, and run this again"
    return None
