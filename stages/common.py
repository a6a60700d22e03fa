"""What every stage script shares: its own checkout's code, its parameters, and how it ends.

It is imported before anything of `genres` and before the numerical libraries. DVC runs experiments in copies of this
checkout (``dvc exp run --temp``), and each must import its own ``src/``, whatever is installed.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from genres.core.errors import InputError
from genres.core.processor import settle_arithmetic
from genres.schema import Params, read_params

settle_arithmetic()

PARAMS = Path("params.yaml")


def load_params(*groups: str) -> Params:
    """Return the named groups of the parameters, which are those that the stage declares in ``dvc.yaml``."""
    return read_params(PARAMS, *groups)


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; a mistake that the user can mend ends it with one message and exit status 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
