"""What the user or the machine can mend gets one message and no traceback. The rest are bugs."""

import errno
import os
import re
import sys
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType


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
    errno.ESTALE: "Check the disk",
    errno.EEXIST: "Move it away",
    errno.EISDIR: "Move it away",
    errno.ENOTDIR: "Move it away",
    errno.ELOOP: "Move it away",
    errno.ENFILE: "Close other programs",
    errno.EMFILE: "Raise `ulimit -n`",
    errno.ENAMETOOLONG: "Shorten the name",
    errno.ENOMEM: "Close other programs",
    errno.EAGAIN: "Close other programs",
}

# PyTorch's words, on a CPU and on a GPU, and Python's.
OUT_OF_MEMORY = re.compile("allocate memory|out of memory|can't start new thread")


def explain(error: BaseException) -> str | None:
    """Return the message for an error that the user or the machine can mend, or None if it is a bug."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, BrokenProcessPool):
        return (
            "a worker process was killed, most likely because memory ran out. Close other programs, or use one core: "
            "put `taskset -c 0` before the command that you ran"
        )
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and OUT_OF_MEMORY.search(str(error))):
        return f"memory ran out ({error or 'no size is known'}). Close other programs, or lower sizes in params.yaml"
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):  # of Python's tempfile
        return f"{error.strerror}. Free some space there, or set TMPDIR to another folder"
    if isinstance(error, OSError) and error.errno in REMEDIES:
        file = error.filename2 or error.filename or "a file"
        return f"{file}: {error.strerror}. {REMEDIES[error.errno]}, and run this again"
    return None


def install_excepthook() -> None:
    """From now on, let an error that `explain` knows end this process with one line and status 1."""
    sys.excepthook = _print_error


def _print_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    message = explain(error)
    if message is not None:
        print(f"error: {message}", file=sys.stderr)
    elif not isinstance(error, BrokenPipeError):  # whoever read the output has seen enough, as `head` does
        sys.__excepthook__(kind, error, traceback)
    try:
        flush_output()
    except OSError:  # Python would try again, fail again and print a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def flush_output() -> None:
    """Write what has been printed, so that an error of that is raised here and not when Python ends."""
    if sys.stdout is not None:  # closed by whoever started this
        sys.stdout.flush()
