"""Which runs a study has, and how the result of each is found again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from genres.core.errors import InputError
from genres.core.files import sources_sha256
from genres.core.processor import describe_process
from genres.schema import Params

CURVES_FILE = "curves.csv"  # in the folder of a network's run
RETRAINING_SEEDS = 1000  # by which the initialisation seeds of second trainings are larger: more than there are seeds


class Run(NamedTuple):
    """One training of a model."""

    model: str
    split_seed: int
    init_seed: int  # of the initialisation, the order of batches and dropout
    fold: int  # of a split by folds, else 0
    retraining: bool  # a second training on a split, which shows how much of the variance is not due to the split

    def __str__(self) -> str:
        return f"{self.model}, split seed {self.split_seed}, fold {self.fold}, initialisation seed {self.init_seed}"


def list_runs(models: Mapping[str, bool], params: Params) -> list[Run]:
    """List the runs of all ``models``, of which it is told whether they are initialised at random; others need no two.

    Models come in their order, so that those that take longest should be first. The ``params`` need ``seed``, ``split``
    and ``study``. An InputError is raised if splits are to vary that do not depend on a seed.
    """
    seeds, split = range(params.study.seeds), params.split
    vary = params.study.vary
    if split.method == "fault-filtered":
        if vary == "split":
            raise InputError(
                "`study.vary` is split, but `split.method: fault-filtered` has one split only. Set `study.vary: init`, "
                "or another method."
            )
        vary = "init"
    folds = range(split.folds) if split.method == "kfold" else (0,)
    runs = []
    for model, random_initialisation in models.items():
        if vary == "split":
            pairs = [(seed, params.seed, False) for seed in seeds]
        elif not random_initialisation:
            pairs = [(seed, seed, False) for seed in (seeds if vary == "both" else (params.seed,))]
        elif vary == "init":
            pairs = [(params.seed, seed, False) for seed in seeds]
        else:
            pairs = [(seed, seed + RETRAINING_SEEDS * again, again) for seed in seeds for again in (False, True)]
        runs += [
            Run(model, split_seed, init_seed, fold, again) for split_seed, init_seed, again in pairs for fold in folds
        ]
    return runs


def run_params(run: Run, params: Params) -> Params:
    """Return the parameters with which a run is trained and, but for the split's seed, its clips are split."""
    return params.model_copy(
        update={"seed": run.init_seed, "split": params.split.model_copy(update={"fold": run.fold})}
    )


def run_key(run: Run, depends_on: Sequence[Path], names: Sequence[str], params: Params) -> str:
    """Return a name for the result of a run that no other inputs, parameters or code have.

    It is the SHA-256 of the contents of all files in ``depends_on``, which may be folders of sources, of the values of
    the parameters with these ``names``, groups or "<group>.<parameter>", of the seeds, and of
    `processor.describe_process`.
    """
    of_run = run_params(run, params)
    content = {
        "run": [run.model, run.split_seed, run.init_seed],
        "params": {name: _value(of_run, name) for name in names if name != "seed"},
        "files": {path.as_posix(): _content_sha256(path) for path in depends_on},
        "process": describe_process(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


_content_sha256 = cache(sources_sha256)


def _value(params: Params, name: str) -> Any:
    value = attrgetter(name)(params)
    return value.model_dump() if isinstance(value, BaseModel) else value
