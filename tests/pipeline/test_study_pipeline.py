"""The study of many runs, in clones: what is trained, kept, trained again and shown."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import (
    MODELS,
    NETWORKS,
    PIPELINE,
    ROOT,
    Clone,
    FirstRun,
    read_table,
    run_code,
    stages_in,
    write_params,
)
from ruamel.yaml import YAML

from genres.core.files import file_sha256

pytestmark = pytest.mark.slow

STUDY = "pipelines/study/dvc.yaml"
STAGE = YAML(typ="safe").load(ROOT / STUDY)["stages"]["train_study"]
SEEDS = 2
RUNS = SEEDS * (2 * len(NETWORKS) + len(MODELS) - len(NETWORKS))
TABLES = ("confusion.csv", "curves.csv", "runs.csv")
NO_DEPENDENCY = {"src/genres/__init__.py", "src/genres/models/__init__.py", "src/genres/schema.py"}
ONE_CORE = (
    "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execvp(sys.argv[1], sys.argv[1:])"
)
HANG = 120  # seconds after which a test is given up; no test measures time


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory, first_run: FirstRun) -> tuple[Clone, str]:
    """A clone after a study of two seeds, committed, and what `make study` printed. It is for reading alone."""
    folder = tmp_path_factory.mktemp("study") / "project"
    shutil.copytree(first_run.clone.folder, folder, symlinks=True)
    clone = Clone(folder)
    write_params(folder, {"study.seeds": SEEDS})
    output = clone.make("study")
    assert clone.stages_run("repro") == ["report"]
    clone.commit()
    return clone, output


@pytest.fixture
def clone(tmp_path: Path, studied: tuple[Clone, str]) -> Clone:
    """A copy of that clone."""
    folder = tmp_path / "project"
    shutil.copytree(studied[0].folder, folder, symlinks=True)
    return Clone(folder)


def results(clone: Clone) -> dict[str, str]:
    """Return the model of each result that is kept, by the name of its folder."""
    folders = (clone.folder / "data/study/results").glob("[!.]*")
    return {folder.name: next(name for name in MODELS if (folder / f"{name}.csv").exists()) for folder in folders}


def tables(clone: Clone) -> list[bytes]:
    return [(clone.folder / "data/study" / name).read_bytes() for name in TABLES]


def runs(clone: Clone) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the rows of the table of runs, by what identifies a run."""
    rows = read_table(clone.folder / "data/study/runs.csv")
    return {tuple(row[name] for name in ("model", "split_seed", "init_seed", "fold")): row for row in rows}


def there_already(output: str) -> str:
    (line,) = (line for line in output.splitlines() if "runs are there already" in line)
    return line


def page(clone: Clone) -> str:
    return (clone.folder / "plots/report.html").read_text(encoding="utf-8")


# --- What the stage declares ---


def test_the_stage_declares_the_code_that_it_imports_and_no_other() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='imported'); "
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('genres')))"
    )
    script = "pipelines/study/train_study.py"
    imported = {Path(file).relative_to(ROOT).as_posix() for file in run_code(code, script).split()}
    declared = {path for path in STAGE["deps"] if path.startswith("src/")}
    covers = {path: {file for file in imported if file == path or file.startswith(f"{path}/")} for path in declared}
    assert all(covers.values()), covers
    packages = {f"{Path(path).parent.as_posix()}/__init__.py" for path in declared}
    assert imported - set().union(*covers.values()) <= NO_DEPENDENCY | packages
    assert {script, "stages/common.py"} <= set(STAGE["deps"])


def test_the_stage_declares_what_its_runs_depend_on() -> None:
    stages = [PIPELINE[stage] for stage in ("split", *(f"train_{model}" for model in MODELS))]
    deps = {path for stage in stages for path in stage["deps"] if not path.startswith("stages/")}
    assert deps - {"data/split.csv"} <= set(STAGE["deps"])
    assert {group for stage in stages for group in stage["params"]} | {"study"} == set(STAGE["params"])


# --- A study, and what follows from it ---


def test_a_run_with_the_seeds_of_the_main_pipeline_gives_the_bytes_of_its_stage(studied: tuple[Clone, str]) -> None:
    found = runs(studied[0])
    assert len(found) == RUNS
    assert {row["error"] for row in found.values()} == {""}
    assert {row["retraining"] for row in found.values()} == {"no", "yes"}
    for model in MODELS:
        written = file_sha256(studied[0].folder / f"data/predictions/{model}.csv")
        made_it = [run for run, row in found.items() if row["predictions_sha256"] == written]
        assert made_it == [(model, "0", "0", "0")]


