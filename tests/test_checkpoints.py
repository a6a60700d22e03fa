"""Trained models on disk."""

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from genres.checkpoints import Description, save_arrays
from genres.errors import InputError
from genres.models import build_model, predict
from genres.params import Featurize, Input, Network, Svm
from genres.svm import TrainedSvm, predict_svm, train_svm
from genres.trained_models import load_model

TINY = Network(channels=2, hidden=4, dropout=0.25)
LINEAR = Description(
    model="linear",
    genres=("blues", "jazz", "rock"),
    featurize=Featurize(22050, 2048, 512, 128, 80.0, 1291),
    input=Input(32, 40, -42.88, 15.5),
    architecture=None,
    seed=3,
)
CNN = replace(LINEAR, model="simple", architecture=TINY)


def save_model(path: Path, model: nn.Module | TrainedSvm, description: Description) -> None:
    """Save a model as the training stages do."""
    if isinstance(model, TrainedSvm):
        save_arrays(path, model._asdict(), description)
    else:
        save_arrays(path, {name: tensor.numpy() for name, tensor in model.state_dict().items()}, description)


def trained(description: Description) -> nn.Module:
    """A network that differs from a fresh one in its weights and in batch norm's running figures."""
    torch.manual_seed(0)
    model = build_model(description.architecture, description.input, len(description.genres)).train()
    model(torch.randn(8, 32, 40))
    return model


MACHINE = replace(LINEAR, model="svm", architecture=Svm("linear", 1.0))


def trained_machine(description: Description) -> TrainedSvm:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(30, description.input.height, description.input.width)).astype(np.float32)
    return train_svm(inputs, np.arange(30) % len(description.genres), Svm("linear", 1.0))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "simple.safetensors"
    save_model(path, trained(CNN), CNN)
    return path


def damaged(path: Path, stage: str = "train_simple") -> str:
    return re.escape(f"{path} is damaged: ") + r"(.|\n)+ Run `dvc repro -f " + stage + "` to make it again\\."


@pytest.mark.parametrize("description", [LINEAR, CNN], ids=["linear", "cnn"])
def test_a_network_predicts_the_same_after_it_was_saved_and_loaded(tmp_path: Path, description: Description) -> None:
    path, model, clips = tmp_path / "x.safetensors", trained(description), torch.randn(5, 32, 40)
    save_model(path, model, description)
    torch.manual_seed(1)
    loaded, found = load_model(path, "train_x")
    assert found == description
    assert not loaded.training
    assert torch.equal(predict(loaded, clips), predict(model, clips))


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_a_machine_is_the_same_after_it_was_saved_and_loaded(tmp_path: Path, kernel: str) -> None:
    path, inputs = tmp_path / "svm.safetensors", np.random.default_rng(0).normal(size=(30, 32, 40)).astype(np.float32)
    description = replace(MACHINE, architecture=Svm(kernel, 1.0))
    machine = train_svm(inputs, np.arange(30) % 3, Svm(kernel, 1.0))
    save_model(path, machine, description)
    first = path.read_bytes()
    loaded, found = load_model(path, "train_svm")
    assert found == description
    assert isinstance(loaded, TrainedSvm)
    assert (predict_svm(loaded, inputs) == predict_svm(machine, inputs)).all()
    save_model(path, machine, description)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    "description",
    [
        replace(MACHINE, genres=("blues", "jazz")),
        replace(MACHINE, input=replace(MACHINE.input, width=44)),
        replace(MACHINE, architecture=TINY),
        replace(MACHINE, architecture=Svm("sigmoid", 1.0)),
        replace(MACHINE, model="simple", architecture=None),
    ],
    ids=["other genres", "another input", "a network", "an unknown kernel", "the linear model"],
)
def test_a_machine_that_does_not_fit_its_description_is_refused(tmp_path: Path, description: Description) -> None:
    path = tmp_path / "svm.safetensors"
    save_model(path, trained_machine(MACHINE), description)
    with pytest.raises(InputError, match=damaged(path, "train_svm")):
        load_model(path, "train_svm")


def test_a_network_is_the_same_bytes_twice(checkpoint: Path) -> None:
    first = checkpoint.read_bytes()
    save_model(checkpoint, trained(CNN), CNN)
    assert checkpoint.read_bytes() == first


