"""What several test files share."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from project import ROOT, Clone, FirstRun, new_clone

from genres.core.processor import settle_arithmetic
from genres.schema import Params, read_params

settle_arithmetic()  # as in the stages


@pytest.fixture(scope="session")
def params() -> Params:
    """The parameters that the project ships with."""
    return read_params(ROOT / "params.yaml", *Params.model_fields)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real clips, where this machine has one."""
    folder = os.environ.get("GENRES_TEST_DATA")
    if not folder:
        pytest.skip("GENRES_TEST_DATA does not name a folder with gtzan-mini/genres.tar.gz and gtzan-mel/dev.npz")
    return Path(folder)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> FirstRun:
    """Run the pipeline once for all tests, whichever of pytest's processes they run in."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "first run"
    log = folder / "output.txt"
    with FileLock(f"{folder}.lock"):
        if not log.exists():
            shutil.rmtree(folder, ignore_errors=True)
            clone = new_clone(folder / "project")
            output = clone.run("dvc", "repro")
            clone.commit()
            log.write_text(output, encoding="utf-8")
    return FirstRun(Clone(folder / "project"), log.read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path, first_run: FirstRun) -> Path:
    """A copy of a project after its first run, without code."""
    return first_run.copy(tmp_path / "project")


@pytest.fixture
def clone(tmp_path: Path, first_run: FirstRun) -> Clone:
    """A copy of the clone after its first run."""
    shutil.copytree(first_run.clone.folder, tmp_path / "project", symlinks=True)
    return Clone(tmp_path / "project")
