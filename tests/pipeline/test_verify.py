"""Committed results that their code does not give are found by reproducing them."""

import json
import sys
from pathlib import Path
from runpy import run_path

import pytest
from project import MODELS, ROOT, Clone
from ruamel.yaml import YAML


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def verify(clone: Clone, status: int) -> str:
    """Commit everything, and run the check, which ends with ``status``."""
    clone.commit()
    code = "import subprocess, sys; print(subprocess.run([sys.executable, '.ci/verify.py']).returncode)"
    *told, found = clone.run(sys.executable, "-u", "-c", code).splitlines()
    assert found == str(status), told
    assert clone.changed() == set()
    return "\n".join(told)


def write_study(folder: Path, **changes: str) -> None:
    """Write what is committed of a study of the present inputs, unless changed, whose macro F1 varies by 0.0321."""
    spread = {"mean": 0.5, "standard_deviation": 0.0321}
    models = {model: {"failed": 0, "macro_f1": spread, "calibration_error": None} for model in MODELS}
    (folder / "metrics/study.json").write_text(json.dumps({"models": models, "splits": 2}))
    yaml = YAML(typ="safe")
    locked = yaml.load(folder / "dvc.lock")
    (inputs,) = (file for file in locked["stages"]["train_linear"]["deps"] if file["path"] == "data/inputs.npy")
    locked["stages"] = {"train_study": {"cmd": "true", "deps": [inputs | changes]}}
    yaml.dump(locked, folder / "pipelines/study/dvc.lock")


@pytest.mark.slow
def test_numbers_and_files_that_are_not_those_of_the_code_are_told_by_stage(clone: Clone) -> None:
    edit(clone.folder / "params.yaml", "seed: 0", "seed: 1")  # the first is that of the split and the training
    edit(clone.folder / "plots/per_genre.csv", "\n", " \n")
    write_study(clone.folder)
    told = verify(clone, status=1)
    assert "| featurize | 2 |  |" in told
    assert "| train_svm | 0 | data/predictions/svm.csv, models/svm.safetensors |" in told
    assert "plots/per_genre.csv" in next(line for line in told.splitlines() if line.startswith("| evaluate |"))
    differing = [line for line in told.splitlines() if line.startswith("| metrics/evaluate.json | ")]
    assert differing
    for line in differing:
        assert line.endswith("| 0.0321 |" if "macro_f1" in line else "|  |"), line
    assert any("macro_f1" in line for line in differing)
    assert "between the runs of `make study`" in told


def test_a_study_of_other_data_has_no_deviations(tmp_path: Path) -> None:
    read_deviations = run_path(str(ROOT / ".ci/verify.py"))["read_deviations"]
    inputs = {"path": "data/inputs.npy", "md5": "1" * 32}
    YAML(typ="safe").dump({"stages": {"train_linear": {"deps": [inputs]}}}, tmp_path / "dvc.lock")
    for folder in ("metrics", "pipelines/study"):
        (tmp_path / folder).mkdir(parents=True)
    committed = {"resize": {"data/inputs.npy": "1" * 32}}
    assert read_deviations(tmp_path, committed) == {}  # no study
    write_study(tmp_path)
    assert read_deviations(tmp_path, committed) == {
        ("metrics/evaluate.json", f"{model}.macro_f1"): 0.0321 for model in MODELS
    }
    write_study(tmp_path, md5="0" * 32)
    assert read_deviations(tmp_path, committed) == {}


@pytest.mark.slow
def test_a_lock_that_is_stale_is_told_though_every_byte_is_the_same(clone: Clone) -> None:
    edit(clone.folder / "src/genres/features/mel.py", '"""', '""" ')
    told = verify(clone, status=3)
    assert "| train_svm | 2 |  |" in told
    assert told.endswith(
        "Every output has the bytes of the commit, but dvc.lock is stale. Run `dvc repro`, and commit it."
    )
