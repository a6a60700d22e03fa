import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genres.core.columns import SPLIT
from genres.core.errors import InputError
from genres.core.files import write_csv
from genres.models.base.predictions import ModelOutput, read_all_predictions, read_predictions, write_predictions

# Names that pandas would take for a missing value, that a column has already, or that csv must quote.
AWKWARD = ("", "NA", "a,b", "genre", "predicted", 'x"y', "ä\n")


def split_of(genres: tuple[str, ...], subsets: tuple[str, ...] = ("train", "train", "test", "valid")) -> pd.DataFrame:
    rows = [(f"{genre}/{n}", genre, f"{n:x}", subset) for genre in genres for n, subset in enumerate(subsets)]
    return pd.DataFrame(rows, columns=SPLIT)


def shares(n_clips: int, n_classes: int) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(n_classes), n_clips)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A predictions file for two genres."""
    path = tmp_path / "simple.csv"
    clips = split_of(("blues", "rock"))
    probabilities = shares(8, 2)
    write_predictions(path, clips, ("blues", "rock"), ModelOutput(probabilities.argmax(axis=1), probabilities))
    return path


def test_predictions_are_read_as_they_were_written_with_every_digit(tmp_path: Path) -> None:
    clips = split_of(AWKWARD)
    probabilities = shares(len(clips), len(AWKWARD))
    probabilities[0] = [1, *[0] * 6]
    probabilities[1] = [1e-300, 5e-324, 0.1, 1 / 3, 1e-16, 1 / 3, 0.7 / 3]  # two are largest
    labels = probabilities.argmax(axis=1)
    labels[1] = 5
    # In the order of the model's outputs, which is that of the sorted class names.
    order = tuple(sorted(AWKWARD))
    write_predictions(tmp_path / "simple.csv", clips, order, ModelOutput(labels, probabilities))
    found = read_predictions(tmp_path / "simple.csv")
    assert list(found.clips.columns) == [*SPLIT, "model", "predicted"]
    assert found.clips[list(SPLIT)].equals(clips.astype(found.clips.clip_id.dtype))
    assert found.clips.predicted.tolist() == [order[label] for label in labels]
    np.testing.assert_array_equal(found.probabilities, probabilities, strict=True)


def test_a_model_without_probabilities_has_no_columns_for_them(tmp_path: Path) -> None:
    path = tmp_path / "svm.csv"
    write_predictions(path, split_of(("a", "b"))[:4], ("a", "b"), ModelOutput(np.array([0, 0, 0, 0])))
    assert path.read_text(encoding="utf-8").splitlines()[0] == "clip_id,genre,sha256,subset,model,predicted"
    assert read_predictions(path).probabilities is None


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: text[: len(text) // 2], "not a readable table"),
        (lambda text: text.replace("clip_id", "clip", 1), "its columns are clip, genre"),
        (lambda text: text.replace("predicted,blues,rock", "predicted,rock,blues"), "rock, blues, not blues, rock"),
        (lambda text: text.replace("predicted,blues,rock", "predicted,blues,jazz"), "blues, jazz, not blues, rock"),
        (lambda text: text.replace(",simple,rock,", ",simple,jazz,", 1), "it predicts 'jazz', which is not a genre"),
        (lambda text: text.replace(",simple,", ",linear,", 2), "line 2: the model 'linear' is not one of simple"),
        (lambda text: text.replace(",test,", ",tests,", 1), "line 4: the subset 'tests' is not one of train, valid"),
        (lambda text: text.replace("blues/1", "blues/0", 1), "line 3: the clip_id 'blues/0' is there a second time"),
        (lambda text: text.replace("blues/1", "rock/9", 1), "line 3: the clip_id 'rock/9' is not <genre>/<clip>"),
        (lambda text: text.replace(",0.", ",", 1), "not between 0 and 1"),
        (lambda text: text.replace(",0.", ",-0.", 1), "not between 0 and 1"),
        (lambda text: text.replace(",0.", ",nan 0.", 1), "is not a number"),
        (lambda text: re.sub(r",0\.\d+\n", ",nan\n", text, count=1), "not between 0 and 1"),
        (lambda text: text.partition("\n")[0] + "\n", "it has no rows"),
        (lambda text: re.sub(r",0\.\d+\n", ",0.5\n", text, count=1), "line 2: its probabilities do not sum to 1"),
        (lambda text: text.replace(",simple,rock,", ",simple,blues,", 1), "another genre than the predicted one has"),
    ],
)
def test_a_damaged_file_is_refused(path: Path, damage: Callable[[str], str], why: str) -> None:
    before = path.read_text(encoding="utf-8")
    path.write_text(damage(before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    message = re.escape(f"{path} is damaged: ") + f".*{why}(.|\n)* Run `dvc repro -f train_simple` to make it again"
    with pytest.raises(InputError, match=message):
        read_predictions(path)


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """The split of that file."""
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data/split.csv", split_of(("blues", "rock")))
    return tmp_path / "data/split.csv"


def test_all_models_are_read_sorted_by_name(path: Path, split: Path) -> None:
    for name in ("svm", "complex"):
        path.with_name(f"{name}.csv").write_text(path.read_text().replace(",simple,", f",{name},"))
    path.with_name("notes.txt").touch()
    assert list(read_all_predictions([path.parent], split)) == ["complex", "simple", "svm"]


@pytest.mark.parametrize(
    "other",
    [
        split_of(("blues", "rock"), ("train", "test", "test", "valid")),
        split_of(("blues", "rock"))[:7],
        split_of(("blues", "rock"))[::-1],
        split_of(("blues", "jazz")),
        split_of(("blues", "rock")).assign(sha256="0"),
    ],
    ids=["subsets", "clips", "order", "genres", "audio"],
)
def test_predictions_of_another_split_or_data_set_are_refused(path: Path, split: Path, other: pd.DataFrame) -> None:
    genres = tuple(sorted(set(other.genre)))
    write_predictions(path.with_name("svm.csv"), other, genres, ModelOutput(np.zeros(len(other), np.int64)))
    with pytest.raises(InputError, match=r"svm\.csv has predictions for other clips .*split\.csv\. Run `dvc repro`"):
        read_all_predictions([path.parent], split)


def test_no_predictions_are_refused(tmp_path: Path, split: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"{tmp_path} has no predictions. Run `dvc repro` to train")):
        read_all_predictions([tmp_path], split)
