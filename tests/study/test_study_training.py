"""A run of a study: what it writes, and what becomes of an error."""

import errno
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import run_stage, write_params

from genres.core.columns import CLIPS, DUPLICATES
from genres.core.errors import InputError
from genres.core.files import NoRoomError, write_csv
from genres.core.tables import read_split
from genres.models.base.predictions import ModelOutput
from genres.models.base.training_data import TrainingData
from genres.schema import Params, read_params
from genres.study.runs import CURVES_FILE, Run
from genres.study.training import STUDIED, StudiedModel, StudyFiles, Trained, train_run

RUN = Run("svm", split_seed=3, init_seed=4, fold=0, retraining=False)


def files_in_data(project: Path) -> StudyFiles:
    """The files of a project, under the names that the stages use."""
    data = project / "data"
    return StudyFiles(
        *(data / name for name in ("clips.csv", "duplicates.csv", "dataset.json")),
        *(data / f"{array}.{kind}" for array in ("inputs", "scattering") for kind in ("npy", "csv")),
    )


@pytest.fixture
def clips(tmp_path: Path) -> StudyFiles:
    """The files of a project with ten clips, which has no arrays."""
    files = files_in_data(tmp_path)
    rows = [
        (f"{genre}/{n}", genre, f"{genre}/{n}.wav", 30, 22050, f"{n}{genre}" * 32, "ok", "")
        for genre in ("a", "b")
        for n in range(5)
    ]
    write_csv(files.clips, pd.DataFrame(rows, columns=list(CLIPS)))
    write_csv(files.duplicates, pd.DataFrame(columns=list(DUPLICATES)))
    return files


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("the crop is too wide"), "^InputError: the crop is too wide$"),
        (ZeroDivisionError("a bug"), r"(?s)^ZeroDivisionError: Traceback .*\nZeroDivisionError: a bug\n$"),
    ],
    ids=["a mistake", "a bug"],
)
def test_an_error_of_a_run_is_returned_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, params: Params, clips: StudyFiles, error: Exception, message: str
) -> None:
    def fail(of_run: Params, split: Path, _: StudyFiles) -> Trained:
        assert (of_run.seed, split.is_file()) == (RUN.init_seed, True)
        raise error

    monkeypatch.setitem(STUDIED, "svm", StudiedModel(fail, random_initialisation=False))
    found = train_run((RUN, tmp_path / "results/key"), params, clips)
    assert found is not None
    assert re.search(message, found)
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), MemoryError(), OSError(errno.ENOSPC, "no space"), NoRoomError("too large")]
)
def test_what_is_no_fault_of_the_run_ends_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, params: Params, clips: StudyFiles, error: BaseException
) -> None:
    def fail(*_: object) -> Trained:
        raise error

    monkeypatch.setitem(STUDIED, "svm", StudiedModel(fail, random_initialisation=False))
    with pytest.raises(type(error)):
        train_run((RUN, tmp_path / "results/key"), params, clips)
    assert list((tmp_path / "results").iterdir()) == []


def test_a_repeated_call_does_not_disturb_the_one_that_seemed_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, params: Params, clips: StudyFiles
) -> None:
    task = RUN, tmp_path / "results/key"
    calls = 0

    def train(_: Params, split: Path, __: StudyFiles) -> Trained:
        nonlocal calls
        calls += 1
        if calls == 1:  # while the first one trains, its repetition runs from beginning to end
            assert train_run(task, params, clips) is None
            assert split.is_file()
        table = read_split(split)
        labels = np.zeros(len(table), np.int64)
        return Trained(
            TrainingData(table, np.zeros((len(table), 1, 1), np.float32), labels, ("a", "b"), {}), ModelOutput(labels)
        )

    monkeypatch.setitem(STUDIED, "svm", StudiedModel(train, random_initialisation=False))
    assert train_run(task, params, clips) is None
    assert calls == 2
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["key"]
    assert sorted(path.name for path in (tmp_path / "results/key").iterdir()) == ["split.csv", "svm.csv"]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "fold"), [("grouped", 0), ("kfold", 3)])
def test_on_every_kind_of_split_a_run_gives_the_bytes_of_the_stages(project: Path, method: str, fold: int) -> None:
    write_params(project, {"seed": 3, "split.method": method, "split.fold": fold})
    for stage in ("split", "train_linear", "train_svm"):
        run_stage(project, stage)
    write_params(project, {"split.method": method})  # a run has a seed and a fold of its own
    params = read_params(project / "params.yaml", *Params.model_fields)
    for model in ("linear", "svm"):
        folder = project / "results" / model
        assert train_run((Run(model, 3, 3, fold, False), folder), params, files_in_data(project)) is None
        assert (folder / "split.csv").read_bytes() == (project / "data/split.csv").read_bytes()
        written = project / f"data/predictions/{model}.csv"
        assert (folder / written.name).read_bytes() == written.read_bytes()
        assert (folder / CURVES_FILE).exists() == (model == "linear")
