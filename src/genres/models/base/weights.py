"""Trained models on disk: arrays, and all that is needed to use them alone. Nothing is run on loading.

This knows of no kind of model, so that a change to one of them leaves the training of the others alone.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from genres.core.columns import TEST, TRAIN
from genres.core.errors import InputError
from genres.core.files import atomic_write
from genres.models.base.predictions import ModelOutput
from genres.models.base.training_data import TrainingData
from genres.schema import Params

METADATA_KEY = "genres"  # a single key, because safetensors does not write several in a fixed order

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Description:
    """What a trained model is, and the parameters with which its inputs were made."""

    model: str  # its name
    architecture: Mapping[str, Any]  # how it was built: "kind" names the code that loads it, the rest is for that code
    class_names: tuple[str, ...]  # of its outputs, in order
    featurize: Mapping[str, Any] | None  # None for a model that does not see our spectrograms
    input: Mapping[str, Any] | None  # None for a model that sees spectrograms before they are resized
    dataset: Mapping[str, Any]  # the content of dataset.json
    n_train_clips: int
    test_accuracy: float
    seed: int  # of the split and the training


def describe_model(
    model: str, architecture: Mapping[str, Any], data: TrainingData, output: ModelOutput, params: Params
) -> Description:
    """Describe a model that was trained on ``data``'s train clips with ``params``, and its ``output`` for all clips.

    Of these, ``seed`` is needed, and ``featurize`` and ``input`` if the model's inputs were made with them.
    """
    featurize, input_params = (
        getattr(params, name).model_dump() if name in params.model_fields_set else None
        for name in ("featurize", "input")
    )
    is_correct = output.labels == data.labels
    return Description(
        model,
        architecture,
        data.class_names,
        featurize,
        input_params,
        data.dataset,
        n_train_clips=int((data.clips.subset == TRAIN).sum()),
        test_accuracy=float(is_correct[data.clips.subset == TEST].mean()),
        seed=params.seed,
    )


def write_weights(path: Path, arrays: Arrays, description: Description) -> None:
    """Write a model's arrays and its description to a safetensors file; the same ones give the same bytes."""
    content = save(
        {name: np.array(array, order="C") for name, array in arrays.items()},
        {METADATA_KEY: json.dumps(asdict(description), sort_keys=True)},
    )
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def read_weights(path: Path) -> tuple[dict[str, NDArray[Any]], Description]:
    """Read what `write_weights` wrote, or raise an InputError if the file is missing, damaged or anything else."""
    description = read_description(path)
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, description  # noqa: SIM118


def read_description(path: Path) -> Description:
    """Read the description alone from what `write_weights` wrote, and raise an InputError likewise."""
    if not path.is_file():
        raise InputError(f"{path} is not there. `make` and `make transfer` train the models.")
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads(file.metadata()[METADATA_KEY])
        description["class_names"] = tuple(description["class_names"])
        return Description(**description)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise unusable_model(path, error) from None


def unusable_model(path: Path, error: Exception) -> InputError:
    """Return the error that says why a file is no model that can be used."""
    why = " ".join(str(error).split())
    return InputError(
        f"{path} is damaged, or not a model of this version of the project ({why}). Train it again, or use "
        "another copy of the file."
    )
