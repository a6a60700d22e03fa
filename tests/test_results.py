"""The table of results, as people read it."""

import pytest

from genres.results import format_results, percent

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
    lines = [line.split() for line in format_results(METRICS, "gtzan", 0).splitlines()]
    assert lines[0] == ["Results", "on", "GTZAN"]
    assert [line[-1] for line in lines[2:]] == ["paper", "50.5%", "62.5%", "57.0%"]


@pytest.mark.parametrize("name", ["synthetic", "local", "gtzan-mini"])
def test_the_papers_figures_stand_beside_no_other_data(name: str) -> None:
    table = format_results(METRICS, name, 0)
    assert "paper" not in table
    assert "62.5" not in table


def test_synthetic_results_are_called_so() -> None:
    title = format_results(METRICS, "synthetic", 0).splitlines()[0]
    assert title == "Results on SYNTHETIC clips (not GTZAN)"


def test_test_clips_with_a_copy_in_train_are_named_beside_the_accuracies() -> None:
    assert "copy" not in format_results(METRICS, "gtzan", 0)
    assert "1 test clip has a copy in train" in format_results(METRICS, "gtzan", 1)
    assert "7 test clips have a copy in train" in format_results(METRICS, "gtzan", 7)
