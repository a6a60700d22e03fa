"""A command's output and the most memory that it took."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Of a process that Linux forks, the peak begins at that of its parent; so the parent is a small one.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(f"\\n{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}", file=sys.stderr)
sys.exit(code)
"""


def run_and_measure(
    command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[str, float]:
    """Run a command, and return what it printed and the peak in MB of the largest process in it."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", MEASURE, *command], check=False, capture_output=True, text=True, cwd=cwd, env=env
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout, float(done.stderr.splitlines()[-1])
