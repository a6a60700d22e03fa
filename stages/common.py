"""What every stage script shares: its own checkout's code, its command line, and how it ends.

It is imported before anything of `genres`. DVC runs experiments in copies of this checkout (``dvc exp run --temp``),
and each must import its own ``src/``, whatever is installed.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from genres.errors import InputError


class StageParser(argparse.ArgumentParser):
    """A command line of paths, each with the pipeline's own file as its default."""

    def __init__(self, description: str | None) -> None:
        super().__init__(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        self.add_path("--params", "params.yaml", "the parameters")

    def add_path(self, option: str, default: str, help_text: str) -> None:
        """Add an option for a file or a folder."""
        self.add_argument(option, type=Path, metavar="PATH", default=Path(default), help=help_text)

    def add_processes(self) -> None:
        """Add the number of processes, which changes nothing but the time taken."""
        self.add_argument("--processes", type=_processes, default=available_cores(), help="how many work at once")


def available_cores() -> int:
    """Return how many cores this process may use, which in a container is often fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processes(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"should be a whole number from 1, but is {text}")
    return int(text)


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; a mistake that the user can mend ends it with one message and exit status 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
