"""What DVC reruns after a change, and no more, in clones of the working tree."""

import json
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from project import MODELS, NETWORKS, ROOT, STAGES, Clone, FirstRun, environment, stages_in, write_params

TRAIN_NETWORKS = [f"train_{network}" for network in NETWORKS]
TRAIN = [f"train_{model}" for model in MODELS]
SHOW = ["evaluate", "report"]


def are_results(paths: Collection[str]) -> bool:
    return all(path in ("dvc.lock", "params.yaml") or path.startswith(("metrics/", "plots/")) for path in paths)


def append(clone: Clone, path: str, text: str) -> None:
    with (clone.folder / path).open("a", encoding="utf-8") as file:
        file.write(text)


def test_the_first_run_runs_every_stage_and_touches_nothing_but_results(first_run: FirstRun) -> None:
    clone, output = first_run
    assert stages_in(output) == sorted(STAGES)
    assert "Warning" not in output
    committed = set(clone.run("git", "show", "--format=", "--name-only", "HEAD").split())
    assert are_results(committed)
    expected = {"dvc.lock", "metrics/evaluate.json", "plots/confusion/svm.csv", "plots/figures/accuracy.png"}
    assert expected <= committed
    assert (clone.folder / "dvc.yaml").read_bytes() == (ROOT / "dvc.yaml").read_bytes()


def test_the_accuracies_are_those_of_the_last_epoch(first_run: FirstRun) -> None:
    metrics = first_run.clone.folder / "metrics"
    evaluated = json.loads((metrics / "evaluate.json").read_bytes())
    for network in NETWORKS:
        trained = json.loads((metrics / f"train_{network}" / "metrics.json").read_bytes())
        assert trained["step"] == 2
        assert evaluated[network]["accuracy"] == trained["test"]["accuracy"]


def test_nothing_runs_when_nothing_has_changed(clone: Clone) -> None:
    assert clone.stages_run("repro") == []
    assert clone.stages_run("exp", "run") == []
    assert clone.changed() == set()


@pytest.mark.slow
def test_another_seed_reruns_split_and_training_and_going_back_runs_nothing(clone: Clone) -> None:
    assert clone.stages_run("exp", "run", "-S", "seed=3") == sorted(["split", *TRAIN, *SHOW])
    changed = clone.changed()
    assert are_results(changed)
    assert {"params.yaml", "dvc.lock", "metrics/evaluate.json"} <= changed

    rows = clone.run("dvc", "metrics", "diff").splitlines()[1:]
    assert 0 < len(rows) <= 6 * len(MODELS)  # a screen

    assert clone.stages_run("exp", "run", "-S", "seed=0") == []
    assert clone.changed() == set()


# Of two stages, as `test_declarations.py` shows of each what it reads, and the rest is DVC's.
CHANGES = [
    ("simple.dropout=0.5", ["train_simple", *SHOW]),
    ("featurize.n_mels=64", ["featurize", "resize", "scatter", *TRAIN, *SHOW]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("change", "stages"), CHANGES)
def test_another_parameter_reruns_what_reads_it_and_what_follows(clone: Clone, change: str, stages: list[str]) -> None:
    assert clone.stages_run("exp", "run", "-S", change) == sorted(stages)
    assert are_results(clone.changed())


COMMENTS = [
    ("src/genres/models/networks/training.py", "\n# A comment.\n", TRAIN_NETWORKS),
    ("src/genres/report/page.html.jinja", "<!-- A comment. -->\n", ["report"]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "comment", "stages"), COMMENTS)
def test_a_comment_reruns_the_stages_of_its_room_and_nothing_behind_them(
    clone: Clone, path: str, comment: str, stages: list[str]
) -> None:
    append(clone, path, comment)
    assert clone.stages_run("repro") == sorted(stages)
    # The same bytes came out.
    assert clone.changed() == {"dvc.lock", path}


def test_a_comment_in_a_test_the_schema_or_the_command_line_reruns_nothing(clone: Clone) -> None:
    for path in ("tests/project.py", "src/genres/schema.py", "src/genres/__main__.py", "src/genres/models/saved.py"):
        append(clone, path, "\n# A comment.\n")
    append(clone, "README.md", "A comment.\n")
    assert clone.stages_run("repro") == []


def decoy(folder: Path) -> str:
    """Return a folder with another package `genres`, as an editable install of another checkout would have it."""
    package = folder / "decoy/genres/__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("raise SystemExit('the decoy was imported')")
    path = str(folder / "decoy")
    command = [sys.executable, "-c", "import genres"]
    result = subprocess.run(command, env=environment(PYTHONPATH=path), capture_output=True, text=True, check=False)
    assert "the decoy was imported" in result.stderr
    return path


@pytest.mark.parametrize("targets", [["split"], pytest.param([], marks=pytest.mark.slow)])
def test_an_experiment_in_a_temporary_checkout_imports_its_own_code(
    clone: Clone, tmp_path: Path, targets: list[str]
) -> None:
    """`dvc exp run --temp`, for one stage and for all; the workspace is not touched by it."""
    methods = clone.folder / "src/genres/splits/methods.py"
    append(clone, "src/genres/splits/methods.py", "print('imported from', __file__)\n")
    clone.commit()
    output = clone.run("dvc", "exp", "run", "--temp", "-S", "seed=3", *targets, PYTHONPATH=decoy(tmp_path))
    assert stages_in(output) == sorted(targets or ["split", *TRAIN, *SHOW])
    files = re.findall(r"imported from (.*)", output)
    assert len(files) == 1
    assert Path(files[0]).resolve().is_relative_to((clone.folder / ".dvc/tmp/exps").resolve())
    assert not files[0].startswith(str(methods))
    assert clone.changed() == set()


def test_a_stage_that_fails_stops_the_pipeline_and_leaves_no_output(clone: Clone) -> None:
    write_params(clone.folder, {"split.test_size": 59})
    output = clone.run("dvc", "repro", succeeds=False)
    assert stages_in(output) == ["split"]
    assert len(re.findall("^error: .*test_size", output, re.MULTILINE)) == 1
    assert "Traceback" not in output
    assert not (clone.folder / "data/split.csv").exists()


def test_the_results_are_printed_after_a_run(first_run: FirstRun) -> None:
    printed = first_run.clone.run(sys.executable, "-m", "genres", "results", PYTHONPATH=str(ROOT / "src"))
    assert "SYNTHETIC" in printed
    assert "plots/report.html" in printed
    assert "plots/figures" in printed
