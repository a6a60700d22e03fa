"""Which model classifies."""

import re
from pathlib import Path

import pytest

from genres.core.errors import InputError
from genres.core.files import write_json
from genres.models.base.weights import Description, write_weights
from genres.prediction.choice import choose_model

DATASET = {"name": "a", "title": "A", "description": "a: 3 clips", "synthetic": False, "paper": False}
DATASET |= {"caveats": [], "split_caveats": {}}


def write_model(path: Path, accuracy: float, data: str = "a") -> Path:
    described = DATASET | {"name": data}
    write_weights(path, {}, Description(path.stem, {"kind": "any"}, ("x", "y"), None, None, described, 1, accuracy, 0))
    return path


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two folders of models, of which some are of an earlier data set."""
    write_model(tmp_path / "models/linear.safetensors", 0.5)
    write_model(tmp_path / "models/complex.safetensors", 0.6)
    write_model(tmp_path / "models/svm.safetensors", 0.99, "earlier")
    write_model(tmp_path / "models/transfer/musicnn.safetensors", 0.9)
    return [tmp_path / "models", tmp_path / "models/transfer"]


def test_the_best_for_the_present_data_set_is_the_default(tmp_path: Path, folders: list[Path]) -> None:
    write_json(tmp_path / "dataset.json", DATASET)
    assert choose_model(None, folders, tmp_path / "dataset.json").stem == "musicnn"


def test_without_a_present_data_set_it_is_the_best_of_all(tmp_path: Path, folders: list[Path]) -> None:
    assert choose_model(None, folders, tmp_path / "dataset.json").stem == "svm"


def test_a_model_is_found_by_name_or_taken_by_path(tmp_path: Path, folders: list[Path]) -> None:
    write_json(tmp_path / "dataset.json", DATASET)
    assert choose_model("svm", folders, tmp_path / "dataset.json") == folders[0] / "svm.safetensors"
    assert choose_model("musicnn", folders, tmp_path / "dataset.json") == folders[1] / "musicnn.safetensors"
    assert choose_model("any/where", folders, tmp_path / "dataset.json") == Path("any/where")
    (tmp_path / "exported").mkdir()
    exported = tmp_path / "exported/model.safetensors"
    assert choose_model(str(exported.parent), folders, tmp_path / "dataset.json") == exported
    assert choose_model("x.safetensors", [], tmp_path / "dataset.json") == Path("x.safetensors")


def test_a_model_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, folders: list[Path]) -> None:
    listed = "There is no trained model 'forest', but complex, linear, svm, musicnn. `make classifier` trains"
    with pytest.raises(InputError, match=re.escape(listed)):
        choose_model("forest", folders, tmp_path / "dataset.json")
    with pytest.raises(InputError, match="There is no trained model. `make classifier`"):
        choose_model(None, [], tmp_path / "dataset.json")


def test_models_of_earlier_data_sets_alone_are_named(tmp_path: Path, folders: list[Path]) -> None:
    write_json(tmp_path / "dataset.json", DATASET | {"name": "new"})
    with pytest.raises(InputError, match=r"for the data set of .*dataset\.json; name one of .* with --model"):
        choose_model(None, folders, tmp_path / "dataset.json")


def test_a_damaged_model_is_named(tmp_path: Path, folders: list[Path]) -> None:
    (folders[0] / "zzz.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match=r"zzz\.safetensors is damaged"):
        choose_model(None, folders, tmp_path / "dataset.json")
