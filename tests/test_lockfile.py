"""Whether dvc.lock is fresh, told from what `dvc status` says in a clone without data."""

import copy
from typing import Any

import pytest

from genres.lockfile import stale_entries

PIPELINE = {
    "stages": {
        "split": {"deps": ["data/mel.csv"], "outs": ["data/split.csv"]},
        "train": {
            "deps": ["data/split.csv", "src/a.py"],
            "outs": ["models/a", "models/b"],
            "metrics": [{"metrics/a.json": {"cache": False}}],
        },
    }
}
LOCK: dict[str, Any] = {
    "stages": {
        "split": {"deps": [{"path": "data/mel.csv", "md5": "1"}], "outs": [{"path": "data/split.csv", "md5": "2"}]},
        "train": {"deps": [{"path": "data/split.csv", "md5": "2"}, {"path": "src/a.py", "md5": "3"}]},
    }
}
FRESH_CLONE: dict[str, list[Any]] = {
    "split": [{"changed outs": {"data/split.csv": "not in cache"}}],
    "train": [{"changed deps": {"data/split.csv": "deleted"}}, {"changed outs": {"models/a": "not in cache"}}],
}


def test_absent_data_are_no_complaint() -> None:
    assert stale_entries(FRESH_CLONE, PIPELINE, LOCK) == []
    assert stale_entries({}, PIPELINE, LOCK) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"changed deps": {"src/a.py": "modified"}}, "train: src/a.py is modified"),
        ({"changed deps": {"src/a.py": "deleted"}}, "train: src/a.py is deleted"),
        ({"changed deps": {"src/new.py": "new"}}, "train: src/new.py is new"),
        ({"changed deps": {"params.yaml": {"seed": "modified"}}}, "train: seed in params.yaml is modified"),
        ({"changed outs": {"metrics/a.json": "modified"}}, "train: metrics/a.json is modified"),
        ({"changed outs": {"metrics/a.json": "deleted"}}, "train: metrics/a.json is deleted"),
        ({"changed outs": {"models/a": "modified"}}, "train: models/a is modified"),
        ("changed command", "train: changed command"),
    ],
)
def test_what_git_holds_and_does_not_fit_is_named(change: object, told: str) -> None:
    status = FRESH_CLONE | {"train": [*FRESH_CLONE["train"], change]}
    assert stale_entries(status, PIPELINE, LOCK) == [told]


def test_a_lock_merged_from_two_runs_is_noticed() -> None:
    lock = copy.deepcopy(LOCK)
    lock["stages"]["split"]["outs"][0]["md5"] = "other"
    assert stale_entries(FRESH_CLONE, PIPELINE, lock) == [
        "train: was run on another data/split.csv than dvc.lock has of it"
    ]
