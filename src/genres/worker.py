"""A Dask worker with settled arithmetic and one thread.

python -m genres.worker tcp://host:8786 [options of `dask worker`]
"""

import sys

from genres.core.processor import settle_arithmetic

settle_arithmetic()  # before Dask loads NumPy, here and in the processes that it starts

from distributed.cli.dask_worker import main  # noqa: E402

import genres.cluster  # noqa: E402, F401  # which remembers the code that this process has started with

if __name__ == "__main__":
    main(["--nthreads", "1", *sys.argv[1:]], prog_name="python -m genres.worker")
