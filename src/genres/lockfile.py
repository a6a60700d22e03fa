"""Whether ``dvc.lock`` belongs to the code, the parameters and the results beside it, though the data be absent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
