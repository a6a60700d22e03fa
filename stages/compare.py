"""Compare the results of two revisions or experiments, as Markdown. No stage: it changes nothing."""

import argparse
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from common import run_stage

if TYPE_CHECKING:
    from genres.comparison import Run

WORKSPACE = "workspace"  # what DVC calls the files as they lie here, committed or not
SCORES, SPLIT, PARAMS = "metrics/evaluate.json", "metrics/split.json", "params.yaml"


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = f"a branch, tag, commit or experiment, or `{WORKSPACE}` for the files as they lie here"
    parser.add_argument("old", help=known)
    parser.add_argument("new", help=known)
    arguments = parser.parse_args()

    from genres.comparison import compare_runs

    print(compare_runs(read_run(arguments.old), read_run(arguments.new)))


def read_run(revision: str) -> "Run":
    """Read the scores, the leakage and the parameters that stand in a revision.

    Raises:
        InputError: there is no such revision, or it has no results.
    """
    import json

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from genres.comparison import Run
    from genres.errors import InputError
    from genres.results import are_scores, is_count

    commit = None if revision == WORKSPACE else find_commit(revision)
    try:
        scores, params = json.loads(read_file(commit, SCORES)), YAML(typ="safe").load(read_file(commit, PARAMS))
    except FileNotFoundError as error:
        raise InputError(
            f"{revision!r} has no {error.filename}, so there is nothing to compare. Run `dvc repro` there and commit "
            "what it writes, or name another revision."
        ) from None
    except (ValueError, YAMLError) as error:
        raise InputError(f"{SCORES} or {PARAMS} of {revision!r} cannot be read: {error}") from None
    if not isinstance(params, Mapping) or not are_scores(scores, intervals=False):
        raise InputError(f"{SCORES} or {PARAMS} of {revision!r} is not what `evaluate` writes and reads.")
    try:
        split = json.loads(read_file(commit, SPLIT))
    except FileNotFoundError:  # an older revision
        return Run(revision, scores, params)
    except ValueError as error:
        raise InputError(f"{SPLIT} of {revision!r} cannot be read: {error}") from None
    if not isinstance(split, Mapping) or not is_count(split.get("leaked")):
        raise InputError(f"{SPLIT} of {revision!r} is not what `split` writes.")
    return Run(revision, scores, params, split["leaked"])


def find_commit(revision: str) -> str:
    """Return the commit of a branch, tag, commit or DVC experiment."""
    from genres.errors import InputError

    # DVC keeps an experiment under refs/exps/<two digits of its base>/<rest of its base>/<name>.
    experiments = git("for-each-ref", "--sort=-creatordate", "--format=%(refname)", "refs/exps/").stdout.split()
    named = [name for name in experiments if name.split("/")[4:] == [revision]]
    for name in (revision, *named, f"refs/remotes/origin/{revision}"):
        found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").stdout.strip()
        if found:
            return found
    raise InputError(
        f"There is no revision or experiment {revision!r} here. `git branch --all`, `git tag` and `dvc exp list "
        "--all-commits` list what there is; name two with `make compare A=... B=...`."
    )


def read_file(commit: str | None, path: str) -> str:
    """Return a file's text as it lies here, or in a commit."""
    if commit is None:
        return Path(path).read_text(encoding="utf-8")
    shown = git("show", f"{commit}:./{path}")
    if shown.returncode:
        raise FileNotFoundError(2, "not in the commit", path)
    return shown.stdout


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git, whatever comes of it."""
    return subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", check=False)  # noqa: S603, S607


if __name__ == "__main__":
    run_stage(main)
