"""Run all benchmarks, print their tables, and write ``benchmarks/results.json``."""

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

from bench_features import bench_features
from bench_pipeline import bench_pipeline
from bench_training import bench_training
from common import available_cores

HERE = Path(__file__).parent


def describe_machine() -> dict[str, object]:
    """Return what the figures depend on: processor, cores, system, versions."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {
        "processor": model,
        "cores": available_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("torch", "numpy", "numba", "librosa", "soxr", "dvc")},
    }


def main() -> None:
    """Run everything."""
    machine = describe_machine()
    print(", ".join(f"{key} {value}" for key, value in machine.items()), flush=True)
    results = {
        "machine": machine,
        "features": bench_features(available_cores()),
        "training": bench_training(available_cores()),
        "pipeline": bench_pipeline(),
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
