"""Projects small enough to run in seconds: what the tests of stages and of the pipeline share."""

import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from forked import run_forked
from ruamel.yaml import YAML

from genres.core.processor import INSTRUCTIONS, THREADS

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
STAGES = tuple(PIPELINE)  # in an order in which they can run
NETWORKS = ("linear", "simple", "complex")
MODELS = (*NETWORKS, "svm", "scattering")
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


def write_noise(
    path: Path, seconds: float = 0.5, rate: int = 22050, channels: int = 1, subtype: str | None = None, seed: int = 0
) -> None:
    """Write noise of half of full scale as audio, into a folder that is made if need be."""
    # Not above, because a test or a benchmark settles the arithmetic after it has imported this.
    import numpy as np
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * rate), channels))
    form = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {"subtype": subtype}
    soundfile.write(path, samples.astype(np.float32), rate, **form)


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what would reach into a test from its or the machine's settings."""
    settings = ("DASK", "DVC", "GENRES_DASK", "GIT", "PYTHON", *INSTRUCTIONS, *THREADS)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | changes


def run_code(code: str, *arguments: str, folder: Path = ROOT, emulator: Sequence[str] = (), **variables: str) -> str:
    """Run code in a process of its own, in which nothing is loaded yet, and return what it prints.

    It finds the project's code and what its stages share. An ``emulator`` is a command that runs another one.
    """
    command = [*emulator, sys.executable, "-c", code, *arguments]
    path = os.pathsep.join(str(ROOT / name) for name in ("src", "stages"))
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(PYTHONPATH=path, **variables),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def run_stage(folder: Path, stage: str, status: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a stage's script in ``folder``, which ends with ``status`` and shows nothing that is Python's."""
    script = ROOT / "stages" / f"{stage}.py"
    if variables:  # libraries may read them while they are loaded
        result = subprocess.run(
            [sys.executable, script],
            cwd=folder,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
    else:
        result = run_forked(script, folder=folder, environment=environment())
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    assert "Warning" not in result.stderr
    return result


def run_genres(folder: Path, *arguments: object, code: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run ``python -m genres`` of a checkout in ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "genres", *map(str, arguments)],
        cwd=folder,
        env=environment(PYTHONPATH=str(code / "src")),
        capture_output=True,
        text=True,
        check=False,
    )


def refuse(folder: Path, stage: str, **variables: str) -> str:
    """Run a stage that refuses what it finds and writes nothing, and return its one message."""
    before = contents(folder)
    result = run_stage(folder, stage, 1, **variables)
    assert contents(folder) == before
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    assert len(starts) == 1, result.stderr
    return "\n".join(lines[starts[0] :])


def outputs(stage: str) -> list[str]:
    """Return the files and folders that a stage declares as its outputs."""
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in PIPELINE[stage].get(kind, ())]
    return [next(iter(entry)) if isinstance(entry, dict) else str(entry) for entry in entries]


def remove_outputs(folder: Path, stage: str) -> None:
    """Remove what a stage has written."""
    for output in outputs(stage):
        if (folder / output).is_dir():
            shutil.rmtree(folder / output)
        else:
            (folder / output).unlink(missing_ok=True)


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a csv file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, str]:
    """Return what lies in ``folder``: files by SHA-256, and "folder" for a folder; git's and DVC's are left out."""
    return {
        path.relative_to(folder).as_posix(): "folder"
        if path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.relative_to(folder).parts[0] not in (".git", ".dvc")
    }


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of each file at any depth in ``folder``."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Clone(NamedTuple):
    """A git and DVC repository of its own, with nothing of the machine's settings."""

    folder: Path

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the environment in which git, dvc and make see no settings of the machine."""
        return environment(
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_NOSYSTEM="1",
            DVC_NO_ANALYTICS="1",
            **{f"DVC_{name}_DIR": str(self.folder.parent / name) for name in ("GLOBAL_CONFIG", "SYSTEM_CONFIG")},
            DVC_SITE_CACHE_DIR=str(self.folder.parent / "site_cache"),
            **variables,
        )

    def run(self, *command: str, succeeds: bool = True, **variables: str) -> str:
        """Run git, dvc or make, which succeeds or fails, and return all that it printed."""
        result = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (result.returncode == 0) == succeeds, result.stdout
        return result.stdout

    def make(self, target: str, *variables: str) -> str:
        """Run a make target; the clone's environment consists of links into that of this test."""
        installed = self.folder / ".venv/installed"
        if not installed.exists():
            installed.parent.mkdir()
            for name in ("bin", "lib", "pyvenv.cfg"):
                (installed.parent / name).symlink_to(Path(sys.prefix) / name)
        installed.touch()
        return self.run("make", "--silent", target, *variables)

    def stages_run(self, *command: str, **variables: str) -> list[str]:
        """Run dvc, and return the stages that it ran, sorted."""
        return stages_in(self.run("dvc", *command, **variables))

    def commit(self) -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "state")

    def changed(self) -> set[str]:
        """Return what git sees as changed or new."""
        status = self.run("git", "status", "--porcelain", "--untracked-files=all")
        return {line[3:] for line in status.splitlines()}


class FirstRun(NamedTuple):
    """A clone of the working tree after its first run, committed, and what DVC printed. It is for reading alone."""

    clone: Clone
    output: str

    def copy(self, folder: Path) -> Path:
        """Copy parameters, data and results, without code and caches, into a new folder, and return it."""
        ignored = shutil.ignore_patterns(".git", ".dvc", "src", "stages", "tests")
        return Path(shutil.copytree(self.clone.folder, folder, ignore=ignored))


def stages_in(output: str) -> list[str]:
    """Return the stages that DVC says it runs, sorted."""
    return sorted(re.findall(r"^Running stage '(?:[\w/.]+:)?(\w+)'", output, re.MULTILINE))


def new_clone(folder: Path) -> Clone:
    """Return a repository with the files of the working tree, less its results, and with tiny parameters."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for path in filter(None, listed.stdout.split("\0")):
        # Results and their lock files belong to the project's own data set.
        is_result = path.startswith(("metrics/", "plots/")) or path.endswith("dvc.lock")
        if (ROOT / path).is_file() and not is_result:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    write_params(folder, {})
    clone = Clone(folder)
    clone.run("git", "init", "--quiet", "--initial-branch=main")
    clone.run("git", "config", "user.name", "A Tester")
    clone.run("git", "config", "user.email", "tester@example.com")
    # Some tests change data, which DVC's links would protect.
    clone.run("dvc", "config", "--local", "cache.type", "copy")
    clone.commit()
    return clone
