"""Run a stage's script, and kill the process right before its n-th change of a file in the current folder.

    python kill_at.py N SCRIPT [ARGUMENT ...]

A change is a file opened for writing, renamed or removed, or a folder removed. With N = 0 nothing is
killed, and the number of changes is written to the file changes.txt. Only this process's changes count: workers
run the stage's script without this.
"""

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"open": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0}  # and which argument is the path


def main() -> None:
    """Install the hook, then be the script."""
    last, script, *arguments = sys.argv[1:]
    changes = 0

    def count(event: str, details: tuple[Any, ...]) -> None:
        nonlocal changes
        if event in CHANGES and not (event == "open" and not details[2] & WRITING):
            path = details[CHANGES[event]]
            if isinstance(path, str | os.PathLike) and Path(path).absolute().is_relative_to(here):
                changes += 1
                if changes == int(last):
                    os.kill(os.getpid(), signal.SIGKILL)

    here = Path.cwd()
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    sys.addaudithook(count)
    runpy.run_path(script, run_name="__main__")
    if last == "0":
        Path("changes.txt").write_text(str(changes))


if __name__ == "__main__":
    main()
