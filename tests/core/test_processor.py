"""The numerical libraries compute alike wherever they can, whatever the environment says before."""

import json
import os

import pytest
from project import run_code

from genres.core.processor import THREADS, binding, has_avx2, settle_arithmetic

OTHERWISE = {"ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Nehalem", "OMP_NUM_THREADS": "5"}
# What the libraries themselves say, in a process that begins as a stage does.
CODE = """if True:
    import common
    import json
    import numba
    import numpy
    import scipy.linalg
    import torch
    from threadpoolctl import threadpool_info
    numpy_features = numpy._core._multiarray_umath.__cpu_features__
    print(json.dumps({
        "torch": torch.backends.cpu.get_cpu_capability(),
        "numba": [numba.config.CPU_NAME, numba.config.CPU_FEATURES],
        "numpy": [numpy_features["X86_V3"], numpy_features["X86_V4"]],
        "openblas": [blas["architecture"] for blas in threadpool_info() if blas["internal_api"] == "openblas"],
        "threads": [library["num_threads"] for library in threadpool_info()],
    }))
"""


@pytest.mark.skipif(not has_avx2(), reason="this processor has no AVX2")
def test_a_stage_holds_every_library_to_avx2_and_one_thread() -> None:
    told = json.loads(run_code(CODE, **OTHERWISE))
    assert told["torch"] == "AVX2"
    assert told["numba"] == ["x86-64-v3", "+avx2,+fma"]
    assert told["numpy"] == [True, False]
    assert told["openblas"] == ["Haswell", "Haswell"]  # NumPy's and SciPy's
    assert set(told["threads"]) == {1}


def test_without_avx2_only_the_threads_are_settled_and_the_run_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: {"avx": True, "avx2": False, "fma": True})
    monkeypatch.setattr(os, "environ", {})
    settle_arithmetic()
    assert os.environ.items() - THREADS.items() == {
        ("NUMBA_CACHE_LOCATOR_CLASSES", "genres.core.compiled.CacheByContent")
    }
    assert capsys.readouterr().err.startswith("note: this is not an x86-64 processor with AVX2")
