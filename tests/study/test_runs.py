"""Which runs a study has, and under which key the result of each is kept."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from genres.core.errors import InputError
from genres.core.processor import describe_process
from genres.schema import Params
from genres.study import runs
from genres.study.runs import Run, list_runs, run_key, run_params
from genres.study.training import STUDIED

MODELS = {"complex": True, "svm": False}
SEED = 7  # of the main pipeline
VARIED = ("both", "init", "split")
METHODS = ("fault-filtered", "grouped", "kfold", "stratified")
RUN = Run("svm", split_seed=1, init_seed=2, fold=0, retraining=False)
GROUPS = ["input", "seed", "split", "svm"]


def changed(params: Params, seed: int = SEED, **groups: dict[str, Any]) -> Params:
    """Return parameters with another seed, and with other values in some groups."""
    update = {name: getattr(params, name).model_copy(update=values) for name, values in groups.items()}
    return params.model_copy(update={"seed": seed, **update})


# --- Which runs there are ---


@pytest.mark.parametrize(
    ("vary", "split", "expected"),
    [
        (
            "both",
            {},
            [
                ("complex", 0, 0, 0, False), ("complex", 0, 1000, 0, True),
                ("complex", 1, 1, 0, False), ("complex", 1, 1001, 0, True),
                ("svm", 0, 0, 0, False), ("svm", 1, 1, 0, False),
            ],
        ),
        (
            "split",
            {},
            [(model, seed, SEED, 0, False) for model in MODELS for seed in (0, 1)],
        ),
        (
            "init",
            {},
            [("complex", SEED, 0, 0, False), ("complex", SEED, 1, 0, False), ("svm", SEED, SEED, 0, False)],
        ),
        (
            "both",
            {"method": "fault-filtered"},
            [("complex", SEED, 0, 0, False), ("complex", SEED, 1, 0, False), ("svm", SEED, SEED, 0, False)],
        ),
        (
            "split",
            {"method": "kfold", "folds": 3, "fold": 2},
            [(model, seed, SEED, fold, False) for model in MODELS for seed in (0, 1) for fold in range(3)],
        ),
        (
            "init",
            {"method": "kfold", "folds": 2},
            [
                *(("complex", SEED, seed, fold, False) for seed in (0, 1) for fold in (0, 1)),
                *(("svm", SEED, SEED, fold, False) for fold in (0, 1)),
            ],
        ),
    ],
)  # fmt: skip
def test_a_study_has_these_runs(params: Params, vary: str, split: dict[str, Any], expected: list[tuple[Any]]) -> None:
    found = list_runs(MODELS, changed(params, study={"seeds": 2, "vary": vary}, split=split))
    assert [tuple(run) for run in found] == expected


@pytest.mark.parametrize(
    ("method", "vary"), [pair for pair in product(METHODS, VARIED) if pair != ("fault-filtered", "split")]
)
def test_no_run_is_trained_twice_and_more_seeds_keep_those_of_fewer(params: Params, method: str, vary: str) -> None:
    few, many = (
        list_runs(MODELS, changed(params, study={"seeds": seeds, "vary": vary}, split={"method": method}))
        for seeds in (2, 3)
    )
    assert len({run[:4] for run in many}) == len(many) > len(few)
    assert set(few) < set(many)


@pytest.mark.parametrize("vary", VARIED)
def test_the_main_pipelines_seed_is_among_the_runs_of_every_model(params: Params, vary: str) -> None:
    found = list_runs(MODELS, changed(params, seed=1, study={"seeds": 2, "vary": vary}))
    assert {run.model for run in found if run[1:] == (1, 1, 0, False)} == MODELS.keys()


def test_splits_cannot_vary_where_there_is_one(params: Params) -> None:
    of_lists = changed(params, study={"seeds": 2, "vary": "split"}, split={"method": "fault-filtered"})
    with pytest.raises(InputError, match="`study.vary` is split, but `split.method: fault-filtered` has one split"):
        list_runs(MODELS, of_lists)


def test_a_run_is_trained_with_its_own_seed_and_fold(params: Params) -> None:
    of_run = run_params(Run("svm", 3, 4, 2, False), changed(params, split={"method": "kfold", "fold": 1}))
    assert (of_run.seed, of_run.split.fold) == (4, 2)
    assert of_run.svm == params.svm


def test_models_that_are_not_initialised_at_random_are_named() -> None:
    assert [model for model, studied in STUDIED.items() if not studied.random_initialisation] == ["scattering", "svm"]


# --- Their keys ---


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of `key`, each of which is read anew for every key."""
    monkeypatch.setattr(runs, "_content_sha256", runs._content_sha256.__wrapped__)
    return write_files(tmp_path / "project")


