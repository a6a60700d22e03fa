"""The weights file: the same bytes each time, whole or not at all, and nothing run on reading."""

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from safetensors.numpy import save

from genres.core.errors import InputError
from genres.models.base.weights import Description, read_weights, write_weights

DESCRIPTION = Description(
    model="any",
    architecture={"kind": "any", "nested": {"sizes": [1, 2]}, "rate": 0.25},
    class_names=("blues", "NA", "a,b"),
    featurize={"n_mels": 128},
    input={"height": 32, "std": 15.5},
    dataset={"title": "Any", "synthetic": True},
    n_train_clips=30,
    test_accuracy=0.5,
    seed=3,
)
ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "turned": np.arange(6.0).reshape(2, 3).T,  # not in C's order, which safetensors would write wrongly
    "count": np.array(7),
}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "any.safetensors"
    write_weights(path, ARRAYS, DESCRIPTION)
    return path


def test_what_was_written_is_read(weights: Path) -> None:
    arrays, description = read_weights(weights)
    assert description == DESCRIPTION
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)


def test_the_same_model_is_the_same_bytes_and_its_description_is_part_of_them(weights: Path) -> None:
    first = weights.read_bytes()
    write_weights(weights, ARRAYS, DESCRIPTION)
    assert weights.read_bytes() == first
    for other in (replace(DESCRIPTION, seed=4), replace(DESCRIPTION, class_names=("blues", "jazz", "pop"))):
        write_weights(weights, ARRAYS, other)
        assert weights.read_bytes() != first


def test_writing_that_fails_leaves_the_old_model(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = weights.read_bytes()
    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError("No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        write_weights(weights, ARRAYS, replace(DESCRIPTION, seed=4))
    assert weights.read_bytes() == first


class Bomb:
    """What a pickle may do when it is loaded."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return Path.touch, (Path("exploded"),)


def holding(**metadata: str) -> bytes:
    return save({"weight": np.zeros(1)}, metadata)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:4],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"\0" + content[1:],  # the header's length
        lambda content: content[:8] + b"[" + content[9:],
        lambda content: content.replace(b'"__metadata__"', b'"__metabase__"'),
        lambda content: content.replace(b"seed", b"need"),
        lambda content: save({"weight": np.zeros(1)}),
        lambda content: holding(other="1"),
        lambda content: holding(genres="{"),
        lambda content: holding(genres='{"class_names": []}'),
        lambda content: holding(genres="[]"),
        lambda content: holding(genres='"text"'),
        lambda content: pickle.dumps(Bomb()),
    ],
)
def test_a_damaged_file_is_refused_and_nothing_in_it_is_run(
    weights: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    monkeypatch.chdir(weights.parent)
    before = weights.read_bytes()
    weights.write_bytes(damage(before))
    assert weights.read_bytes() != before
    message = re.escape(f"{weights} is damaged, or not a model of this version of the project (")
    with pytest.raises(InputError, match=message):
        read_weights(weights)
    assert list(weights.parent.iterdir()) == [weights]


def test_a_missing_file_is_named_with_what_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "simple.safetensors"
    with pytest.raises(InputError, match=re.escape(f"{path} is not there. `make` and `make transfer` train")):
        read_weights(path)
