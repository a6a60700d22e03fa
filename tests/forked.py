"""Scripts in forks of a process that has loaded the libraries, which takes most of the time of a tiny stage."""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

LIBRARIES = [
    "dvclive.live",
    "jinja2",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "numba",
    "pandas",
    "pydantic",
    "scipy.signal",
    "sklearn.discriminant_analysis",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.svm",
    "soundfile",
    "torch._dynamo",
]
FORKS = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")  # on macOS, such a fork dies
FORKS.set_forkserver_preload(LIBRARIES)


def run_forked(
    script: Path, *arguments: str, folder: Path, environment: Mapping[str, str], hang: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script of Python in ``folder`` as a process of its own, and return its status and what it printed.

    Three things it does not show, as it is a fork: what libraries do while they are loaded, with the environment too;
    whether the script finds the project's code by itself; and how Python ends. It is over when neither the script nor a
    worker of it holds its output open any more; if this takes ``hang`` seconds, all are killed, and a TimeoutError is
    raised.
    """
    readers, writers = zip(*(FORKS.Pipe(duplex=False) for _ in range(2)), strict=True)
    process = FORKS.Process(target=_be_script, args=(script, arguments, folder, dict(environment), *writers))
    process.start()
    for writer in writers:
        writer.close()
    with ThreadPoolExecutor(len(readers)) as threads:
        outputs = [threads.submit(_read, reader) for reader in readers]
        try:
            stdout, stderr = (output.result(hang) for output in outputs)
        except BaseException:  # Ctrl+C does not reach the script's own session
            assert process.pid is not None
            os.killpg(process.pid, signal.SIGKILL)
            raise
    process.join()
    assert process.exitcode is not None
    return subprocess.CompletedProcess([str(script), *arguments], process.exitcode, stdout, stderr)


def _read(reader: Connection) -> str:
    with open(reader.fileno(), encoding="utf-8", closefd=False) as file:
        return file.read()


def _be_script(
    script: Path,
    arguments: tuple[str, ...],
    folder: Path,
    environment: dict[str, str],
    stdout: Connection,
    stderr: Connection,
) -> None:
    os.setsid()
    for number, output in ((1, stdout), (2, stderr)):
        os.dup2(output.fileno(), number)
        output.close()
    if FORKS.get_start_method() == "forkserver":
        assert sys.modules.keys() >= set(LIBRARIES)
    assert "genres" not in sys.modules  # a library that loads it may do so from another checkout
    multiprocessing.process._parent_process = None  # type: ignore[attr-defined]  # it is no worker, and uses all cores
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except Exception:
        sys.excepthook(*sys.exc_info())  # which multiprocessing does not call
        sys.exit(1)
