"""The DVC experiments of a study, found by their parameters."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dvc.api

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


def find_experiments(studied: Sequence[str]) -> Mapping[tuple[Any, ...], str]:
    """Return the name of the experiment with each setting, a tuple of the values of the ``studied`` parameters.

    A parameter is named "<group>.<parameter>". DVC keeps experiments in any order, and others beside them: those count
    that differ from the working files in the studied parameters alone, and each setting once.
    """
    found = {}
    here = dvc.api.params_show("params.yaml")
    _take(here, studied)
    for experiment in dvc.api.exp_show():
        name = experiment.get("Experiment")
        if not name or experiment.get("State") not in (None, "Success"):
            continue
        params = dvc.api.params_show("params.yaml", rev=name)
        setting = _take(params, studied)
        if params == here:
            found[setting] = name
    return found


def _take(params: dict[str, Any], studied: Sequence[str]) -> tuple[Any, ...]:
    """Take the values of the ``studied`` parameters out of all ``params``."""
    return tuple(params[group].pop(key) for group, key in (name.split(".") for name in studied))
