"""The table of results, as people read it."""

from pathlib import Path

import pytest
from example_results import DATASET, GTZAN, clips_of, write_example

from genres.__main__ import main
from genres.core.errors import InputError
from genres.core.files import write_json
from genres.report.models import MODELS, ShownModel
from genres.report.table import format_table

PARAMS = Path(__file__).parents[2] / "params.yaml"
SCORES = {
    "linear": {"accuracy": 0.4251, "accuracy_low": 0.3586, "accuracy_high": 0.4944, "macro_f1": 0.4},
    "complex": {"accuracy": 1.0, "accuracy_low": 0.9812, "accuracy_high": 1.0, "macro_f1": 1.0},
    "svm": {"accuracy": 0.5, "accuracy_low": 0.4314, "accuracy_high": 0.5686, "macro_f1": 0.512},
}


def test_each_model_has_a_line_with_its_scores() -> None:
    lines = [line.split() for line in format_table(SCORES, DATASET, 0, "stratified").splitlines()]
    assert lines == [
        ["Results", "on", "your", "own", "clips"],
        [],
        ["model", "test", "accuracy", "95", "%", "interval", "macro", "F1"],
        ["Linear", "42.5%", "35.9%", "-", "49.4%", "0.400"],
        ["Complex", "CNN", "100.0%", "98.1%", "-", "100.0%", "1.000"],
        ["SVM", "50.0%", "43.1%", "-", "56.9%", "0.512"],
    ]


def test_the_papers_accuracies_stand_beside_those_of_its_models_on_its_own_data_and_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(MODELS, "forest", ShownModel("Forest", "#000000"))
    table = format_table(SCORES | dict.fromkeys(("forest", "musicnn"), SCORES["svm"]), GTZAN, 0, "stratified")
    lines = [line.split() for line in table.splitlines()]
    assert [line[-1] for line in lines[2:-3]] == ["paper", "50.5%", "62.5%", "57.0%", "0.512", "0.512"]
    assert table.endswith("\n\nForest is beyond the paper\nMusiCNN is pre-trained on other music")


def test_test_clips_with_a_copy_in_train_are_named_beside_the_accuracies() -> None:
    assert "copy" not in format_table(SCORES, GTZAN, 0, "stratified")
    assert "7 test clips have a copy" in format_table(SCORES, GTZAN, 7, "stratified")


def test_the_command_prints_the_table_and_where_page_and_figures_lie_or_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_example(tmp_path, clips_of(["a", "b"]))
    (tmp_path / "params.yaml").write_bytes(PARAMS.read_bytes())
    (tmp_path / "plots/figures").mkdir()
    (tmp_path / "plots/report.html").touch()
    write_json(tmp_path / "metrics/split.json", {"leaked": 1, "test": 12})
    monkeypatch.chdir(tmp_path)
    main(["results"])
    printed = capsys.readouterr().out
    assert printed.startswith("Results on your own clips\n")
    assert "1 test clip has a copy" in printed
    assert printed.endswith("\nPage:\n  plots/report.html\n\nFigures:\n  plots/figures\n")
    (tmp_path / "plots/report.html").unlink()
    main(["results"])
    assert "Page" not in capsys.readouterr().out
    for file in ("evaluate", "split"):  # the latter is read first
        (tmp_path / f"metrics/{file}.json").write_text("{}")
        with pytest.raises(InputError, match=f"^metrics/{file}.json is damaged.*`dvc repro -f {file}`"):
            main(["results"])
        assert capsys.readouterr().out == ""
