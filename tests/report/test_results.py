"""All results that are shown, as they are read."""

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from example_results import CORRECT, DATASET, clips_of, example_results, read_example, write_example

from genres.core.errors import InputError
from genres.core.files import write_json
from genres.report.models import MODELS
from genres.report.results import read_n_leaked, read_scores

SCORES = {"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6, "macro_f1": 1.0, "calibration_error": None}


@pytest.mark.parametrize("genres", [["a", "NA"], ["007", "10"]])  # no missing value, no numbers
def test_models_stand_in_the_order_in_which_they_are_shown_and_genres_are_text(genres: list[str]) -> None:
    results = example_results(genres)
    assert list(results.predictions) == list(results.scores) == [model for model in MODELS if model in CORRECT]
    assert list(results.curves) == list(results.training) == ["linear", "simple", "complex"]
    assert results.class_names == sorted(set(results.per_genre.genre)) == sorted(genres)


@pytest.mark.parametrize(
    ("models", "reference"), [(CORRECT, "complex"), (["simple", "linear", "svm"], "simple"), (["svm"], None)]
)
def test_the_reference_model_is_the_last_network(models: list[str], reference: str | None) -> None:
    assert example_results(["a", "b"], dict.fromkeys(models, 0.5)).reference_model == reference


def test_the_epoch_of_convergence_may_be_missing(tmp_path: Path) -> None:
    write_example(tmp_path, clips_of(["a", "b"]))
    path = tmp_path / "plots/convergence.csv"
    table = pd.read_csv(path).sort_values("model")  # complex, linear, simple, as evaluate writes it
    table.assign(converged_epoch=["", "21", ""]).to_csv(path, index=False)
    epochs = {model: row["converged_epoch"] for model, row in read_example(tmp_path).convergence.items()}
    assert list(epochs.items()) == [("linear", 21), ("simple", None), ("complex", None)]
    assert isinstance(epochs["linear"], int)


def test_a_model_without_title_and_colour_is_refused(tmp_path: Path) -> None:
    write_example(tmp_path, clips_of(["a", "b"]), {"forest": 0.5, "svm": 0.5})
    with pytest.raises(InputError, match="model 'forest' has predictions.*MODELS in src/genres/report/models.py"):
        read_example(tmp_path)


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("svm", "evaluate.json"),
        ("simple", "convergence.csv"),
        ("linear", "per_genre.csv"),
        ("linear", "comparisons.csv"),
    ],
)
def test_an_evaluation_of_other_models_is_refused(tmp_path: Path, model: str, file: str) -> None:
    all_models, others = tmp_path / "all", tmp_path / "others"
    write_example(all_models, clips_of(["a", "b"]))
    write_example(others, clips_of(["a", "b"]), {name: share for name, share in CORRECT.items() if name != model})
    shutil.copy(next(others.rglob(file)), next(all_models.rglob(file)))
    with pytest.raises(InputError, match=f"{file} is damaged: it has 0 entries of .*{model}.*`dvc repro -f evaluate`"):
        read_example(all_models)


def test_a_table_that_cannot_be_read_is_named_with_the_stage_that_makes_it(tmp_path: Path) -> None:
    write_example(tmp_path, clips_of(["a", "b"]))
    for path in sorted((tmp_path / "plots").iterdir()):
        content = path.read_bytes()
        path.write_bytes(b"")
        with pytest.raises(InputError, match=f"{path.name} is damaged.*`dvc repro -f evaluate`"):
            read_example(tmp_path)
        path.unlink()
        with pytest.raises(InputError, match=f"{path.name} is not there.*`dvc repro evaluate`"):
            read_example(tmp_path)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("convergence.csv", "overfitted", "fine", "outcome, line 2: Input should be 'improving', "),
        ("convergence.csv", "linear,30,", "linear,-1,", "epochs, line 2: Input should be greater than or equal to 1"),
        ("convergence.csv", "complex,", "simple,", "it has 0 entries of complex, not 1"),
        (
            "per_genre.csv",
            "complex,a,0.6667",
            "complex,a,inf",
            "precision, line 2: Input should be less than or equal to 1",
        ),
        (
            "per_genre.csv",
            "complex,a,0.6667",
            "complex,a,-1",
            "precision, line 2: Input should be greater than or equal to",
        ),
        ("per_genre.csv", "complex,a,", "complex,c,", "it has 0 entries of complex and a, not 1"),
        ("comparisons.csv", ",no", ",perhaps", "significant, line 2: Input should be 'yes' or 'no', but found 'perhap"),
        ("comparisons.csv", "complex,simple,", "complex,linear,", "it has 2 entries of complex and linear, not 1"),
        ("comparisons.csv", "complex,linear,", "linear,complex,", "it has 0 entries of complex and linear, not 1"),
    ],
)
def test_an_evaluation_that_cannot_be_right_is_refused(tmp_path: Path, file: str, old: str, new: str, why: str) -> None:
    write_example(tmp_path, clips_of(["a", "b"]))
    path = tmp_path / "plots" / file
    before = path.read_text()
    path.write_text(before.replace(old, new, 1))
    assert path.read_text() != before
    with pytest.raises(InputError, match=re.escape(f"{path} is damaged: {why}") + ".*`dvc repro -f evaluate`"):
        read_example(tmp_path)


