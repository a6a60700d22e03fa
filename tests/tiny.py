"""Projects small enough to run in seconds: what the tests of stages and DVC share, and of what a process loads."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
STAGES = (
    "download",
    "find_duplicates",
    "featurize",
    "split",
    "train_linear",
    "train_simple",
    "train_complex",
    "train_svm",
    "evaluate",
)
TINY = {
    "dataset.synthetic.clips_per_genre": 6,
    "dataset.synthetic.seconds": 2,
    "featurize.n_frames": 80,
    "train.epochs": 2,
}


def write_params(folder: Path, changes: Mapping[str, Any]) -> None:
    """Write the project's params.yaml into ``folder``, made tiny, and with some keys ("train.epochs") changed."""
    yaml = YAML()
    document = yaml.load(ROOT / "params.yaml")
    for key, value in (TINY | dict(changes)).items():
        *groups, name = key.split(".")
        group = document
        for part in groups:
            group = group[part]
        group[name] = value
    yaml.dump(document, folder / "params.yaml")


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what would reach into a test from the machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC", "GIT", "PYTHON"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | changes


def run_code(code: str, *arguments: str) -> str:
    """Run code in a process of its own, in which nothing is loaded yet, and return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(PYTHONPATH="src"), stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def run_stage(folder: Path, stage: str, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a stage's script in ``folder``, which ends with ``status`` and shows nothing that is Python's."""
    command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), *arguments]
    result = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    assert "Warning" not in result.stderr
    return result


def contents(folder: Path) -> dict[str, str]:
    """Return what lies in ``folder``: each file's SHA-256, and "folder" for each folder."""
    return {
        path.relative_to(folder).as_posix(): "folder"
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
    }
