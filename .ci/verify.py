"""Reproduce the committed results in a temporary clone, and say in Markdown which came out the same: `make verify`.

Beside a metric that differs stands how much it varies between runs with other seeds, where `make study` measured that.
The exit status is 0 if everything has the committed bytes, 3 if something has others but every metric that DVC compares
is the same, and 1 if a metric differs. Changes that are not committed are not part of it.

No cache can hide a stale result: the clone has its own, which is empty, and ``--force`` runs every stage whatever
dvc.lock says.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]


def run(folder: Path, *command: str) -> str:
    """Run git or dvc in ``folder``, and return what it prints; its messages are shown."""
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603


def read_checksums(folder: Path) -> dict[str, dict[str, str]]:
    """Return the checksum of each output in dvc.lock, by stage and path."""
    stages = YAML(typ="safe").load(folder / "dvc.lock")["stages"]
    return {name: {output["path"]: output["md5"] for output in stage["outs"]} for name, stage in stages.items()}


def read_deviations(folder: Path, committed: dict[str, dict[str, str]]) -> dict[tuple[str, str], float]:
    """Return how much each score varies between runs of the study, as a standard deviation, by its file and name.

    There is none where the study is of other data than those whose checksums are ``committed``.
    """
    path, lock = folder / "metrics/study.json", folder / "pipelines/study/dvc.lock"
    if not (path.exists() and lock.exists()):
        return {}
    study = json.loads(path.read_text(encoding="utf-8"))
    made = {file: checksum for outputs in committed.values() for file, checksum in outputs.items()}
    read = YAML(typ="safe").load(lock)["stages"]["train_study"]["deps"]
    if study["splits"] < 2 or any(made.get(file["path"], file["md5"]) != file["md5"] for file in read):
        return {}
    return {
        ("metrics/evaluate.json", f"{model}.{score}"): spread["standard_deviation"]
        for model, found in study["models"].items()
        for score, spread in found.items()
        if isinstance(spread, dict) and "standard_deviation" in spread
    }


def print_table(*rows: tuple[Any, ...]) -> None:
    """Print a Markdown table; the first row is its head."""
    for row in (rows[0], ["---"] * len(rows[0]), *rows[1:]):
        print("|", " | ".join(map(str, row)), "|")


def main() -> int:
    """Print a table of the stages, one of the numbers that differ, and a conclusion."""
    with tempfile.TemporaryDirectory() as temporary:
        clone = Path(temporary) / "clone"
        run(ROOT, "git", "clone", "--quiet", str(ROOT), str(clone))
        commit = run(clone, "git", "describe", "--always").strip()
        committed = read_checksums(clone)
        subprocess.run(["dvc", "repro", "--force"], cwd=clone, stdout=sys.stderr, check=True)  # noqa: S607
        reproduced = read_checksums(clone)
        # Files in git may differ from what dvc.lock says of them, too.
        edited = run(clone, "git", "diff", "--name-only").splitlines()
        differences = json.loads(run(clone, "dvc", "metrics", "diff", "--json"))
        deviations = read_deviations(clone, committed)

    rows, n_changed = [], 0
    for stage, outputs in reproduced.items():
        before = committed.get(stage, {})
        changed = [
            path
            for path in outputs
            if outputs[path] != before.get(path) or any(Path(file).is_relative_to(path) for file in edited)
        ]
        n_changed += len(changed)
        rows.append((stage, len(outputs) - len(changed), ", ".join(changed)))
    print(f"### Commit {commit}, reproduced\n")
    print_table(("stage", "outputs with the committed bytes", "with others"), *rows)
    numbers = [(file, name, value) for file, values in differences.items() for name, value in values.items()]
    if numbers:
        print()
        differing = [
            (file, name, value.get("old"), value.get("new"), value.get("diff"), deviations.get((file, name), ""))
            for file, name, value in numbers
        ]
        head = ("metrics file", "metric", "committed", "reproduced", "difference", "standard deviation between runs")
        print_table(head, *differing)
        if deviations:
            print(
                "\nThe last column says how much a score varies between the runs of `make study`. A difference far "
                "below it changes no conclusion."
            )
        print("\nThese metrics are not those of the commit. Run `dvc repro`, and commit what it makes.")
        return 1
    if n_changed:
        print("\nEvery metric is that of the commit, but not every byte is.")
        return 3
    if edited:
        print("\nEvery output has the bytes of the commit, but dvc.lock is stale. Run `dvc repro`, and commit it.")
        return 3
    print("\nEvery output has the bytes of the commit.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
