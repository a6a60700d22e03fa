"""What the training stages wrote besides the models."""

import json
from pathlib import Path

import pytest

from genres.errors import InputError
from genres.histories import CURVES, read_final_scores, read_history


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a training of three epochs writes."""
    for number, name in enumerate(CURVES):
        curve = tmp_path / "plots" / "metrics" / f"{name}.tsv"
        curve.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"{step}\t{number + step / 10}" for step in (1, 2, 3)]
        curve.write_text("\n".join([f"step\t{name.split('/')[1]}", *rows, ""]))
    scores = {"train": {"accuracy": 0.5}, "test": {"accuracy": 1}, "parameters": 7}
    (tmp_path / "metrics.json").write_text(json.dumps(scores))
    return tmp_path


def test_curves_are_columns_and_epochs_the_index(folder: Path) -> None:
    history = read_history(folder, "train_simple", 3)
    assert list(history.index) == [1, 2, 3]
    assert history.train_loss.tolist() == [0.1, 0.2, 0.3]
    assert history.test_accuracy.tolist() == [3.1, 3.2, 3.3]


DAMAGED = [
    "",
    "step\tloss\n",
    "step\tlost\n1\t2\n2\t2\n3\t2\n",
    "step\tloss\n1\tx\n2\t2\n3\t2\n",
    "step\tloss\n1\t2\n3\t2\n4\t2\n",
    "step\tloss\n1\t\n2\t1\n3\t1\n",
    "\0\1\n",
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_curve_is_named_with_the_stage(folder: Path, content: str) -> None:
    (folder / "plots/metrics/test/loss.tsv").write_text(content)
    with pytest.raises(InputError, match=r"test/loss.tsv(?s:.*)`dvc repro -f train_simple`"):
        read_history(folder, "train_simple", 3)


def test_a_missing_curve_is_named_with_the_stage(folder: Path) -> None:
    (folder / "plots/metrics/train/accuracy.tsv").unlink()
    with pytest.raises(InputError, match=r"train/accuracy.tsv is not there.*`dvc repro train_simple`"):
        read_history(folder, "train_simple", 3)


def test_curves_of_another_number_of_epochs_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"has 3 epochs, but `train.epochs` is 150.*train_simple"):
        read_history(folder, "train_simple", 150)


def test_final_scores_are_read_whole(folder: Path) -> None:
    assert read_final_scores(folder, "train_svm")["parameters"] == 7


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"train": {"accuracy": 1}}', '{"train": 1, "test": 1}'])
def test_damaged_scores_are_named_with_the_stage(folder: Path, content: str) -> None:
    (folder / "metrics.json").write_text(content)
    with pytest.raises(InputError, match=r"metrics.json is damaged.*`dvc repro -f train_svm`"):
        read_final_scores(folder, "train_svm")


def test_missing_scores_are_named_with_the_stage(folder: Path) -> None:
    (folder / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics.json is not there.*`dvc repro train_svm`"):
        read_final_scores(folder, "train_svm")
