"""The table of results, as people read it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import ROOT, run_stage, write_params

from genres.errors import InputError
from genres.results import are_scores, format_results, percent, read_leaked, read_scores
from genres.revision import commit

METRICS = {
    "linear": {"accuracy": 0.4251, "accuracy_low": 0.3586, "accuracy_high": 0.4944, "macro_f1": 0.4},
    "complex": {"accuracy": 1.0, "accuracy_low": 0.9812, "accuracy_high": 1.0, "macro_f1": 1.0},
    "svm": {"accuracy": 0.5, "accuracy_low": 0.4314, "accuracy_high": 0.5686, "macro_f1": 0.512},
}


def test_each_model_has_a_line_with_its_scores() -> None:
    lines = [line.split() for line in format_results(METRICS, "synthetic", 0).splitlines()]
    assert lines[2:] == [
        ["model", "test", "accuracy", "95", "%", "interval", "macro", "F1"],
        ["Linear", "42.5%", "35.9%", "-", "49.4%", "0.400"],
        ["Complex", "CNN", "100.0%", "98.1%", "-", "100.0%", "1.000"],
        ["SVM", "50.0%", "43.1%", "-", "56.9%", "0.512"],
    ]


def test_a_share_of_nothing_is_not_available() -> None:
    assert percent(None) == "n/a"
    assert percent(0.4251) == "42.5\N{NO-BREAK SPACE}%"
    assert percent(0.4251, 0) == "43\N{NO-BREAK SPACE}%"


def test_the_papers_figures_stand_beside_gtzan() -> None:
    lines = [line.split() for line in format_results(METRICS, "gtzan", 0, "stratified").splitlines()]
    assert lines[0] == ["Results", "on", "GTZAN"]
    assert [line[-1] for line in lines[2:]] == ["paper", "50.5%", "62.5%", "57.0%"]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, "stratified") for name in ("synthetic", "local", "gtzan-mini")),
        *(("gtzan", method) for method in ("grouped", "fault-filtered", "kfold", None)),
    ],
)
def test_the_papers_figures_stand_beside_no_other_data_and_split(name: str, method: str | None) -> None:
    table = format_results(METRICS, name, 0, method)
    assert "paper" not in table
    assert "62.5" not in table


def test_synthetic_results_are_called_so() -> None:
    title = format_results(METRICS, "synthetic", 0).splitlines()[0]
    assert title == "Results on SYNTHETIC clips (not GTZAN)"


def test_test_clips_with_a_copy_in_train_are_named_beside_the_accuracies() -> None:
    assert "copy" not in format_results(METRICS, "gtzan", 0)
    assert "1 test clip has a copy in train" in format_results(METRICS, "gtzan", 1)
    assert "7 test clips have a copy in train" in format_results(METRICS, "gtzan", 7)


SCORES = {"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6, "macro_f1": 1, "recall": {"a": 0.5, "b": None}}


def without(*names: str) -> dict[str, Any]:
    return {name: score for name, score in SCORES.items() if name not in names}


def test_scores_are_known_by_their_form() -> None:
    assert are_scores({"linear": SCORES, "svm": SCORES})
    assert not are_scores({"svm": without("accuracy_low", "accuracy_high")})
    assert are_scores({"svm": without("accuracy_low", "accuracy_high")}, intervals=False)


BAD_SCORES = [
    {},
    {"svm": []},
    {"svm": SCORES, "linear": {}},
    *({"svm": without(name)} for name in SCORES),
    *({"svm": SCORES | {name: value}} for name in SCORES for value in (None, "0.5", True)),
    {"svm": SCORES | {"recall": {"a": "0.5"}}},
]


@pytest.mark.parametrize("content", [*BAD_SCORES, {"forest": SCORES}])
def test_scores_of_another_form_are_damaged(tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "evaluate.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="evaluate.json is damaged.*`dvc repro -f evaluate`"):
        read_scores(path)


def test_scores_and_leakage_are_read(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text(json.dumps({"svm": SCORES}))
    assert read_scores(path) == {"svm": SCORES}
    path.write_text('{"leaked": 3, "test": 5}')
    assert read_leaked(path) == 3


@pytest.mark.parametrize("leaked", [{}, *({"leaked": value} for value in (None, True, "1", 1.0, -1, [1]))])
def test_a_leakage_that_is_no_number_of_clips_is_damaged(tmp_path: Path, leaked: dict[str, object]) -> None:
    path = tmp_path / "split.json"
    path.write_text(json.dumps(leaked))
    with pytest.raises(InputError, match="split.json is damaged.*`dvc repro -f split`"):
        read_leaked(path)


def test_a_leakage_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="split.json is not there.*`dvc repro split`"):
        read_leaked(tmp_path / "split.json")


def test_the_names_of_models_are_there_without_waiting() -> None:
    code = "import sys; import genres.results; sys.exit('pandas' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", check=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with results."""
    write_params(tmp_path, {})
    for folder in ("metrics", "plots"):
        (tmp_path / folder).mkdir()
    (tmp_path / "metrics/evaluate.json").write_text(json.dumps({"svm": SCORES}))
    (tmp_path / "metrics/split.json").write_text('{"leaked": 1}')
    for name in ("curves.png", "accuracy.png", "report.html"):
        (tmp_path / "plots" / name).touch()
    return tmp_path


def test_the_script_prints_the_table_where_page_and_figures_lie_and_the_commit(project: Path) -> None:
    printed = run_stage(project, "results").stdout
    assert printed.startswith("Results on SYNTHETIC clips (not GTZAN)\n")
    assert "1 test clip has a copy in train" in printed
    figures = "\nFigures:\n  plots/accuracy.png\n  plots/curves.png\n"
    assert "\nPage:\n  plots/report.html\n" + figures in printed
    assert printed.endswith(f"\nCode:\n  {commit()}\n")
    (project / "plots/report.html").unlink()
    printed = run_stage(project, "results").stdout
    assert figures in printed
    assert "Page" not in printed


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("split", "{}", "metrics/split.json is damaged"),
        ("evaluate", '{"svm": {}}', "metrics/evaluate.json is damaged"),
    ],
)
def test_damaged_figures_are_one_clear_error(project: Path, file: str, content: str, told: str) -> None:
    (project / f"metrics/{file}.json").write_text(content)
    result = run_stage(project, "results", status=1)
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {told}")
    assert result.stderr.count("\n") == 1
