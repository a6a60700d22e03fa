"""The commit that is checked out, and whether what runs is as in it."""

import re
import subprocess
from pathlib import Path

import pytest

from genres import revision
from genres.revision import commit


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that takes the place of the one that runs."""
    for file in ("src/genres/revision.py", "dvc.yaml", "params.yaml", "README.md"):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(revision, "__file__", str(tmp_path / "src/genres/revision.py"))
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *names, *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "counts"),
    [("dvc.yaml", True), ("params.yaml", True), ("src/genres/new.py", True), ("README.md", False), ("new.txt", False)],
)
def test_the_commit_is_git_s_and_changes_to_what_runs_are_told(checkout: Path, file: str, counts: bool) -> None:
    assert re.fullmatch("commit [0-9a-f]{12}", clean := commit())
    (checkout / file).write_text("new", encoding="utf-8")
    assert commit() == clean + (", with changes to code, pipeline or parameters" if counts else "")


def test_without_a_repository_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revision, "__file__", str(tmp_path / "src/genres/revision.py"))
    (tmp_path / "src").mkdir()
    assert commit() == "unknown (no git repository)"