TRAINING = {"loss": 1.0, "accuracy": 0.5}


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("data/dataset.json", {}, "name: Field required"),
        ("data/dataset.json", DATASET | {"title": 5}, "title: Input should be a valid string, but found 5"),
        ("data/dataset.json", DATASET | {"caveats": "a"}, "caveats: Input should be a valid list, but found 'a'"),
        ("metrics/train_simple/metrics.json", {"parameters": 1, "train": TRAINING}, "test: Field required"),
        (
            "metrics/train_simple/metrics.json",
            {"parameters": 1, "train": TRAINING | {"loss": "1"}, "test": TRAINING},
            "train, loss: Input should be a valid number, but found '1'",
        ),
    ],
)
def test_json_of_another_form_is_refused(tmp_path: Path, file: str, content: dict[str, Any], why: str) -> None:
    write_example(tmp_path, clips_of(["a", "b"]))
    write_json(tmp_path / file, content)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / file} is damaged: {why}")):
        read_example(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"svm": []},
        *({"svm": {key: SCORES[key] for key in SCORES if key != name}} for name in SCORES),
        *({"svm": SCORES | {name: value}} for name in SCORES for value in ("0.5", True, -0.1, 1.1)),
        {"svm": SCORES | {"accuracy_low": 0.7}},
    ],
)
def test_scores_of_another_form_are_damaged(tmp_path: Path, content: dict[str, Any]) -> None:
    write_json(tmp_path / "evaluate.json", content)
    with pytest.raises(InputError, match="evaluate.json is damaged.*`dvc repro -f evaluate`"):
        read_scores(tmp_path / "evaluate.json")


def test_scores_that_are_no_numbers_are_damaged(tmp_path: Path) -> None:
    write_json(tmp_path / "evaluate.json", {"svm": SCORES})
    text = (tmp_path / "evaluate.json").read_text()
    (tmp_path / "evaluate.json").write_text(text.replace('"accuracy": 0.5', '"accuracy": NaN'))
    with pytest.raises(InputError, match=r"evaluate.json is damaged: svm, accuracy: .*, but found nan\."):
        read_scores(tmp_path / "evaluate.json")


@pytest.mark.parametrize(
    "content", [{}, {"leaked": 1}, *({"leaked": value, "test": 5} for value in (None, True, "1", 1.0, -1, [1], 6))]
)
def test_a_leakage_that_is_no_number_of_clips_is_damaged(tmp_path: Path, content: dict[str, Any]) -> None:
    write_json(tmp_path / "split.json", content)
    with pytest.raises(InputError, match="split.json is damaged.*`dvc repro -f split`"):
        read_n_leaked(tmp_path / "split.json")


def test_scores_and_leakage_are_read(tmp_path: Path) -> None:
    write_json(tmp_path / "evaluate.json", {"svm": SCORES, "linear": SCORES})
    assert list(read_scores(tmp_path / "evaluate.json").items()) == [("linear", SCORES), ("svm", SCORES)]
    write_json(tmp_path / "split.json", {"leaked": 3, "test": 5})
    assert read_n_leaked(tmp_path / "split.json") == 3
    with pytest.raises(InputError, match="none.json is not there.*`dvc repro split`"):
        read_n_leaked(tmp_path / "none.json")
