import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genres.core.errors import InputError
from genres.models.base.predictions import ModelOutput, read_all_predictions, read_predictions, write_predictions

# Names that pandas would take for a missing value, that a column has already, or that csv must quote.
AWKWARD = ("", "NA", "a,b", "genre", "predicted", 'x"y', "ä\n")


def split_of(genres: tuple[str, ...], subsets: tuple[str, ...] = ("train", "train", "test", "valid")) -> pd.DataFrame:
    rows = [(f"{genre}/{subset}.{n}", genre, subset) for genre in genres for n, subset in enumerate(subsets)]
    return pd.DataFrame(rows, columns=["clip_id", "genre", "subset"])


def shares(n_clips: int, n_classes: int) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(n_classes), n_clips)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A predictions file for two genres."""
    path = tmp_path / "simple.csv"
    clips = split_of(("blues", "rock"))
    write_predictions(path, clips, ("blues", "rock"), ModelOutput(np.arange(8) % 2, shares(8, 2)))
    return path


def test_predictions_are_read_as_they_were_written_with_every_digit(tmp_path: Path) -> None:
    clips = split_of(AWKWARD)
    labels, probabilities = np.arange(len(clips)) % len(AWKWARD), shares(len(clips), len(AWKWARD))
    probabilities[0] = [1, *[0] * 6]
    probabilities[1] = [1e-300, 5e-324, 0.1, 1 / 3, 1 - 1e-16, 0.5, 0.25]
    # In the order of the model's outputs, which is that of the sorted class names.
    order = tuple(sorted(AWKWARD))
    write_predictions(tmp_path / "simple.csv", clips, order, ModelOutput(labels, probabilities))
    found = read_predictions(tmp_path / "simple.csv")
    assert list(found.clips.columns) == ["clip_id", "genre", "subset", "predicted"]
    assert found.clips[["clip_id", "genre", "subset"]].equals(clips.astype(found.clips.clip_id.dtype))
    assert found.clips.predicted.tolist() == [order[label] for label in labels]
    np.testing.assert_array_equal(found.probabilities, probabilities, strict=True)


def test_a_model_without_probabilities_has_no_columns_for_them(tmp_path: Path) -> None:
    path = tmp_path / "svm.csv"
    write_predictions(path, split_of(("a", "b"))[:4], ("a", "b"), ModelOutput(np.array([0, 0, 0, 0])))
    assert path.read_text(encoding="utf-8").splitlines()[0] == "clip_id,genre,subset,predicted"
    assert read_predictions(path).probabilities is None


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: text[: len(text) // 2], "not a readable table"),
        (lambda text: text.replace("clip_id", "clip", 1), "its columns are clip, genre"),
        (lambda text: text.replace("predicted,blues,rock", "predicted,rock,blues"), "rock, blues, not blues, rock"),
        (lambda text: text.replace("predicted,blues,rock", "predicted,blues,jazz"), "blues, jazz, not blues, rock"),
        (lambda text: text.replace(",train,rock,", ",train,jazz,", 1), "it predicts 'jazz', which is no genre"),
        (lambda text: text.replace(",0.", ",", 1), "not between 0 and 1"),
        (lambda text: text.replace(",0.", ",-0.", 1), "not between 0 and 1"),
        (lambda text: text.replace(",0.", ",nan 0.", 1), "is not a number"),
        (lambda text: re.sub(r",0\.\d+\n", ",nan\n", text, count=1), "not between 0 and 1"),
        (lambda text: text.partition("\n")[0] + "\n", "it has no rows"),
    ],
)
def test_a_damaged_file_is_refused(path: Path, damage: Callable[[str], str], why: str) -> None:
    before = path.read_text(encoding="utf-8")
    path.write_text(damage(before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    message = re.escape(f"{path} is damaged: ") + f".*{why}(.|\n)* Run `dvc repro -f train_simple` to make it again"
    with pytest.raises(InputError, match=message):
        read_predictions(path)


def test_all_models_are_read_sorted_by_name(path: Path) -> None:
    for name in ("svm", "complex"):
        path.with_name(f"{name}.csv").write_bytes(path.read_bytes())
    path.with_name("notes.txt").touch()
    assert list(read_all_predictions(path.parent)) == ["complex", "simple", "svm"]


@pytest.mark.parametrize(
    "other",
    [
        split_of(("blues", "rock"), ("train", "test", "test", "valid")),
        split_of(("blues", "rock"))[:7],
        split_of(("blues", "rock"))[::-1],
        split_of(("blues", "jazz")),
    ],
    ids=["subsets", "clips", "order", "genres"],
)
def test_predictions_of_different_splits_are_refused(path: Path, other: pd.DataFrame) -> None:
    genres = tuple(sorted(set(other.genre)))
    write_predictions(path.with_name("svm.csv"), other, genres, ModelOutput(np.zeros(len(other), np.int64)))
    with pytest.raises(InputError, match=r"svm\.csv and .*simple\.csv have different splits. Run `dvc repro`"):
        read_all_predictions(path.parent)


def test_no_predictions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"{tmp_path} has no predictions. Run `dvc repro` to train")):
        read_all_predictions(tmp_path)