def test_the_seed_and_the_genres_are_part_of_the_file(checkpoint: Path) -> None:
    first = checkpoint.read_bytes()
    for other in (replace(CNN, seed=4), replace(CNN, genres=("blues", "jazz", "pop"))):
        save_model(checkpoint, trained(CNN), other)
        assert checkpoint.read_bytes() != first


def test_saving_that_fails_leaves_the_old_network(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = checkpoint.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_model(checkpoint, trained(CNN), replace(CNN, seed=4))
    assert checkpoint.read_bytes() == first


# --- damage


class Bomb:
    """What a pickle may do when it is loaded."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return Path.touch, (Path("exploded"),)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def metadata(content: object) -> bytes:
    return save({"weight": torch.zeros(1)}, {"genres": json.dumps(content)})


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:4],
        lambda content: content[:200],
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: content + b"\0",
        lambda content: flipped(content, len(content) - 1),
        lambda content: flipped(content, len(content) - 100),
        lambda content: flipped(content, 0),
        lambda content: flipped(content, 7),
        lambda content: flipped(content, 8),
        lambda content: content.replace(b"rock", b"punk"),
        lambda content: content.replace(b"22050", b"44100"),
        lambda content: content.replace(b'"F32"', b'"I32"'),
        lambda content: content.replace(b"1.0.weight", b"1.0.tweigh"),
        lambda content: content.replace(b'"__metadata__"', b'"__metabase__"'),
        lambda content: save({"weight": torch.zeros(1)}),
        lambda content: save({"weight": torch.zeros(1)}, {"other": "1"}),
        lambda content: metadata({"description": "{}"}),
        lambda content: metadata([]),
        lambda content: metadata("text"),
        lambda content: save({"weight": torch.zeros(1)}, {"genres": "{"}),
        lambda content: pickle.dumps({"weight": [1, 2, 3]}),
        lambda content: b"text\n" * 100,
    ],
)
def test_a_damaged_network_is_refused(checkpoint: Path, damage: Callable[[bytes], bytes]) -> None:
    before = checkpoint.read_bytes()
    checkpoint.write_bytes(damage(before))
    assert checkpoint.read_bytes() != before
    with pytest.raises(InputError, match=damaged(checkpoint)):
        load_model(checkpoint, "train_simple")


@pytest.mark.parametrize(
    "description",
    [
        replace(CNN, architecture=replace(TINY, hidden=5)),
        replace(CNN, architecture=None),
        replace(CNN, genres=("blues", "jazz")),
        replace(CNN, input=replace(CNN.input, width=160)),
        replace(CNN, featurize=replace(CNN.featurize, n_mels=0)),
    ],
    ids=["another size", "another network", "other genres", "another input", "a value out of range"],
)
def test_weights_that_do_not_fit_their_description_are_refused(checkpoint: Path, description: Description) -> None:
    save_model(checkpoint, trained(CNN), description)
    with pytest.raises(InputError, match=damaged(checkpoint)):
        load_model(checkpoint, "train_simple")


@pytest.mark.parametrize("dump", [pickle.dump, torch.save], ids=["pickle", "torch"])
def test_nothing_is_run_on_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dump: Callable[..., None]) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "simple.safetensors"
    with path.open("wb") as file:
        dump(Bomb(), file)
    with pytest.raises(InputError, match=damaged(path)):
        load_model(path, "train_simple")
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_network_is_named_with_the_stage_that_trains_it(tmp_path: Path) -> None:
    path = tmp_path / "simple.safetensors"
    with pytest.raises(InputError, match=re.escape(f"{path} is not there. Run `dvc repro train_simple` to make it.")):
        load_model(path, "train_simple")


# --- use


def test_a_network_is_used_for_what_it_was_trained_on() -> None:
    CNN.require(CNN.genres, CNN.featurize, CNN.input)


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"genres": ("blues", "jazz", "pop")}, "the genres"),
        ({"genres": ("jazz", "blues", "rock")}, "the genres"),
        ({"featurize": replace(CNN.featurize, n_mels=64)}, "`featurize`"),
        ({"input": replace(CNN.input, mean=0.0)}, "`input`"),
    ],
    ids=["other genres", "another order of genres", "featurize", "input"],
)
def test_a_network_trained_on_something_else_is_refused(other: dict[str, object], what: str) -> None:
    now = replace(CNN, **other)
    message = f"'simple' was trained with {what} .*, but now there is .*Run `dvc repro train_simple` to train it again"
    with pytest.raises(InputError, match=message):
        CNN.require(now.genres, now.featurize, now.input)
