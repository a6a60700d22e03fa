"""What DVC itself shows of the results, and whether the lock is fresh, in clones of the project."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import ROOT, environment, write_params

pytestmark = pytest.mark.slow

NETWORKS = ("linear", "simple", "complex")


def run(folder: Path, *command: str, status: int = 0) -> str:
    """Run git, dvc or make's commands with nothing of the machine's settings, and return what was printed."""
    isolated = environment(
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
        DVC_NO_ANALYTICS="1",
        DVC_SITE_CACHE_DIR=str(folder.parent / "site_cache"),
    )
    result = subprocess.run(command, cwd=folder, env=isolated, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout


def make(folder: Path, target: str, *variables: str) -> str:
    """Run a make target that uses the environment of this test in place of the project's own."""
    (folder / ".venv").mkdir(exist_ok=True)
    (folder / ".venv/installed").touch()
    return run(folder, "make", "--silent", f"BIN={Path(sys.executable).parent}", target, *variables)


def commit(folder: Path) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "state")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the working tree with a committed run, and an experiment called "other" that differs from it."""
    folder = tmp_path_factory.mktemp("views") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for path in filter(None, listed.stdout.split("\0")):
        if (ROOT / path).is_file() and not path.startswith(("metrics/", "plots/")) and path != "dvc.lock":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    write_params(folder, {})
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    for name, value in (("user.name", "A Tester"), ("user.email", "tester@example.com")):
        run(folder, "git", "config", name, value)
    commit(folder)
    run(folder, "dvc", "repro")
    commit(folder)
    run(folder, "dvc", "exp", "run", "--name", "other", "-S", "svm.C=0.001", "-S", "simple.dropout=0.5")
    run(folder, "git", "checkout", "--quiet", ".")
    run(folder, "dvc", "checkout")
    return folder


def shown(folder: Path, *command: str) -> dict[str, Any]:
    """Return what DVC draws, as {name: the Vega specification or None for a picture}."""
    drawn = json.loads(run(folder, "dvc", "plots", *command, "--json"))["data"]
    specifications = {}
    for name, plots in drawn.items():
        assert len({plot["type"] for plot in plots}) == 1
        specifications[name] = plots[0].get("content")
    return {name: json.loads(text) if isinstance(text, str) else text for name, text in specifications.items()}


@pytest.mark.parametrize(
    ("command", "revisions"), [(("show",), {"workspace"}), (("diff", "HEAD", "other"), {"HEAD", "other"})]
)
def test_the_three_networks_lie_over_each_other_and_nothing_is_drawn_twice(
    project: Path, command: tuple[str, ...], revisions: set[str]
) -> None:
    drawn = shown(project, *command)
    curves = [f"{subset} {what}" for subset in ("test", "train") for what in ("loss", "accuracy")]
    confusions = [f"plots/confusion/{model}.csv" for model in (*NETWORKS, "svm")]
    assert {name for name in drawn if not name.endswith(".png")} == {*curves, *confusions}
    for name in curves:
        values = drawn[name]["data"]["values"]
        lines = {(value["rev"], value["filename"].split("/")[-5]) for value in values}
        assert lines == {(rev, f"train_{network}") for rev in revisions for network in NETWORKS}
        assert len(values) == 2 * len(lines)  # epochs
    for name in confusions:
        assert drawn[name]["title"]["text"] == Path(name).stem
        row_sum = {"joinaggregate": [{"op": "sum", "field": "xy_count", "as": "sum_y"}], "groupby": ["actual"]}
        assert row_sum in drawn[name]["spec"]["transform"]  # shares of a genre's clips, not of what was taken for it


def test_going_back_computes_nothing(project: Path) -> None:
    assert "Running stage" not in run(project, "dvc", "repro")


def test_experiments_have_the_accuracies_and_what_differs(project: Path) -> None:
    table = make(project, "experiments")
    heads = [cell.strip() for cell in table.splitlines()[0].strip("|").split("|")]
    accuracies = {f"{model}.accuracy" for model in (*NETWORKS, "svm")}
    assert heads[0] == "Experiment"
    assert accuracies <= set(heads)
    assert set(heads) - accuracies == {"Experiment", "simple.dropout", "svm.C"}
    assert "[other]" in table


def test_metrics_and_parameters_that_differ_are_few(project: Path) -> None:
    assert {line.split()[1] for line in run(project, "dvc", "params", "diff", "HEAD", "other").splitlines()[1:]} == {
        "simple.dropout",
        "svm.C",
    }
    changed = json.loads(run(project, "dvc", "metrics", "diff", "HEAD", "other", "--json"))
    assert "metrics/train_simple/metrics.json" in changed
    assert not {"metrics/train_linear/metrics.json", "metrics/train_complex/metrics.json"} & set(changed)


def test_an_experiment_is_compared(project: Path) -> None:
    text = make(project, "compare", "A=main", "B=other")
    assert "\n- `main`: SYNTHETIC clips (not GTZAN)\n- `other`: SYNTHETIC clips (not GTZAN)\n" in text
    assert "| `svm.C` | `1.0` | `0.001` |" in text


def check_lock(folder: Path, status: int) -> str:
    return run(folder, sys.executable, "stages/check_lock.py", status=status)


@pytest.fixture
def fresh_clone(project: Path, tmp_path: Path) -> Path:
    """A clone without any data."""
    run(tmp_path, "git", "clone", "--quiet", str(project), "clone")
    return tmp_path / "clone"


def test_the_lock_of_a_fresh_clone_is_fresh(project: Path, fresh_clone: Path) -> None:
    assert "dvc.lock is fresh" in check_lock(fresh_clone, 0)
    assert "dvc.lock is fresh" in check_lock(project, 0)  # and where the data are


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("src/genres/splits.py", '"""', '""" ', "split: src/genres/splits.py is modified"),
        ("src/genres/report.html.jinja", "Results", "Outcome", "evaluate: src/genres/report.html.jinja is modified"),
        ("params.yaml", "seed: 0", "seed: 1", "split: seed in params.yaml is modified"),
        ("dvc.yaml", "cmd: python stages/split.py", "cmd: python -O stages/split.py", "split: changed command"),
        ("metrics/evaluate.json", "0.", "0.1", "evaluate: metrics/evaluate.json is modified"),
    ],
)
def test_a_change_that_was_not_reproduced_makes_the_lock_stale(
    fresh_clone: Path, file: str, old: str, new: str, told: str
) -> None:
    path = fresh_clone / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert told in check_lock(fresh_clone, 1).splitlines()


def test_no_lock_is_not_fresh(fresh_clone: Path) -> None:
    (fresh_clone / "dvc.lock").unlink()
    check_lock(fresh_clone, 1)
