"""``python -m genres export``: what it prints, and what it refuses."""

import sys
from pathlib import Path

import numpy as np
import pytest
from toy_models import write_toy_model

from genres import __main__ as genres
from genres.core.errors import InputError
from genres.export.graphs import build_graph
from genres.export.onnx_file import PACKAGES
from genres.models.base.predictions import ModelOutput
from genres.models.base.weights import Description
from genres.models.saved import SavedModel


def need_packages() -> None:
    for package in PACKAGES:
        pytest.importorskip(package, reason=f"{package} of the extra `export` is not installed")


def export(folder: Path, model: Path) -> int:
    return genres.main(["export", "--model", str(model), str(folder)])


def test_a_model_is_exported_into_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need_packages()
    write_toy_model(tmp_path / "mine.safetensors", "linear")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert export(folder, tmp_path / "mine.safetensors") == 0
    output = capsys.readouterr().out
    assert "exporting linear, which takes up to a minute\n" in output
    assert "In onnxruntime, model.onnx differs from the model by at most" in output
    for path in folder.iterdir():
        assert f"  {path.name} " in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "mine.safetensors"]


@pytest.mark.parametrize("content", ["a file", "a folder"])
def test_what_is_there_is_not_replaced(tmp_path: Path, content: str) -> None:
    need_packages()
    there = tmp_path / "there"
    if content == "a folder":
        there.mkdir()
    kept = there / "kept.txt" if content == "a folder" else there
    kept.write_text("mine")
    with pytest.raises(InputError, match="there is there and not empty. Name another folder, or remove it."):
        export(there, tmp_path / "mine.safetensors")
    assert kept.read_text() == "mine"


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    need_packages()
    with pytest.raises(InputError, match="mine.safetensors is not there"):
        export(tmp_path / "folder", tmp_path / "mine.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_kind_of_model_that_has_no_graph_is_refused() -> None:
    description = Description("mine", {"kind": "extra_trees"}, ("blues", "jazz"), None, None, {}, 30, 0.5, seed=0)
    model = SavedModel(description, {}, lambda _: ModelOutput(np.zeros(1, np.int64)))
    with pytest.raises(InputError, match="A model of the kind 'extra_trees' cannot be exported, only one of networks"):
        build_graph(model)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_package_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"Exporting needs .*{package}.* Run `make export`"):
        export(tmp_path / "folder", tmp_path / "mine.safetensors")
