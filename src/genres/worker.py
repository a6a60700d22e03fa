"""A Dask worker with settled arithmetic and one thread.

python -m genres.worker tcp://host:8786 [options of `dask worker`]
"""

import sys
from importlib.util import find_spec

from genres.core.processor import settle_arithmetic

if find_spec("distributed") is None:
    sys.exit("error: Dask is not installed. `make .venv/extras` installs it, in a checkout of this project.")
settle_arithmetic()  # before Dask loads NumPy, here and in the processes that it starts

import dask  # noqa: E402
from distributed.cli.dask_worker import main  # noqa: E402

import genres.cluster  # noqa: E402, F401  # which remembers the code that this process has started with

if __name__ == "__main__":
    if not sys.argv[1:] and dask.config.get("scheduler-address", None) is None:
        sys.exit(
            "error: no scheduler is named. Start a worker with its address: `python -m genres.worker tcp://host:8786`"
        )
    main(["--nthreads", "1", *sys.argv[1:]], prog_name="python -m genres.worker")
