"""Check that the committed dvc.lock is fresh, in a clone without data too: `make fresh`.

``dvc status`` calls every stage of a fresh clone changed, because its data are absent; ``dvc repro --dry
--allow-missing`` calls none so. This looks at what ``dvc status`` says of everything but absent data.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

ABSENT = ("deleted", "not in cache")  # what `dvc status` calls the data that a fresh clone does not have


def stale_entries(
    status: Mapping[str, Sequence[Any]], pipeline: Mapping[str, Any], lock: Mapping[str, Any]
) -> list[str]:
    """Return what is out of step, a line each; nothing if the lock is fresh.

    Args:
        status: what ``dvc status --json`` prints, by stage.
        pipeline: the content of ``dvc.yaml``.
        lock: the content of ``dvc.lock``.
    """
    in_cache = {out for stage in pipeline["stages"].values() for out in stage.get("outs", ()) if isinstance(out, str)}
    in_cache |= {str(folder) for out in in_cache for folder in PurePosixPath(out).parents}
    return [*_changed(status, in_cache), *_disagreeing(lock)]


def _changed(status: Mapping[str, Sequence[Any]], in_cache: set[str]) -> Iterator[str]:
    for stage, changes in status.items():
        for change in changes:
            if isinstance(change, str):  # "changed command"
                yield f"{stage}: {change}"
                continue
            for what in ("changed deps", "changed outs"):
                for path, state in change.get(what, {}).items():
                    if isinstance(state, Mapping):  # of parameters
                        yield from (f"{stage}: {key} in {path} is {how}" for key, how in state.items())
                    elif not (state in ABSENT and path in in_cache):
                        yield f"{stage}: {path} is {state}"


def _disagreeing(lock: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a stage was run on something else than what an earlier one made: a lock that was merged by hand."""
    made = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", ())}
    for name, stage in lock["stages"].items():
        for dep in stage.get("deps", ()):
            if made.get(dep["path"], dep["md5"]) != dep["md5"]:
                yield f"{name}: was run on another {dep['path']} than dvc.lock has of it"


def read_yaml(path: Path) -> Any:
    """Return the content of one of DVC's files."""
    if not path.is_file():
        sys.exit(f"error: {path} is not there. Run `dvc repro` to make dvc.lock, in the project's folder.")
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def main() -> None:
    """Print what is out of step, and end with status 1 if anything is."""
    lock = read_yaml(Path("dvc.lock"))
    status = subprocess.run(["dvc", "status", "--json"], capture_output=True, encoding="utf-8", check=False)  # noqa: S607
    if status.returncode:
        sys.exit(f"error: `dvc status` failed: {status.stderr.strip()}")
    stale = stale_entries(json.loads(status.stdout), read_yaml(Path("dvc.yaml")), lock)
    if stale:
        print("\n".join(stale))
        sys.exit("error: dvc.lock is stale. Run `dvc repro`, and commit dvc.lock with metrics/ and plots/.")
    print("dvc.lock is fresh.")


if __name__ == "__main__":
    main()
