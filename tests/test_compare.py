"""The script that compares two revisions or experiments, in repositories of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import ROOT, environment, write_params


def run(folder: Path, *command: str, status: int = 0) -> str:
    isolated = environment(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    result = subprocess.run(command, cwd=folder, env=isolated, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


def compare(folder: Path, old: str, new: str, status: int = 0) -> str:
    return run(folder, sys.executable, str(ROOT / "stages" / "compare.py"), old, new, status=status)


def write_run(folder: Path, accuracy: float, seed: int) -> None:
    scores = {"accuracy": accuracy, "accuracy_low": 0.1, "accuracy_high": 0.9, "macro_f1": accuracy, "recall": {}}
    (folder / "metrics").mkdir(exist_ok=True)
    (folder / "metrics/evaluate.json").write_text(json.dumps({"svm": scores}))
    write_params(folder, {"seed": seed})


def commit(folder: Path) -> None:
    run(folder, "git", "add", "--all")
    run(folder, "git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "--message", "state")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository without results, then with some, then with others that are not committed."""
    run(tmp_path, "git", "init", "--quiet", "--initial-branch=main")
    (tmp_path / "README.md").touch()
    commit(tmp_path)
    write_run(tmp_path, 0.5, seed=0)
    commit(tmp_path)
    write_run(tmp_path, 0.6, seed=3)
    return tmp_path


def test_a_branch_is_compared_with_the_files_as_they_lie_here(project: Path) -> None:
    text = compare(project, "main", "workspace").replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith("### Results: `main` → `workspace`")
    assert "| SVM | 50.0 % → 60.0 % | +10.0 |" in text
    assert "| `seed` | `0` | `3` |" in text


def test_an_experiment_is_found_by_its_name(project: Path) -> None:
    commit(project)
    head = run(project, "git", "rev-parse", "HEAD").strip()
    run(project, "git", "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/puffy-dog", head)
    run(project, "git", "reset", "--quiet", "--hard", "HEAD~1")
    assert "| `seed` | `0` | `3` |" in compare(project, "HEAD", "puffy-dog")


@pytest.mark.parametrize("name", ["nope", "exps", "HEAD:params.yaml", ""])
def test_an_unknown_revision_is_one_clear_error(project: Path, name: str) -> None:
    message = compare(project, "main", name, status=1)
    assert message.startswith("error: There is no revision or experiment")
    assert message.count("\n") == 1


def test_a_revision_without_results_is_one_clear_error(project: Path) -> None:
    assert "'HEAD~1' has no metrics/evaluate.json" in compare(project, "HEAD~1", "main", status=1)
    (project / "metrics/evaluate.json").unlink()
    assert "'workspace' has no metrics/evaluate.json" in compare(project, "main", "workspace", status=1)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"svm": 1}',
        '{"svm": {"accuracy": 1}}',
        '{"svm": {"accuracy": 1, "macro_f1": "1", "recall": {}}}',
        '{"svm": {"accuracy": 1, "macro_f1": 1, "recall": {"blues": "1"}}}',
        '{"svm": {"accuracy": 1, "macro_f1": 1, "recall": {}, "accuracy_low": 1}}',
    ],
)
def test_results_that_are_none_are_one_clear_error(project: Path, content: str) -> None:
    (project / "metrics/evaluate.json").write_text(content)
    message = compare(project, "main", "workspace", status=1)
    assert message.startswith("error: metrics/evaluate.json")
    assert "'workspace'" in message


def test_leakage_is_told_of_the_side_that_has_it(project: Path) -> None:
    (project / "metrics/split.json").write_text('{"leaked": 2}')
    lines = compare(project, "main", "workspace").splitlines()  # main is older and has no such file
    assert lines[2:4] == [
        "- `main`: SYNTHETIC clips (not GTZAN)",
        "- `workspace`: SYNTHETIC clips (not GTZAN); 2 test clips have a copy in train: accuracies are too high",
    ]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"leaked": true}', '{"leaked": "2"}', '{"leaked": -1}'])
def test_a_leakage_that_is_none_is_one_clear_error(project: Path, content: str) -> None:
    (project / "metrics/split.json").write_text(content)
    message = compare(project, "main", "workspace", status=1)
    assert message.startswith("error: metrics/split.json of 'workspace'")
    assert message.count("\n") == 1


def test_a_branch_that_only_the_origin_has_is_found(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    commit(project)
    clone = tmp_path_factory.mktemp("cloned") / "clone"
    run(project, "git", "clone", "--quiet", ".", str(clone))
    run(clone, "git", "checkout", "--quiet", "-b", "mine", "HEAD~1")
    run(clone, "git", "branch", "--quiet", "-D", "main")
    text = compare(clone, "main", "workspace")
    assert text.startswith("### Results: `main` → `workspace`")
    assert "| `seed` | `3` | `0` |" in text
    for name in ("nope", ""):
        assert "There is no revision or experiment" in compare(clone, name, "workspace", status=1)
