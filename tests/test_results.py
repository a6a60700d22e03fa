"""The table of results, as people read it."""

import pytest

from genres.results import format_results

METRICS = {
    "linear": {"accuracy": 0.4251, "macro_f1": 0.4},
    "simple": {"accuracy": 0.5, "macro_f1": 0.512},
    "complex": {"accuracy": 1.0, "macro_f1": 1.0},
}


def test_each_network_has_a_line_with_its_scores() -> None:
    lines = [line.split() for line in format_results(METRICS, "synthetic", 0).splitlines()]
    assert lines[2:] == [
        ["network", "test", "accuracy", "macro", "F1"],
        ["Linear", "42.5%", "0.400"],
        ["Simple", "CNN", "50.0%", "0.512"],
        ["Complex", "CNN", "100.0%", "1.000"],
    ]


def test_the_papers_figures_stand_beside_gtzan() -> None:
    lines = [line.split() for line in format_results(METRICS, "gtzan", 0).splitlines()]
    assert lines[0] == ["Results", "on", "GTZAN"]
    assert [line[-1] for line in lines[2:]] == ["paper", "50.5%", "54.5%", "62.5%"]


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
