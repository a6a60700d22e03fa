"""The pipeline of pre-trained networks, in a clone: with random weights, as the real ones have to be downloaded."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from project import ROOT, Clone, FirstRun, read_table, run_code, run_genres
from ruamel.yaml import YAML

from genres.pretrained.musicnn import MusiCNN
from genres.pretrained.weights import write_weights

pytestmark = pytest.mark.slow

TRANSFER = "pipelines/transfer/dvc.yaml"
TRAIN = ["train_imagenet", "train_musicnn"]
SHOW = ["evaluate_transfer", "report_transfer"]
STAGES = YAML(typ="safe").load(ROOT / TRANSFER)["stages"]
NO_DEPENDENCY = {"src/genres/__init__.py", "src/genres/models/__init__.py", "src/genres/schema.py"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, first_run: FirstRun) -> Clone:
    """A clone after a run of both pipelines, committed."""
    folder = tmp_path_factory.mktemp("transfer") / "project"
    shutil.copytree(first_run.clone.folder, folder, symlinks=True)
    clone = Clone(folder)
    parameters = folder / "params.yaml"
    parameters.write_text(parameters.read_text().replace("weights: pretrained", "weights: random"))
    torch.manual_seed(0)
    (folder / "data/transfer").mkdir()
    write_weights(folder / "data/transfer/musicnn.safetensors", MusiCNN().state_dict())
    clone.run("dvc", "commit", "--force", f"{TRANSFER}:fetch_musicnn")
    assert "train_linear" not in clone.stages_run("repro", TRANSFER)
    clone.commit()
    return clone


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_the_code_that_it_imports_and_no_other(stage: str) -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='imported'); "
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('genres')))"
    )
    imported = {
        Path(file).relative_to(ROOT).as_posix() for file in run_code(code, f"pipelines/transfer/{stage}.py").split()
    }
    declared = {path for path in STAGES[stage]["deps"] if path.startswith("src/")}
    covers = {path: {file for file in imported if file == path or file.startswith(f"{path}/")} for path in declared}
    assert all(covers.values()), covers
    packages = {f"{Path(path).parent.as_posix()}/__init__.py" for path in declared}
    assert imported - set().union(*covers.values()) <= NO_DEPENDENCY | packages
    assert {f"pipelines/transfer/{stage}.py", "stages/common.py"} <= set(STAGES[stage]["deps"])


def test_pre_trained_models_are_shown_beside_the_others_with_what_they_were_trained_on(project: Clone) -> None:
    assert list(json.loads((project.folder / "metrics/transfer.json").read_bytes())) == ["imagenet", "musicnn"]
    page = (project.folder / "plots/transfer.html").read_text(encoding="utf-8")
    for mark in ("MusiCNN (pre-trained on other music)", "ImageNet CNN (pre-trained on photographs)", "Simple CNN"):
        assert f'<th scope="row">{mark}</th>' in page
    assert "pre-trained" not in (project.folder / "plots/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", ["imagenet", "musicnn"])
def test_a_model_predicts_from_its_file_alone_what_it_wrote_in_training(
    project: Clone, tmp_path: Path, model: str
) -> None:
    handed_on = shutil.copy(project.folder / f"models/transfer/{model}.safetensors", tmp_path)
    audio = project.folder / "data/audio"
    result = run_genres(tmp_path, "predict", "--model", handed_on, "--csv", audio / "jazz", code=project.folder)
    found = list(csv.DictReader(result.stdout.splitlines()))
    rows = read_table(project.folder / f"data/transfer/predictions/{model}.csv")
    expected = [row for row in rows if row["genre"] == "jazz"]
    assert [Path(row["file"]).stem for row in found] == [row["clip_id"].partition("/")[2] for row in expected]
    for row, predicted in zip(found, expected, strict=True):
        for genre in {row["genre"] for row in rows}:
            assert row[genre] == predicted[genre]


def test_nothing_runs_when_nothing_has_changed(project: Clone) -> None:
    assert project.stages_run("repro") == []
    assert project.stages_run("repro", TRANSFER) == []
    assert project.changed() == set()


def test_another_classifier_computes_no_features_again_and_leaves_the_main_pipeline_alone(project: Clone) -> None:
    assert project.stages_run("exp", "run", "-S", "transfer.classifier=svm", TRANSFER) == sorted([*TRAIN, *SHOW])
    assert project.stages_run("repro") == []
    project.run("git", "checkout", "--quiet", ".")


def test_a_mistake_in_the_parameters_is_named(project: Clone) -> None:
    output = project.run("dvc", "exp", "run", "-S", "transfer.classifier=forest", TRANSFER, succeeds=False)
    assert (
        "error: params.yaml: `transfer.classifier` should be one of logistic, svm, but is the string 'forest'."
        in output
    )
    assert "Traceback" not in output
    project.run("git", "checkout", "--quiet", ".")


def test_another_seed_trains_on_the_new_split(project: Clone) -> None:
    ran = project.stages_run("exp", "run", "-S", "seed=3", TRANSFER)
    assert {"split", "train_linear", *TRAIN, *SHOW} <= set(ran)
    assert not {"fetch_imagenet", "embed_imagenet", "embed_musicnn", "report"} & set(ran)
    project.run("git", "checkout", "--quiet", ".")
    project.run("dvc", "checkout")


def test_where_the_transfer_has_not_been_run_dvc_works_as_before(project: Clone) -> None:
    shutil.rmtree(project.folder / "data/transfer")
    project.run("dvc", "checkout")
    assert project.run("dvc", "status", "dvc.yaml").strip() == "Data and pipelines are up to date."
    assert project.stages_run("repro") == []
