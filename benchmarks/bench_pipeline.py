"""The pipeline as its user waits for it, in a copy of the project with DVC's, numba's and matplotlib's caches cold."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peak import run_and_measure

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ("split", "train_linear", "train_simple", "train_complex", "train_svm")


def bench_pipeline(repeats: int = 3) -> dict[str, object]:
    """Run the pipeline with its default parameters, and print what it took.

    Returns:
        ``make``: the seconds of what a first `make` runs after installation, once; ``repro_again``: the median
        seconds of `dvc repro` with nothing to do; ``help``: those of a stage script's ``--help``; and ``memory``:
        the peaks in MB of the split and of each training.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        _copy(project)
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "NUMBA_CACHE_DIR": str(Path(folder) / "numba"),
            "MPLCONFIGDIR": str(Path(folder) / "matplotlib"),
        }

        def run(*command: str) -> float:
            start = time.perf_counter()
            done = subprocess.run(  # noqa: S603
                command, check=False, capture_output=True, cwd=project, env=environment, text=True
            )
            if done.returncode:
                raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
            return time.perf_counter() - start

        run("dvc", "cache", "dir", "--local", str(Path(folder) / "cache"))
        first = run("dvc", "repro") + run("python", "stages/results.py")
        again = statistics.median(run("dvc", "repro") for _ in range(repeats))
        help_ = statistics.median(run("python", "stages/train_simple.py", "--help") for _ in range(repeats))
        memory = {
            stage: run_and_measure(["python", f"stages/{stage}.py"], project, environment)[1] for stage in MEASURED
        }
    print(
        f"a first make: {first:.0f} s; dvc repro with nothing to do: {again:.1f} s; a stage's --help: {help_:.2f} s\n"
        f"peaks: {', '.join(f'{stage} {peak:.0f} MB' for stage, peak in memory.items())}",
        flush=True,
    )
    return {"make": first, "repro_again": again, "help": help_, "memory": memory}


def _copy(project: Path) -> None:
    """Copy what git tracks, as it lies here, into a repository of its own."""
    files = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, cwd=ROOT, text=True).stdout  # noqa: S607
    for file in files.rstrip("\0").split("\0"):
        target = project / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / file).read_bytes())
    names = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet"), ("add", "."), (*names, "commit", "--quiet", "--message", "copy")):
        subprocess.run(["git", *command], check=True, cwd=project)  # noqa: S603, S607


if __name__ == "__main__":
    bench_pipeline()
