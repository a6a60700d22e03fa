"""The stages as scripts: the same bytes each time, and nothing half-written when they are killed."""

import itertools
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from forked import run_forked
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
    write_noise,
    write_params,
)

# All networks are trained by the same code.
UNLIKE = [stage for stage in STAGES if stage not in ("train_simple", "train_complex")]
COUNT_ONLY = 0
HANG = 120  # seconds after which a test is given up; no test measures time


def run_to_change(folder: Path, stage: str, change: int) -> int:
    """Run a stage that is killed right before so many changes of files, and return its status."""
    arguments = (str(change), str(ROOT / "stages" / f"{stage}.py"))
    try:
        result = run_forked(
            ROOT / "tests/stages/kill_at.py", *arguments, folder=folder, environment=environment(), hang=HANG
        )
    except TimeoutError:
        pytest.fail("a worker has survived the stage")
    assert "Traceback" not in result.stdout + result.stderr
    return result.returncode


def count_changes(folder: Path, stage: str) -> int:
    """Return how many changes of files a stage makes, in a copy of the project."""
    copy = Path(shutil.copytree(folder, folder.with_name("counted")))
    assert run_to_change(copy, stage, COUNT_ONLY) == 0
    return int((copy / "changes.txt").read_text())


def part(found: dict[str, str], place: str) -> dict[str, str]:
    """Return what lies at or below a place."""
    return {path: what for path, what in found.items() if path == place or path.startswith(f"{place}/")}


# --- The same bytes each time ---


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_where_the_project_lies_or_on_the_locale(
    tmp_path: Path, first_run: FirstRun
) -> None:
    folder = tmp_path / "elsewhere é 'x'"
    folder.mkdir(parents=True)
    write_params(folder, {})
    for stage in STAGES:
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py")]
        settings = environment(LC_ALL="C", TZ="Asia/Tokyo", PYTHONHASHSEED="1", PYTHONUTF8="0")
        subprocess.run(command, cwd=folder, env=settings, capture_output=True, check=True)
    found, expected = contents(folder), contents(first_run.clone.folder)
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
    [stage if stage == "split" else pytest.param(stage, marks=pytest.mark.slow) for stage in UNLIKE],
)
def test_a_killed_stage_leaves_only_whole_outputs_and_the_next_run_makes_the_same_bytes(
    project: Path, stage: str
) -> None:
    undisturbed = contents(project)
    remove_outputs(project, stage)
    changes = count_changes(project, stage)
    # Half-way, and before its last output takes its name, which is followed by tidying up: twice, if it is a folder.
    for moment in (changes // 2, changes - (2 if stage == "report" else 1)):
        folder = Path(shutil.copytree(project, project.with_name(f"killed before change {moment}")))
        assert run_to_change(folder, stage, moment) == -signal.SIGKILL
        assert_whole_or_absent(folder, stage, undisturbed)
        assert not all((folder / output).exists() for output in outputs(stage))
    run_stage(folder, stage)
    assert contents(folder) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["download", "split", "train_linear"])  # a folder; files; a model with curves
def test_a_stage_may_be_killed_between_any_two_changes(project: Path, stage: str) -> None:
    if stage == "download":  # two clips of each genre, which are changes enough
        write_params(project, {"dataset.synthetic.clips_per_genre": 2})
        run_stage(project, stage)
    undisturbed = contents(project)
    remove_outputs(project, stage)
    changes = count_changes(project, stage)
    # Each run goes over what the one before it has left.
    for moment in itertools.count(1):
        status = run_to_change(project, stage, moment)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert_whole_or_absent(project, stage, undisturbed)
    assert moment >= changes
    assert contents(project) == undisturbed


def test_a_training_killed_over_an_older_one_leaves_no_model(project: Path) -> None:
    write_params(project, {"seed": 1})
    moment = count_changes(project, "train_linear") // 2
    assert run_to_change(project, "train_linear", moment) == -signal.SIGKILL
    assert not (project / "models/linear.safetensors").exists()


@pytest.mark.slow
def test_a_download_killed_over_an_older_one_never_leaves_a_list_of_other_clips(tmp_path: Path) -> None:
    source, empty = tmp_path / "source", tmp_path / "empty"
    empty.mkdir()
    write_params(empty, {"dataset.name": "local", "dataset.path": str(source)})
    for genre in ("blues", "rock"):
        write_noise(source / genre / "1.wav")
    run_stage(empty, "download")
    write_noise(source / "blues" / "1.wav", seed=1)
    changes = count_changes(empty, "download")
    seen = []
    for moment in range(changes, 0, -1):
        folder = Path(shutil.copytree(empty, tmp_path / str(moment)))
        assert run_to_change(folder, "download", moment) == -signal.SIGKILL
        seen.append((folder / "data/clips.csv").exists())
        if seen[-1]:
            listed = {row["path"]: row["sha256"] for row in read_table(folder / "data/clips.csv")}
            audio = {path: what for path, what in contents(folder / "data/audio").items() if what != "folder"}
            assert listed == audio, f"killed before change {moment} of {changes}"
            if False in seen:  # this is the older list
                break
    assert [there for there, _ in itertools.groupby(seen)] == [True, False, True]
