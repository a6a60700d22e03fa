"""The DVC experiments of the present commit: found by their parameters, or read as runs of the whole pipeline."""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import dvc.api
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

COMMITTED = "HEAD"  # as the name of a run: that of the commit itself
SUCCESS = "success"


class Run(NamedTuple):
    """A run of the pipeline: its parameters, and the contents of ``evaluate.json`` and ``split.json``."""

    name: str
    params: Mapping[str, Any]  # those that its stages used, by name, such as "train.epochs"
    scores: Mapping[str, Mapping[str, float | None]]
    n_clips: Mapping[str, int]  # in each subset
    code: str  # a checksum of the code that its stages ran


def list_experiments() -> tuple[dict[str, str], Counter[str]]:
    """Return the revision of each successful experiment by its name, and how many are in each state.

    The states are "success", "failed", "queued" and "running". What `exp_show` gives beside them is not used: numbers
    are floats, the rest is text, a null is left out or "None", and an experiment that runs has the commit's metrics.
    """
    found, states = {}, Counter[str]()
    for experiment in dvc.api.exp_show():
        if name := experiment["Experiment"]:
            state = (experiment["State"] or SUCCESS).lower()
            states[state] += 1
            if state == SUCCESS:
                found[name] = experiment["rev"]
    return found, states


def find_experiments(studied: Sequence[str]) -> Mapping[tuple[Any, ...], str]:
    """Return the name of the experiment with each setting, a tuple of the values of the ``studied`` parameters.

    A parameter is named "<group>.<parameter>". DVC keeps experiments in any order, and others beside them: those count
    that differ from the working files in the studied parameters alone, and each setting once.
    """
    found = {}
    here = dvc.api.params_show("params.yaml")
    _take(here, studied)
    for name in list_experiments()[0]:
        params = dvc.api.params_show("params.yaml", rev=name)
        setting = _take(params, studied)
        if params == here:
            found[setting] = name
    return found


def _take(params: dict[str, Any], studied: Sequence[str]) -> tuple[Any, ...]:
    """Take the values of the ``studied`` parameters out of all ``params``."""
    return tuple(params[group].pop(key) for group, key in (name.split(".") for name in studied))


def read_run(name: str, revision: str) -> Run | None:
    """Read an experiment as a run of the pipeline, or return None if its metrics are not those of its parameters."""
    files = dvc.api.DVCFileSystem(rev=revision)
    yaml = YAML(typ="safe")
    try:
        params = yaml.load(files.cat("params.yaml"))
        stages = yaml.load(files.cat("dvc.lock"))["stages"]
        scores, n_clips = (json.loads(files.cat(f"metrics/{metric}.json")) for metric in ("evaluate", "split"))
    except FileNotFoundError:
        return None
    if not is_current("evaluate", stages, params):
        return None
    scoring = [entry for stage, entry in stages.items() if stage != "report"]
    read = {dep["path"]: dep["md5"] for entry in scoring for dep in entry["deps"]}
    code = sorted((path, md5) for path, md5 in read.items() if path.startswith(("src/", "stages/")))
    used = {name: value for entry in scoring for name, value in flatten(_used(entry)).items()}
    return Run(name, used, scores, n_clips, hashlib.sha256(repr(code).encode()).hexdigest()[:7])


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested parameters under names such as "train.epochs"."""
    flat: dict[str, Any] = {}
    for name, value in params.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _used(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters with which a stage of a ``dvc.lock`` ran, as it names them: groups or "train.epochs"."""
    used: Mapping[str, Any] = stage.get("params", {}).get("params.yaml", {})
    return used


def is_current(stage: str, stages: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Return whether a stage, and each one before it, last ran with ``params`` and on what the one before it wrote.

    ``stages`` are those of a ``dvc.lock``. An experiment that runs one stage alone, as those of `make svm-study` do,
    keeps what the others had written before, with other parameters.
    """
    if stage not in stages:
        return False
    if any(_value(params, name) != value for name, value in _used(stages[stage]).items()):
        return False
    producers = {out["path"]: name for name, entry in stages.items() for out in entry.get("outs", ())}
    hashes = {out["path"]: out["md5"] for entry in stages.values() for out in entry.get("outs", ())}
    before = set()
    for dep in stages[stage]["deps"]:
        written = {path: hashes[path] for path in hashes if f"{path}/".startswith(f"{dep['path']}/")}
        if written and dep["md5"] != _hash(dep["path"], written):
            return False
        before |= {producers[path] for path in written}
    return all(is_current(name, stages, params) for name in before)


def _value(params: Mapping[str, Any], name: str) -> Any:
    """Return the parameter "<group>.<parameter>", or the group with this name, or None if there is none."""
    found: Any = params
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _hash(path: str, hashes: Mapping[str, str]) -> str | None:
    """Return DVC's hash of a path, which is a file or folder of ``hashes`` or a folder that holds all of these."""
    if path in hashes:
        return hashes[path]
    folder = Tree()
    for part, md5 in hashes.items():
        folder.add(Path(part).relative_to(path).parts, None, HashInfo("md5", md5))
    folder.digest()
    return str(folder.hash_info.value)
