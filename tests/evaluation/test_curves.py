"""What the training stages wrote besides the models."""

from pathlib import Path

import pytest

from genres.core.errors import InputError
from genres.evaluation.curves import CURVES, read_all_curves, read_curves


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a training of three epochs writes."""
    folder = tmp_path / "train_simple"
    for number, name in enumerate(CURVES):
        subset, _, column = name.partition("_")
        curve = folder / "plots" / "metrics" / subset / f"{column}.tsv"
        curve.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"{step}\t{number / 10 + step / 100:.2f}" for step in (1, 2, 3)]
        curve.write_text("\n".join([f"step\t{column}", *rows, ""]))
    return folder


def test_curves_are_columns_and_epochs_the_index_of_models_that_have_them(folder: Path) -> None:
    found = read_all_curves(folder.parent, ["simple", "svm"])
    assert list(found) == ["simple"]
    curves = found["simple"]
    assert list(curves.index) == [1, 2, 3]
    assert curves.train_loss.tolist() == [0.01, 0.02, 0.03]
    assert curves.test_accuracy.tolist() == [0.31, 0.32, 0.33]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "step\tloss\n",
        "step\tlost\n1\t2\n2\t2\n3\t2\n",
        "step\tloss\n1\tx\n2\t2\n3\t2\n",
        "step\tloss\n1\t2\n3\t2\n4\t2\n",
        "step\tloss\n1\t\n2\t1\n3\t1\n",
        "step\tloss\n1\tinf\n2\t1\n3\t1\n",
        "step\tloss\n1\tnan\n2\t1\n3\t1\n",
        "step\tloss\n1\t-1\n2\t1\n3\t1\n",
        "\0\1\n",
    ],
)
def test_a_damaged_curve_is_named_with_the_stage(folder: Path, content: str) -> None:
    (folder / "plots/metrics/test/loss.tsv").write_text(content)
    with pytest.raises(InputError, match=r"test/loss.tsv(?s:.*)`dvc repro -f train_simple`"):
        read_curves(folder)


def test_an_accuracy_above_1_is_refused(folder: Path) -> None:
    (folder / "plots/metrics/test/accuracy.tsv").write_text("step\taccuracy\n1\t0.5\n2\t1.5\n3\t1\n")
    with pytest.raises(InputError, match=r"accuracy.tsv is damaged: accuracy, line 3: .*, but found '1.5'. Run"):
        read_curves(folder)


def test_a_missing_curve_is_named_with_the_stage(folder: Path) -> None:
    (folder / "plots/metrics/train/accuracy.tsv").unlink()
    with pytest.raises(InputError, match=r"train/accuracy.tsv is not there.*`dvc repro train_simple`"):
        read_curves(folder)
