"""The stages as scripts: the same bytes each time, and nothing half-written when they are killed."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from project import (
    ROOT,
    STAGES,
    FirstRun,
    contents,
    environment,
    outputs,
    read_table,
    remove_outputs,
    run_stage,
    write_params,
)

# All networks are trained by the same code.
UNLIKE = [stage for stage in STAGES if stage not in ("train_simple", "train_complex")]
COUNT_ONLY = 0
HANG = 120  # seconds after which a test is given up; no test measures time


class Prepared(NamedTuple):
    """A project after its first run, and how many changes of files each stage makes in it."""

    folder: Path
    changes: dict[str, int]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, first_run: FirstRun) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared") / "project"
    ignored = shutil.ignore_patterns(".git", ".dvc", "src", "stages", "tests")
    shutil.copytree(first_run.clone.folder, folder, ignore=ignored)
    changes = {}
    for stage in STAGES:
        remove_outputs(folder, stage)
        changes[stage] = count_changes(folder, stage)
    return Prepared(folder, changes)


@pytest.fixture
def project(tmp_path: Path, prepared: Prepared) -> Path:
    """A copy of the prepared project."""
    return Path(shutil.copytree(prepared.folder, tmp_path / "project"))


def copy_of(folder: Path, place: Path) -> Path:
    return Path(shutil.copytree(folder, place))


def start(folder: Path, script: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> int:
    """Wait until neither the process nor a worker of it holds its output open any more, and return its status."""
    try:
        output = process.communicate(timeout=HANG)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail("a worker has survived the stage")
    assert "Traceback" not in output
    return process.returncode


def run_to_change(folder: Path, stage: str, change: int) -> int:
    """Run a stage that is killed right before so many changes of files, and return its status."""
    script = str(ROOT / "stages" / f"{stage}.py")
    return ended(start(folder, ROOT / "tests/stages/kill_at.py", str(change), script))


def count_changes(folder: Path, stage: str) -> int:
    assert run_to_change(folder, stage, COUNT_ONLY) == 0
    record = folder / "changes.txt"
    changes = int(record.read_text())
    record.unlink()
    return changes


def part(found: dict[str, str], place: str) -> dict[str, str]:
    """Return what lies at or below a place."""
    return {path: what for path, what in found.items() if path == place or path.startswith(f"{place}/")}


# --- The same bytes each time ---


def test_the_stages_alone_write_what_dvc_made_them_write(prepared: Prepared, first_run: FirstRun) -> None:
    made = contents(first_run.clone.folder)
    assert {path: what for path, what in contents(prepared.folder).items() if path in made}.items() <= made.items()
    for stage in STAGES:
        for output in outputs(stage):
            assert part(contents(prepared.folder), output) == part(made, output) != {}


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_where_the_project_lies_or_on_the_locale(tmp_path: Path, prepared: Prepared) -> None:
    folder = tmp_path / "elsewhere é 'x'"
    folder.mkdir(parents=True)
    write_params(folder, {})
    for stage in STAGES:
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py")]
        settings = environment(LC_ALL="C", TZ="Asia/Tokyo", PYTHONHASHSEED="1", PYTHONUTF8="0")
        subprocess.run(command, cwd=folder, env=settings, capture_output=True, check=True)
    found, expected = contents(folder), contents(prepared.folder)
    assert found == {path: what for path, what in expected.items() if path in found}
    assert all(part(found, output) for stage in STAGES for output in outputs(stage))


# --- Killed in the middle ---


def assert_whole_or_absent(folder: Path, stage: str, undisturbed: dict[str, str]) -> None:
    left = contents(folder)
    for output in outputs(stage):
        if output != f"metrics/{stage}":  # DVCLive writes an epoch after the other
            assert part(left, output) in ({}, part(undisturbed, output)), output


@pytest.mark.parametrize(
    "stage",
    [stage if stage in ("split", "train_linear") else pytest.param(stage, marks=pytest.mark.slow) for stage in UNLIKE],
)
def test_a_killed_stage_leaves_only_whole_outputs_and_the_next_run_makes_the_same_bytes(
    prepared: Prepared, project: Path, stage: str
) -> None:
    undisturbed = contents(project)
    remove_outputs(project, stage)
    # Half-way, and before its last file takes its name, which is followed by tidying up.
    for moment in (prepared.changes[stage] // 2, prepared.changes[stage] - 1):
        folder = copy_of(project, project.with_name(f"killed before change {moment}"))
        assert run_to_change(folder, stage, moment) == -signal.SIGKILL
        assert_whole_or_absent(folder, stage, undisturbed)
        assert not all((folder / output).exists() for output in outputs(stage))
    run_stage(folder, stage)
    assert contents(folder) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("stage", [stage for stage in UNLIKE if stage != "report"])  # whose changes are many alike
def test_a_stage_may_be_killed_between_any_two_changes(prepared: Prepared, project: Path, stage: str) -> None:
    undisturbed = contents(project)
    remove_outputs(project, stage)
    # Each run goes over what the one before it has left.
    for moment in itertools.count(1):
        status = run_to_change(project, stage, moment)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert_whole_or_absent(project, stage, undisturbed)
    assert moment >= prepared.changes[stage]
    assert contents(project) == undisturbed


def test_a_training_killed_over_an_older_one_leaves_no_model(prepared: Prepared, project: Path) -> None:
    write_params(project, {"seed": 1})
    assert run_to_change(project, "train_linear", prepared.changes["train_linear"] // 2) == -signal.SIGKILL
    assert not (project / "models/linear.safetensors").exists()


def write_noise(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.5, 0.5, 11025), 22050)


def listed_clips_are_there(folder: Path) -> bool:
    listed = {f"data/audio/{row['path']}": row["sha256"] for row in read_table(folder / "data/clips.csv")}
    audio = {path: what for path, what in part(contents(folder), "data/audio").items() if what != "folder"}
    return listed == audio


@pytest.mark.slow
def test_a_download_killed_over_an_older_one_never_leaves_a_list_of_other_clips(tmp_path: Path) -> None:
    source, empty = tmp_path / "source", tmp_path / "empty"
    empty.mkdir()
    write_params(empty, {"dataset.name": "local", "dataset.path": str(source)})
    for genre in ("blues", "rock"):
        write_noise(source / genre / "1.wav")
    run_stage(empty, "download")
    write_noise(source / "blues" / "1.wav", seed=1)
    changes = count_changes(copy_of(empty, tmp_path / "counted"), "download")
    states = []
    for moment in range(changes, max(0, changes - 8), -1):
        folder = copy_of(empty, tmp_path / str(moment))
        assert run_to_change(folder, "download", moment) == -signal.SIGKILL
        states.append((folder / "data/clips.csv").exists())
        assert not states[-1] or listed_clips_are_there(folder), f"killed before change {moment} of {changes}"
    assert set(states) == {False, True}  # the moments reach back to before the older list is removed


@pytest.mark.parametrize(
    ("stage", "changes", "sign"),
    [
        ("download", {"dataset.synthetic.clips_per_genre": 20, "dataset.synthetic.seconds": 10}, "data/.audio.*/*/*"),
        ("featurize", {"featurize.hop_length": 16}, "data/.mel.npy.*"),
    ],
)
def test_workers_end_with_a_killed_stage(project: Path, stage: str, changes: dict[str, int], sign: str) -> None:
    remove_outputs(project, stage)
    write_params(project, changes)
    process = start(project, ROOT / "stages" / f"{stage}.py")
    try:
        # A worker has done its first clip, and many are left.
        while process.poll() is None and not any(file.stat().st_size > 1000 for file in project.glob(sign)):
            time.sleep(0.01)
    finally:
        process.kill()
    assert ended(process) == -signal.SIGKILL
    assert not any((project / output).exists() for output in outputs(stage))