def test_the_study_is_printed_written_where_git_keeps_it_and_shown_on_the_page(studied: tuple[Clone, str]) -> None:
    clone, output = studied
    assert f"0 of {RUNS} runs are there already" in output
    assert f"| SVM | {SEEDS} | 0 |" in output
    metrics = json.loads((clone.folder / "metrics/study.json").read_bytes())
    assert {model: found["accuracy"]["runs"] for model, found in metrics["models"].items()} == dict.fromkeys(
        MODELS, SEEDS
    )
    assert [(clone.folder / "pipelines/study" / name).read_bytes() for name in TABLES] == tables(clone)
    committed = clone.run("git", "ls-files").split()
    assert {"metrics/study.json", *(f"pipelines/study/{name}" for name in TABLES)} <= {*committed}
    assert not any(path.startswith("data/") for path in committed)
    assert '<section id="study"' in page(clone)
    assert "none of their runs" not in page(clone)


def test_nothing_runs_when_nothing_has_changed(clone: Clone) -> None:
    assert clone.stages_run("repro", STUDY) == []
    assert clone.stages_run("repro") == []
    clone.make("study")
    assert clone.changed() == set()


def test_a_model_with_other_results_is_outdated_on_the_page(clone: Clone) -> None:
    write_params(clone.folder, {"study.seeds": SEEDS, "svm.C": 1e-6})
    assert clone.stages_run("repro") == ["evaluate", "report", "train_svm"]
    warning = page(clone).partition("as the present results are those of none of their runs: ")[2]
    assert warning.startswith("SVM. ")


# --- What is trained again ---


def test_another_parameter_trains_the_runs_of_one_model_and_going_back_none(clone: Clone) -> None:
    before = results(clone)
    write_params(clone.folder, {"study.seeds": SEEDS, "svm.C": 3.0})
    output = clone.run("dvc", "repro", STUDY)
    assert there_already(output) == f"{RUNS - SEEDS} of {RUNS} runs are there already"
    after = results(clone)
    assert before.items() < after.items()
    assert [after[name] for name in after.keys() - before] == ["svm"] * SEEDS
    write_params(clone.folder, {"study.seeds": SEEDS})
    assert there_already(clone.run("dvc", "repro", STUDY)) == f"{RUNS} of {RUNS} runs are there already"
    assert clone.changed() == set()


def test_other_code_trains_the_runs_of_the_model_that_it_belongs_to_to_the_same_bytes(clone: Clone) -> None:
    before, expected = results(clone), tables(clone)
    with (clone.folder / "src/genres/models/svm.py").open("a", encoding="utf-8") as file:
        file.write("# A comment.\n")
    output = clone.run("dvc", "repro", STUDY)
    assert there_already(output) == f"{RUNS - SEEDS} of {RUNS} runs are there already"
    assert [model for name, model in results(clone).items() if name not in before] == ["svm"] * SEEDS
    assert tables(clone) == expected


def test_more_seeds_train_those_alone(clone: Clone) -> None:
    before = runs(clone)
    write_params(clone.folder, {"study.seeds": SEEDS + 1})
    more = RUNS * (SEEDS + 1) // SEEDS
    assert there_already(clone.run("dvc", "repro", STUDY)) == f"{RUNS} of {more} runs are there already"
    after = runs(clone)
    assert len(after) == more
    assert {run: after[run] for run in before} == before
    assert {run[1] for run in after.keys() - before} == {str(SEEDS)}


