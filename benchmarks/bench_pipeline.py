"""The pipeline as its user waits for it, in a copy of the project with the caches of DVC, numba and matplotlib cold."""

import shutil
import tempfile
from pathlib import Path
from statistics import median
from timeit import repeat, timeit

from fresh_process import run_command
from project import MODELS, ROOT, environment, new_clone


def bench_pipeline() -> dict[str, object]:
    """Run the pipeline with its default parameters, and print what it took.

    Returned are ``make``, the seconds of a first `make` after installation; ``repro_again``, the median seconds of
    `dvc repro` with nothing to do; and ``memory``, the peaks in MB of the split and of each training.
    """
    with tempfile.TemporaryDirectory() as folder:
        caches = {"NUMBA_CACHE_DIR": f"{folder}/numba", "MPLCONFIGDIR": f"{folder}/matplotlib"}
        clone = new_clone(Path(folder) / "project")
        shutil.copy(ROOT / "params.yaml", clone.folder)
        clone.run("dvc", "config", "--local", "--unset", "cache.type")
        first = timeit(lambda: clone.make("all", *(f"{name}={cache}" for name, cache in caches.items())), number=1)
        if clone.stages_run("repro"):
            raise SystemExit("dvc repro ran a stage that had nothing to do")
        again = median(repeat(lambda: clone.run("dvc", "repro"), repeat=3, number=1))
        memory = {
            stage: run_command(["python", f"stages/{stage}.py"], clone.folder, environment(**caches))[1]
            for stage in ("split", *(f"train_{model}" for model in MODELS))
        }
    print(f"a first make: {first:.0f} s; dvc repro with nothing to do: {again:.1f} s")
    print(f"peaks: {', '.join(f'{stage} {peak:.0f} MB' for stage, peak in memory.items())}", flush=True)
    return {"make": first, "repro_again": again, "memory": memory}
