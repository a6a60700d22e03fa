"""Commands and functions in processes of their own, and the peak memory of each."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from project import environment

HERE = Path(__file__).resolve().parent

# On Linux, the peak of a new process starts at that of its parent, so the parent is a small process.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(f"\\n{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}", file=sys.stderr)
sys.exit(code)
"""


def run_command(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[str, float]:
    """Run a command in ``folder``; return what it printed, and the peak in MB of the largest process in it."""
    measured = [sys.executable, "-c", MEASURE, *command]
    done = subprocess.run(measured, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout, float(done.stderr.splitlines()[-1])


def run_function(function: Callable[..., Any], *arguments: object) -> tuple[Any, float]:
    """Call a function of a module in this folder; return its result, and the peak as `run_command` does.

    Arguments and result are passed as JSON. Numerical libraries compute as they like, unless the function settles them.
    """
    module, name = function.__module__, function.__name__
    code = f"import json, sys, {module}; print(json.dumps({module}.{name}(*json.loads(sys.argv[1]))))"
    output, peak = run_command([sys.executable, "-c", code, json.dumps(arguments)], HERE, environment())
    return json.loads(output), peak
