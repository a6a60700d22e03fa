"""What DVC and make show of the results, in clones of the project."""

import json
import shutil
from typing import Any

import pytest
from project import MODELS, NETWORKS, Clone, FirstRun, read_table

pytestmark = pytest.mark.slow

ACCURACIES = {f"{model}.accuracy" for model in MODELS}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, first_run: FirstRun) -> Clone:
    """A clone with a committed run, and an experiment called "other" that differs from it."""
    folder = tmp_path_factory.mktemp("views") / "project"
    shutil.copytree(first_run.clone.folder, folder, symlinks=True)
    clone = Clone(folder)
    clone.run("dvc", "exp", "run", "--name", "other", "-S", "svm.C=0.001", "-S", "simple.dropout=0.5")
    clone.run("git", "checkout", "--quiet", ".")
    clone.run("dvc", "checkout")
    return clone


def shown(project: Clone, *command: str) -> dict[str, Any]:
    """Return what DVC draws, as {name: the Vega specification or None for a picture}."""
    output = project.run("dvc", "plots", *command, "--json")
    assert "ERROR" not in output
    assert "WARNING" not in output
    drawn = json.loads(output[output.index('{"') :])["data"]
    specifications = {}
    for name, plots in drawn.items():
        assert len({plot["type"] for plot in plots}) == 1
        specifications[name] = plots[0].get("content")
    return {name: json.loads(text) if isinstance(text, str) else text for name, text in specifications.items()}


@pytest.mark.parametrize(
    ("command", "revisions"), [(("show",), {"workspace"}), (("diff", "HEAD", "other"), {"HEAD", "other"})]
)
def test_the_three_networks_lie_over_each_other_and_nothing_is_drawn_twice(
    project: Clone, command: tuple[str, ...], revisions: set[str]
) -> None:
    drawn = shown(project, *command)
    curves = [f"{subset} {what}" for subset in ("test", "train") for what in ("loss", "accuracy")]
    confusions = [f"plots/confusion/{model}.csv" for model in MODELS]
    tables = [f"plots/{name}.csv" for name in ("comparisons", "convergence", "per_genre")]
    assert {name for name in drawn if not name.endswith(".png")} == {*curves, *confusions, *tables}
    for name in curves:
        values = drawn[name]["data"]["values"]
        lines = {(value["rev"], value["filename"].split("/")[-5]) for value in values}
        assert lines == {(rev, f"train_{network}") for rev in revisions for network in NETWORKS}
        assert len(values) == 2 * len(lines)  # epochs
    for name in confusions:
        row_sum = {"joinaggregate": [{"op": "sum", "field": "xy_count", "as": "sum_y"}], "groupby": ["actual"]}
        assert row_sum in drawn[name]["spec"]["transform"]  # shares of a genre's clips, not of what was predicted


def test_the_metrics_are_what_one_compares(project: Clone) -> None:
    columns = json.loads(project.run("dvc", "metrics", "show", "--json"))[""]["data"]
    assert set(columns) == {"metrics/evaluate.json", "metrics/split.json"}
    # DVC does not show the calibration error that the SVM has not.
    scores = columns["metrics/evaluate.json"]["data"]
    assert {model: len(of_model) for model, of_model in scores.items()} == {**dict.fromkeys(MODELS, 5), "svm": 4}


def test_a_study_has_a_row_for_each_setting_of_the_svm_and_no_other_experiment(project: Clone) -> None:
    for values in ("0.01,1", "1"):  # the last is a repeat
        project.run("dvc", "exp", "run", "--queue", "-S", f"svm.C={values}", "-S", "svm.kernel=rbf", "train_svm")
    project.run("dvc", "exp", "run", "--run-all")
    project.run("python", "pipelines/svm_study.py")
    rows = read_table(project.folder / "pipelines/svm_study.csv")
    assert [(row["kernel"], row["C"], row["height"], row["width"]) for row in rows] == [
        ("rbf", "0.01", "64", "100"),
        ("rbf", "1.0", "64", "100"),
    ]
    project.run("dvc", "exp", "run", "-S", "svm.kernel=rbf")
    scores = json.loads((project.folder / "metrics/evaluate.json").read_bytes())
    assert float(rows[1]["test_accuracy"]) == scores["svm"]["accuracy"]
    assert '<section id="svm-study"' in (project.folder / "plots/report.html").read_text(encoding="utf-8")
    project.run("git", "checkout", "--quiet", ".")
    project.run("dvc", "checkout")


def test_experiments_have_the_scores_and_the_parameters_that_differ(project: Clone) -> None:
    table = project.make("experiments")
    heads = [cell.strip() for cell in table.splitlines()[0].strip("|").split("|")]
    changed = {head for head in heads if head.partition(".")[0] in MODELS}
    assert heads[0] == "Experiment"
    assert {"simple.accuracy", "svm.accuracy", "simple.dropout", "svm.C"} <= changed
    # The commit before the first run has no results, so the sizes of the split differ too.
    assert set(heads) - changed == {"Experiment", "leaked", "test", "train"}
    assert "[other]" in table


def rows(table: str) -> list[list[str]]:
    """Return the cells of a Markdown table, without the rule under its head."""
    head, _, *rest = table.strip().splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in (head, *rest)]


def test_compare_shows_the_few_metrics_and_parameters_that_differ(project: Clone) -> None:
    metrics, params = project.make("compare", "A=main", "B=other").split("### Parameters that differ\n")
    head, *differing = rows(metrics.removeprefix("### Metrics that differ\n"))
    assert head == ["Path", "Metric", "main", "other", "Change"]
    assert {name.partition(".")[0] for _, name, *_ in differing} <= {"simple", "svm"}
    head, *differing = rows(params)
    assert head == ["Path", "Param", "main", "other"]
    assert {name for _, name, *_ in differing} == {"simple.dropout", "svm.C"}
    assert ["params.yaml", "svm.C", "1.0", "0.001"] in differing


# The last, as the experiments of this study have other parameters than those above expect.
def test_a_study_of_the_cnn_has_its_settings_and_is_shown_where_the_complex_cnn_is_among_them(project: Clone) -> None:
    refused = project.run("python", "pipelines/cnn_study.py", succeeds=False)
    assert refused.startswith("error: there is no experiment with the setting 'channels=8 hidden=128' that")
    small = ["-S", "complex.channels=8", "-S", "complex.hidden=128"]
    for changes in ([], small, ["-S", "complex.crop=50"], ["-S", "svm.C=3"]):  # the last is no part of it
        project.run("dvc", "exp", "run", "--queue", "-S", "train.epochs=150", *changes, "train_complex")
    project.run("dvc", "exp", "run", "--run-all")
    project.run("python", "pipelines/cnn_study.py")
    rows = read_table(project.folder / "pipelines/cnn_study.csv")
    assert [row["setting"] for row in rows] == ["channels=8 hidden=128", "crop=50", "paper"]
    assert [row["parameters"] for row in rows] == ["15610", "42730", "59114"]
    assert len(read_table(project.folder / "pipelines/cnn_study_curves.csv")) == 3 * 150
    project.run("dvc", "repro")
    assert "cnn-study" not in (project.folder / "plots/report.html").read_text(encoding="utf-8")
    project.run("dvc", "exp", "run", "-S", "train.epochs=150")
    assert '<section id="cnn-study"' in (project.folder / "plots/report.html").read_text(encoding="utf-8")
    project.run("git", "checkout", "--quiet", ".")
    project.run("dvc", "checkout")
