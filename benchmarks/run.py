"""Run all benchmarks, print their tables, and write ``benchmarks/results.json``."""

import json
import platform
import re
from importlib.metadata import version
from pathlib import Path

from bench_features import bench_features
from bench_pipeline import bench_pipeline
from bench_training import bench_network
from project import NETWORKS

from genres.core.processor import available_cores

RESULTS = Path(__file__).parent / "results.json"
GROWTH = (100, 1000, 4000)  # clips


def describe_machine() -> dict[str, object]:
    """Return what the figures depend on: processor, cores, system and versions."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", cpuinfo.read_text(encoding="utf-8")) if cpuinfo.exists() else None
    return {
        "processor": model[1] if model else platform.processor(),
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
        "features": bench_features(available_cores(), GROWTH),
        "training": {network: bench_network(network, available_cores(), GROWTH) for network in NETWORKS},
        "pipeline": bench_pipeline(),
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
