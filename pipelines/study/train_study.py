"""Train every model many times, on all cores. A run whose result is there already, by its `runs.run_key`, is kept."""

import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import load_params, run_stage
from ruamel.yaml import YAML

from genres.core.errors import InputError
from genres.core.files import expand_home, require_file, write_csv
from genres.parallel import ordered_map, workers
from genres.schema import Params
from genres.study.runs import Run, list_runs, run_key
from genres.study.tables import tabulate
from genres.study.training import PARTIAL, STUDIED, StudyFiles, train_run

STAGE = "pipelines/study/dvc.yaml:train_study"
PIPELINE = Path("dvc.yaml")
SPLIT = Path("data/split.csv")  # of the main pipeline: each run draws its own
FILES = StudyFiles(
    clips=Path("data/clips.csv"),
    duplicates=Path("data/duplicates.csv"),
    dataset=Path("data/dataset.json"),
    inputs=Path("data/inputs.npy"),
    input_rows=Path("data/inputs.csv"),
    scattering=Path("data/scattering.npy"),
    scattering_rows=Path("data/scattering.csv"),
)
# What a run uses of the study's own code.
CODE = [Path(f"src/genres/{name}.py") for name in ("study/runs", "study/training")]
RESULTS = Path("data/study/results")  # a folder for each run, not known to DVC; written, like the three below
RUNS = Path("data/study/runs.csv")
CURVES = Path("data/study/curves.csv")
CONFUSION = Path("data/study/confusion.csv")


def main() -> None:
    """Train the runs that are missing, and write the tables of all."""
    params = load_params(
        "seed", "featurize", "split", "input", "train", "simple", "complex", "svm", "scattering", "study"
    )
    for path in FILES:
        require_file(path, STAGE)
    stages = YAML(typ="safe").load(PIPELINE)["stages"]
    models = [model for model in STUDIED if f"train_{model}" in stages]
    if not models:
        raise InputError(
            f"{PIPELINE} trains none of the models of the study. Restore a stage: train_{', train_'.join(STUDIED)}."
        )
    planned = list_runs({model: STUDIED[model].random_initialisation for model in models}, params)
    folders = {run: RESULTS / _key(run, stages, params) for run in planned}
    missing = [(run, folder) for run, folder in folders.items() if not folder.exists()]
    for left_by_killed_run in RESULTS.glob(f"{PARTIAL}*"):
        shutil.rmtree(left_by_killed_run, ignore_errors=True)  # a lost worker may still write there
    print(f"{len(planned) - len(missing)} of {len(planned)} runs are there already", file=sys.stderr)
    train = partial(train_run, params=params, files=FILES)
    with workers() as executor:
        outcomes = list(ordered_map(train, missing, executor, "training", "runs"))
    errors = {run: error for (run, _), error in zip(missing, outcomes, strict=True) if error}
    _report(errors, planned)
    tables = tabulate(folders, errors)
    for path, table in zip((RUNS, CURVES, CONFUSION), tables, strict=True):
        write_csv(path, table)


def _key(run: Run, stages: Mapping[str, Any], params: Params) -> str:
    """Return the key of a run, which depends on what the stages that split the clips and train the model declare."""
    declared = [stages[name] for name in ("split", f"train_{run.model}")]
    paths = {Path(path) for stage in declared for path in stage["deps"] if not path.startswith("stages/")}
    paths |= set(CODE)
    if params.split.method == "fault-filtered" and params.split.lists:
        lists = expand_home(params.split.lists, "split.lists")
        paths |= {lists} if lists.is_dir() else set()  # else no run gets further than its split
    names = {name for stage in declared for name in stage["params"]}
    return run_key(run, sorted(paths - {SPLIT}), sorted(names), params)


def _report(errors: Mapping[Run, str], planned: list[Run]) -> None:
    """Print each error once, with the runs that ended with it, and raise an InputError if all runs failed."""
    failed: dict[str, list[Run]] = {}
    for run, error in errors.items():
        failed.setdefault(error.removeprefix("InputError: "), []).append(run)
    for error, (first, *others) in failed.items():
        which = f"{1 + len(others)} runs failed ({first}, and others)" if others else f"a run failed ({first})"
        print(f"warning: {which}: {error}", file=sys.stderr)
    if len(errors) == len(planned):
        raise InputError("Every run failed; the errors stand above. Mend what they name, and run `make study` again.")
    if errors:
        print(
            f"warning: {len(errors)} of {len(planned)} runs failed and are left out of the summary. To try them again: "
            f"`dvc repro -s -f {STAGE}`, then `make study`",
            file=sys.stderr,
        )


if __name__ == "__main__":
    run_stage(main)