def write_files(folder: Path) -> Path:
    (folder / "code/part").mkdir(parents=True)
    (folder / "data.csv").write_text("data")
    (folder / "code/module.py").write_text("one")
    (folder / "code/part/module.py").write_text("two")
    return folder


def key(folder: Path, params: Params, run: Run = RUN, groups: list[str] = GROUPS) -> str:
    return run_key(run, [folder / "code", folder / "data.csv"], groups, params)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "data.csv").write_text("date"),
        lambda folder: (folder / "code/module.py").write_text("one  # with a comment"),
        lambda folder: (folder / "code/part/module.py").write_text("too"),
        lambda folder: (folder / "code/part/module.py").rename(folder / "code/part/other.py"),
        lambda folder: (folder / "code/part/module.py").unlink(),
        lambda folder: (folder / "code/more.txt").write_text(""),
    ],
    ids=["a file", "a module", "one in a package", "a renamed one", "a removed one", "a new one"],
)
def test_a_key_changes_with_what_the_files_hold(files: Path, params: Params, change: Callable[[Path], object]) -> None:
    before = key(files, params)
    change(files)
    assert key(files, params) != before


@pytest.mark.parametrize(
    "run",
    [
        RUN._replace(model="linear"),
        RUN._replace(split_seed=2),
        RUN._replace(init_seed=1),
        RUN._replace(split_seed=2, init_seed=1),
        RUN._replace(fold=1),
    ],
    ids=str,
)
def test_a_key_changes_with_the_run(files: Path, params: Params, run: Run) -> None:
    assert key(files, params, run) != key(files, params)


@pytest.mark.parametrize(
    "groups",
    [{"svm": {"C": 3.0}}, {"split": {"test_size": 0.3}}, {"split": {"method": "grouped"}}, {"input": {"width": 50}}],
    ids=str,
)
def test_a_key_changes_with_a_parameter_of_its_groups_and_with_no_other(
    files: Path, params: Params, groups: dict[str, dict[str, Any]]
) -> None:
    (group,) = groups
    others = [name for name in GROUPS if name != group]
    assert key(files, changed(params, **groups)) != key(files, params)
    assert key(files, changed(params, **groups), groups=others) == key(files, params, groups=others)


@pytest.mark.parametrize("changed", ["numpy", "llvmlite", "Python", "MKL_CBWR", "machine"])
def test_a_key_changes_with_packages_and_settings(
    files: Path, params: Params, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    before, process = key(files, params), describe_process()
    assert changed in process
    monkeypatch.setattr(runs, "describe_process", lambda: process | {changed: "other"})
    assert key(files, params) != before


def test_a_key_changes_with_a_single_parameter_of_a_group(files: Path, params: Params) -> None:
    names = ["train.epochs", "svm"]
    keys = {
        run_key(RUN, [files / "data.csv"], names, of_run)
        for of_run in (params, changed(params, train={"epochs": 9}), changed(params, train={"batch_size": 9}))
    }
    assert len(keys) == 2  # the batch size is not among them
    with pytest.raises(AttributeError):
        run_key(RUN, [], ["train.epoch"], params)


def test_a_key_does_not_change_with_what_no_result_depends_on(files: Path, params: Params) -> None:
    before = key(files, params)
    for cache in (files / "code/__pycache__", files / "code/part/__pycache__"):
        cache.mkdir()
        (cache / "module.cpython-313.pyc").write_text("compiled")
    (files / "code/empty").mkdir()
    others = changed(params, seed=3, train={"epochs": 9}, study={"seeds": 99}, split={"fold": 1})
    assert key(files, others) == before
    assert key(files, params, RUN._replace(retraining=True)) == before  # the same training, counted otherwise
    assert key(files, params, groups=GROUPS[::-1]) == before


def test_a_key_does_not_change_with_the_folder_of_the_project(
    files: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []
    for folder in (files, write_files(files.with_name("elsewhere"))):
        monkeypatch.chdir(folder)
        keys.append(key(Path(), params))
    assert keys[0] == keys[1]
    (folder / "data.csv").write_text("date")
    assert key(Path(), params) != keys[1]
