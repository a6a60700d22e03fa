"""What the processor is used for: the instructions of the numerical libraries, and its cores.

Results have the same bits on every x86-64 processor with AVX2, and on any number of cores. Left alone, each library
looks at the processor and uses the widest vectors that it has, and Intel's also looks at who made it. A sum in other
vectors, or in as many parts as there are threads, is rounded differently, and after a hundred epochs a model is another
one. So all are held to one thread, and to the instructions that every such processor has. What runs on all cores are
calls that do not depend on each other, the same ones for any number of cores.
"""

import multiprocessing
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from llvmlite import binding

THREADS = {"MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
INSTRUCTIONS = {
    "ATEN_CPU_CAPABILITY": "avx2",  # PyTorch's own loops
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # its convolutions
    "MKL_CBWR": "COMPATIBLE",  # its matrix products; "AVX2" gives other bits on AMD than on Intel
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's and SciPy's matrix products
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",  # NumPy's exp, log and the like
    "NUMBA_CPU_NAME": "x86-64-v3",  # what numba compiles for
    "NUMBA_CPU_FEATURES": "+avx2,+fma",  # without this, whatever the processor has
}


PYTHON = ".".join(platform.python_version_tuple()[:2])
COMPUTING = (
    "librosa",
    "llvmlite",
    "numba",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "soundfile",
    "soxr",
    "torch",
)


def has_avx2() -> bool:
    """Return whether this is an x86-64 processor with AVX2 and FMA, as nearly all are since 2013."""
    features = binding.get_host_cpu_features()
    return bool(features.get("avx2") and features.get("fma"))


def settle_arithmetic() -> None:
    """Set the variables that the libraries read when they are loaded, here and in the processes that this one starts.

    On another processor, only the number of threads is settled, and a line on standard error says so. numba is told
    where to keep what it compiles, too.
    """
    os.environ.update(THREADS)
    os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "genres.core.compiled.CacheByContent"
    if has_avx2():
        os.environ.update(INSTRUCTIONS)
    else:
        print("note: this is not an x86-64 processor with AVX2, so results differ slightly", file=sys.stderr)


def describe_process() -> dict[str, str]:
    """Return what the bits of results depend on besides code and data: the machine, the packages, and the settings."""
    found = {"machine": platform.machine(), "libc": " ".join(platform.libc_ver()), "Python": PYTHON}
    for name in COMPUTING:
        try:
            found[name] = version(name).partition("+")[0]  # what follows is the build: for CUDA, or for a CPU
        except PackageNotFoundError:
            found[name] = "missing"
    return found | {name: os.environ.get(name, "unset") for name in (*THREADS, *INSTRUCTIONS)}


def available_cores() -> int:
    """Return how many cores this process may use: one in a worker process, as its siblings use the others.

    A container or a batch system may allow fewer than there are.
    """
    if multiprocessing.parent_process() is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