def test_a_study_that_is_killed_goes_on_where_it_was_to_the_same_bytes_on_any_number_of_cores(clone: Clone) -> None:
    expected, kept = tables(clone), clone.folder / "data/study/results"
    shutil.rmtree(clone.folder / "data/study")
    process = subprocess.Popen(
        ["dvc", "repro", STUDY],
        cwd=clone.folder,
        env=clone.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    given_up = time.monotonic() + HANG
    while len(list(kept.glob("[!.]*"))) < 2 and time.monotonic() < given_up and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    output = process.communicate(timeout=HANG)[0]  # until the workers have ended, too
    written = {path: path.stat().st_mtime_ns for path in kept.glob("[!.]*/*")}
    n_kept = len(results(clone))
    assert 2 <= n_kept < RUNS, output
    assert not (clone.folder / "data/study/runs.csv").exists()

    again = clone.run(sys.executable, "-c", ONE_CORE, "dvc", "repro", STUDY)
    assert there_already(again) == f"{n_kept} of {RUNS} runs are there already"
    assert tables(clone) == expected
    assert {path: path.stat().st_mtime_ns for path in written} == written
    assert len(list(kept.iterdir())) == RUNS  # and nothing half-written


# --- Runs that fail ---


def test_a_run_that_fails_is_named_and_the_others_go_on(clone: Clone) -> None:
    module = clone.folder / "src/genres/models/svm.py"
    text = module.read_text(encoding="utf-8")
    start = "def train_svm("
    # The first of the runs to remove the file fails.
    failing = (
        "import pathlib\n\nfrom genres.core.errors import InputError\n\n\n"
        "def fail_once() -> None:\n"
        "    try:\n"
        '        pathlib.Path("data/fail").unlink()\n'
        "    except FileNotFoundError:\n"
        "        return\n"
        '    raise InputError("this one is made to fail")\n\n\n'
    )
    assert text.count(start) == 1
    module.write_text(
        text.replace(start, failing + start).replace("    machine = ", "    fail_once()\n    machine = ", 1),
        encoding="utf-8",
    )
    (clone.folder / "data/fail").touch()
    output = clone.make("study")
    assert "warning: a run failed (svm, split seed " in output
    assert ": this one is made to fail\n" in output
    assert f"warning: 1 of {RUNS} runs failed and are left out of the summary" in output
    assert f"| SVM | {SEEDS - 1} | 1 |" in output
    assert f"| Linear | {SEEDS} | 0 |" in output
    assert [row["error"] for row in runs(clone).values() if row["error"]] == ["InputError"]
    assert json.loads((clone.folder / "metrics/study.json").read_bytes())["models"]["svm"]["failed"] == 1
    assert clone.stages_run("repro") == sorted(["train_svm", "report"])
    assert '<section id="study"' in page(clone)
    retry = f"dvc repro -s -f {STUDY}:train_study"
    assert f"To try them again: `{retry}`" in output
    again = clone.run(*retry.split())
    assert stages_in(again) == ["train_study"]
    assert there_already(again) == f"{RUNS - 1} of {RUNS} runs are there already"
    assert {row["error"] for row in runs(clone).values()} == {""}


def test_a_model_of_which_every_run_fails_is_named_and_the_others_are_summarised(clone: Clone) -> None:
    write_params(clone.folder, {"study.seeds": SEEDS, "complex.crop": 200, "svm.C": 3.0})
    output = clone.make("study")
    assert (
        f"warning: {2 * SEEDS} runs failed (complex, split seed 0, fold 0, initialisation seed 0, and others)" in output
    )
    assert output.count("`complex.crop`: ") == 1
    assert "Traceback" not in output
    assert f"| SVM | {SEEDS} | 0 |" in output
    models = json.loads((clone.folder / "metrics/study.json").read_bytes())["models"]
    assert (models["complex"]["failed"], models["complex"]["accuracy"]) == (SEEDS, None)
    assert f"| Complex CNN | 0 | {SEEDS} | n/a |" in output
    write_params(clone.folder, {"study.seeds": SEEDS, "svm.C": 3.0})
    assert there_already(clone.run("dvc", "repro", STUDY)) == f"{RUNS} of {RUNS} runs are there already"


def test_models_without_a_stage_in_the_main_pipeline_are_left_out(clone: Clone) -> None:
    yaml, path = YAML(), clone.folder / "dvc.yaml"
    pipeline = yaml.load(path)
    del pipeline["stages"]["train_svm"]
    yaml.dump(pipeline, path)
    told = clone.run(sys.executable, "pipelines/study/train_study.py")
    assert there_already(told) == f"{RUNS - SEEDS} of {RUNS - SEEDS} runs are there already"
    assert {model for model, *_ in runs(clone)} == {*MODELS} - {"svm"}
    for model in {*MODELS} - {"svm"}:
        del pipeline["stages"][f"train_{model}"]
    yaml.dump(pipeline, path)
    told = clone.run(sys.executable, "pipelines/study/train_study.py", succeeds=False)
    assert told.startswith("error: dvc.yaml trains none of the models of the study. ")


def test_other_lists_of_clips_train_every_run_again(clone: Clone) -> None:
    lists = clone.folder.parent / "lists"
    lists.mkdir()
    clips = [row["clip_id"] for row in read_table(clone.folder / "data/split.csv")]
    test = [clip_id for clip_id in clips if clip_id.endswith("0")]  # one of each genre
    for subset, members in (("train", [clip for clip in clips if clip not in test]), ("valid", []), ("test", test)):
        (lists / f"{subset}_filtered.txt").write_text("".join(f"{clip_id}.wav\n" for clip_id in members))
    write_params(clone.folder, {"study.seeds": 1, "split.method": "fault-filtered", "split.lists": str(lists)})
    assert there_already(clone.run("dvc", "repro", STUDY)) == "0 of 5 runs are there already"
    assert there_already(clone.run("dvc", "repro", "-f", f"{STUDY}:train_study")) == "5 of 5 runs are there already"
    train = lists / "train_filtered.txt"
    train.write_text(train.read_text().partition("\n")[2])  # without its first clip
    assert there_already(clone.run("dvc", "repro", "-f", f"{STUDY}:train_study")) == "0 of 5 runs are there already"
    assert {row["n_train"] for row in runs(clone).values()} == {str(len(clips) - len(test) - 1)}
    clone.run(sys.executable, "pipelines/study/summarise_study.py")


def test_without_data_the_script_says_what_to_run(clone: Clone) -> None:
    (clone.folder / "data/inputs.npy").unlink()
    told = clone.run(sys.executable, "pipelines/study/train_study.py", succeeds=False)
    assert told.splitlines() == [
        f"error: data/inputs.npy is not there. Run `dvc repro {STUDY}:train_study` to make it."
    ]
