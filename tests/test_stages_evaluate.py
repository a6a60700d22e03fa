"""train_svm and evaluate as scripts: whole on good input, a clear end on bad input."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from tiny import STAGES, contents, run_stage, write_params

WRITTEN = ("metrics/evaluate.json", "metrics/comparisons.json", "metrics/convergence.json", "plots")

pytestmark = pytest.mark.slow  # a whole project is prepared first


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project after its first run."""
    folder = tmp_path_factory.mktemp("prepared")
    write_params(folder, {})
    for stage in STAGES:
        run_stage(folder, stage)
    return folder


@pytest.fixture
def project(tmp_path: Path, prepared: Path) -> Path:
    """A copy of it that still has to be evaluated."""
    shutil.copytree(prepared, tmp_path / "project")
    for path in WRITTEN:
        written = tmp_path / "project" / path
        shutil.rmtree(written) if written.is_dir() else written.unlink()
    return tmp_path / "project"


def refuse(folder: Path, stage: str, *arguments: str) -> str:
    """Run a stage, which refuses in one line and writes nothing, and return what it said."""
    before = contents(folder)
    message = run_stage(folder, stage, *arguments, status=1).stderr.strip()
    assert message.startswith("error: ")
    assert "\n" not in message
    assert contents(folder) == before
    return message


def page_of(folder: Path) -> str:
    text = (folder / "plots/report.html").read_text(encoding="utf-8")
    return text.replace("\N{NO-BREAK SPACE}", " ")


def relabel(folder: Path, old: str, new: str) -> None:
    for table in ("mel", "split", "clips"):
        file = folder / f"data/{table}.csv"
        file.write_text(file.read_text(encoding="utf-8").replace(f",{old},", f",{new},"), encoding="utf-8")


def test_a_second_run_writes_the_same_bytes(project: Path, prepared: Path) -> None:
    (project / "models/svm.safetensors").unlink()
    for stage in ("train_svm", "evaluate"):
        run_stage(project, stage)
    assert contents(project) == contents(prepared)


def test_all_that_is_measured_is_written_with_four_decimals(prepared: Path) -> None:
    numbers: list[float] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for part in value.values():
                collect(part)
        elif isinstance(value, float):
            numbers.append(value)

    for file in sorted((prepared / "metrics").rglob("*.json")):
        collect(json.loads(file.read_text(encoding="utf-8")))
    for file in sorted((prepared / "metrics").rglob("*.tsv")):
        with file.open(newline="", encoding="utf-8") as rows:
            numbers += [float(row[1]) for row in list(csv.reader(rows, delimiter="\t"))[1:]]
    assert len(numbers) > 50
    assert all(number == round(number, 4) for number in numbers)


@pytest.mark.parametrize(
    ("file", "maker"),
    [
        ("models/svm.safetensors", "train_svm"),
        pytest.param("models/simple.safetensors", "train_simple", marks=pytest.mark.slow),
        pytest.param("metrics/train_svm/metrics.json", "train_svm", marks=pytest.mark.slow),
        ("metrics/train_complex/plots/metrics/test/loss.tsv", "train_complex"),
    ],
)
def test_a_missing_file_is_named_with_the_stage_that_makes_it(project: Path, file: str, maker: str) -> None:
    (project / file).unlink()
    message = refuse(project, "evaluate")
    assert f"{file} is not there" in message
    assert f"`dvc repro {maker}`" in message


@pytest.mark.parametrize(
    ("file", "maker"),
    [
        ("models/svm.safetensors", "train_svm"),
        pytest.param("metrics/train_linear/metrics.json", "train_linear", marks=pytest.mark.slow),
        pytest.param("metrics/train_simple/plots/metrics/train/accuracy.tsv", "train_simple", marks=pytest.mark.slow),
    ],
)
def test_a_damaged_file_is_named_with_the_stage_that_makes_it(project: Path, file: str, maker: str) -> None:
    content = (project / file).read_bytes()
    (project / file).write_bytes(content[: len(content) // 2])
    message = refuse(project, "evaluate")
    assert file in message
    assert f"`dvc repro -f {maker}`" in message


def test_a_clip_that_cannot_be_played_is_named(project: Path) -> None:
    for clip in (project / "data/audio").glob("*/*"):
        clip.write_bytes(b"no sound")
    message = refuse(project, "evaluate")
    assert "data/audio/" in message
    assert "`dvc repro -f download`" in message


def test_models_of_other_genres_are_refused(project: Path) -> None:
    relabel(project, "rock", "reggaeton")
    message = refuse(project, "evaluate", "--models", "svm")
    assert "'svm'" in message
    assert "reggaeton" in message
    assert "`dvc repro train_svm`" in message


@pytest.mark.slow
def test_models_of_another_input_shape_are_refused(project: Path) -> None:
    write_params(project, {"input.width": 90})
    message = refuse(project, "evaluate", "--models", "svm")
    assert "`input`" in message
    assert "width=90" in message
    assert "`dvc repro train_svm`" in message


def test_curves_of_another_number_of_epochs_are_refused(project: Path) -> None:
    write_params(project, {"train.epochs": 3})
    message = refuse(project, "evaluate")
    assert "metrics/train_linear/plots/metrics/train/loss.tsv has 2 epochs" in message
    assert "train_linear`" in message


def test_one_model_alone_is_shown_with_what_is_missing(project: Path) -> None:
    run_stage(project, "evaluate", "--models", "simple")
    assert set(json.loads((project / "metrics/evaluate.json").read_text(encoding="utf-8"))) == {"simple"}
    assert json.loads((project / "metrics/comparisons.json").read_text(encoding="utf-8")) == {}
    assert "Not evaluated: Linear, Complex CNN, SVM." in page_of(project)


def test_a_genre_without_test_clips_is_not_available(project: Path) -> None:
    split = project / "data/split.csv"
    rows = split.read_text(encoding="utf-8").splitlines()
    split.write_text("\n".join([row.replace(",rock,test", ",rock,train") for row in rows] + [""]), encoding="utf-8")
    run_stage(project, "evaluate")
    scores = json.loads((project / "metrics/evaluate.json").read_text(encoding="utf-8"))
    assert [scores[model]["recall"]["rock"] for model in scores] == [None] * 4
    assert '<th scope="row">rock</th><td class="number">n/a</td>' in page_of(project)


@pytest.mark.slow
def test_a_class_name_that_is_html_is_escaped(project: Path) -> None:
    relabel(project, "rock", "<script>alert(1)</script>")
    for stage in ("train_linear", "train_simple", "train_complex", "train_svm", "evaluate"):
        run_stage(project, stage)
    assert "<script" not in page_of(project)
    assert "&lt;script&gt;alert(1)" in page_of(project)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "maker"), [("data/mel.npy", "featurize"), ("data/mel.csv", "featurize"), ("data/split.csv", "split")]
)
def test_the_machine_is_not_trained_without_its_data(project: Path, file: str, maker: str) -> None:
    (project / file).unlink()
    message = refuse(project, "train_svm")
    assert f"{file} is not there" in message
    assert f"`dvc repro {maker}`" in message


def test_a_split_of_other_clips_is_refused(project: Path) -> None:
    split = project / "data/split.csv"
    split.write_text(split.read_text(encoding="utf-8").replace("rock.00003", "rock.10003"), encoding="utf-8")
    message = refuse(project, "train_svm")
    assert "'rock.10003'" in message
    assert "`dvc repro -f split`" in message
