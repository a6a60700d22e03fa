"""Trained models on disk: arrays, and all that is needed to use them alone. Nothing is run on loading.

This knows of no kind of model, so that a change to one of them leaves the training of the others alone.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from genres.artifacts import damaged, require_file, whole_file
from genres.errors import InputError
from genres.params import Featurize, Input, Network, Svm, parse_group

METADATA_KEY = "genres"  # a single key, because safetensors does not write several in a fixed order

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Description:
    """What a trained model is: its name, its outputs in order, how its inputs are made, and how it was built."""

    model: str
    genres: tuple[str, ...]
    featurize: Featurize
    input: Input
    architecture: Network | Svm | None
    seed: int

    def require(self, genres: tuple[str, ...], featurize: Featurize, input_params: Input) -> None:
        """Raise an InputError if the model was trained on other genres, or on inputs made in another way."""
        for what, own, wanted in (
            ("the genres", self.genres, genres),
            ("`featurize`", self.featurize, featurize),
            ("`input`", self.input, input_params),
        ):
            if own != wanted:
                raise InputError(
                    f"The model {self.model!r} was trained with {what} {own}, but now there is {wanted}. "
                    f"Run `dvc repro train_{self.model}` to train it again."
                )


def save_arrays(path: Path, arrays: Arrays, description: Description) -> None:
    """Write a model's arrays and its description to a safetensors file; the same ones give the same bytes."""
    arrays = {name: np.array(array, order="C") for name, array in arrays.items()}
    described = json.dumps(asdict(description), sort_keys=True)
    metadata = {"description": described, "sha256": _checksum(arrays, described)}
    content = save(dict(arrays), {METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    with whole_file(path) as partial:
        partial.write_bytes(content)


def read_arrays(path: Path, stage: str) -> tuple[dict[str, NDArray[Any]], Description]:
    """Read what ``stage`` wrote with `save_arrays`.

    Raises:
        InputError: the file is missing, cut short or edited, or no model of this project.
    """
    require_file(path, stage)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads(file.metadata()[METADATA_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        described = metadata["description"]
        if metadata["sha256"] != _checksum(arrays, described):
            raise ValueError("weights or metadata are not what was written")
        return arrays, _parse_description(json.loads(described))
    except (SafetensorError, InputError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, stage, f"no model of this project ({error})") from None


def _parse_description(found: Mapping[str, Any]) -> Description:
    architecture = found["architecture"]
    if architecture is not None:
        kind = Svm if found["model"] == "svm" else Network
        architecture = parse_group(kind, architecture, "architecture")
    return Description(
        model=found["model"],
        genres=tuple(found["genres"]),
        featurize=parse_group(Featurize, found["featurize"], "featurize"),
        input=parse_group(Input, found["input"], "input"),
        architecture=architecture,
        seed=found["seed"],
    )


def _checksum(arrays: Arrays, described: str) -> str:
    digest = hashlib.sha256(described.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
