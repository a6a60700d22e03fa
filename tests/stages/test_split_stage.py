"""Ways of splitting, as scripts, on clips one of which is there twice."""

import json
import shutil
from pathlib import Path

import pytest
import soundfile
from project import read_table, run_stage, write_params

from genres.datasets.synthetic import SAMPLE_RATE, render_clip

CLIPS = {"blues": 4, "rock": 5}  # and the copy
ORIGINAL, COPY = "blues/blues.00000", "blues/copy"
ALL = {*(f"{genre}/{genre}.{number:05d}" for genre in CLIPS for number in range(CLIPS[genre])), COPY}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is yet to be split."""
    folder = tmp_path_factory.mktemp("listed")
    for genre, clips in CLIPS.items():
        (folder / "source" / genre).mkdir(parents=True)
        for number in range(clips):
            path = folder / "source" / genre / f"{genre}.{number:05d}.wav"
            soundfile.write(path, render_clip(genre, number, 0, 8), SAMPLE_RATE, subtype="PCM_16")
    shutil.copy(folder / "source/blues/blues.00000.wav", folder / "source/blues/copy.wav")
    change(folder)
    for stage in ("download", "find_duplicates"):
        run_stage(folder, stage)
    return folder


@pytest.fixture
def project(tmp_path: Path, listed: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(listed, tmp_path / "project"))


def change(folder: Path, **split: object) -> None:
    own = {"dataset.name": "local", "dataset.path": "source", "train.epochs": 1, "split.test_size": 4}
    write_params(folder, own | {f"split.{name}": value for name, value in split.items()})


def draw(folder: Path) -> dict[str, str]:
    """Split, and return each clip's subset."""
    run_stage(folder, "split")
    return read_subsets(folder)


def read_subsets(folder: Path) -> dict[str, str]:
    return {row["clip_id"]: row["subset"] for row in read_table(folder / "data/split.csv")}


def counts(folder: Path) -> dict[str, int]:
    return dict(json.loads((folder / "metrics/split.json").read_bytes()))


def test_a_copy_on_the_other_side_is_counted(project: Path) -> None:
    change(project, method="stratified")
    subsets = draw(project)
    assert {subsets[ORIGINAL], subsets[COPY]} == {"train", "test"}
    assert counts(project) == {"train": 6, "test": 4, "leaked": 1}


def test_a_grouped_split_keeps_the_copies_together(project: Path) -> None:
    change(project, method="grouped")
    subsets = draw(project)
    assert subsets.keys() == ALL
    assert subsets[ORIGINAL] == subsets[COPY]
    assert counts(project) == {"train": 6, "test": 4, "leaked": 0}


def test_every_clip_is_tested_in_one_fold(project: Path) -> None:
    tested: list[str] = []
    for fold in range(2):
        change(project, method="kfold", folds=2, fold=fold)
        subsets = draw(project)
        assert subsets.keys() == ALL
        of_fold = [key for key, subset in subsets.items() if subset == "test"]
        assert counts(project)["leaked"] == (subsets[ORIGINAL] != subsets[COPY])
        tested += of_fold
    assert sorted(tested) == sorted(ALL)


def test_clips_that_no_list_names_are_left_out(project: Path) -> None:
    (project / "lists").mkdir()
    for subset, number in (("train", 0), ("valid", 1), ("test", 2)):
        lines = [f"{genre}/{genre}.{number:05d}.wav\n" for genre in CLIPS]
        (project / f"lists/{subset}_filtered.txt").write_text("".join(lines))
    change(project, method="fault-filtered", lists="lists")
    said = run_stage(project, "split").stderr
    assert said == "4 of 10 clips are in none of the lists and left out (blues/blues.00003, for one)\n"
    assert read_subsets(project) == {
        f"{genre}/{genre}.{number:05d}": subset
        for subset, number in (("train", 0), ("valid", 1), ("test", 2))
        for genre in CLIPS
    }
    assert counts(project) == {"train": 2, "valid": 2, "test": 2, "leaked": 0}
