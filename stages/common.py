"""What every stage script shares: its own checkout's code, its parameters, and how it ends.

It is imported before anything of `genres` and before the numerical libraries. DVC runs experiments in copies of this
checkout (``dvc exp run --temp``), and each must import its own ``src/``, whatever is installed.
"""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
if sys.stderr is None:  # closed by whoever started this
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115

try:
    from genres.core.errors import flush_output, install_excepthook
    from genres.core.processor import settle_arithmetic
    from genres.schema import Params, read_params
except ModuleNotFoundError as error:
    sys.exit(
        f"error: {sys.executable} has no module {error.name!r}. Run `make` once, and `. .venv/bin/activate` in every "
        "new terminal."
    )


install_excepthook()  # before the numerical libraries, whose import may fail
settle_arithmetic()
os.environ["MPLBACKEND"] = "agg"  # Jupyter's, which its kernels pass on, is missing here

PARAMS = Path("params.yaml")


def load_params(*names: str) -> Params:
    """Return the named parameters, which are those that the stage declares in ``dvc.yaml``."""
    return read_params(PARAMS, *names)


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; what the user or the machine can mend ends it with one message and exit status 1."""
    if "DVC_STAGE" in os.environ:
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    main()
    flush_output()
    gc.freeze()  # Python would look through all that the libraries have loaded once more, which takes up to two seconds


def _end_with_parent(parent: int) -> None:
    """End this process when DVC, which started it, is killed: a next run would write the same files."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
