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

from genres.core.files import atomic_write, damaged, require_file
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
    seed: int  # of the split and the training


def describe_model(
    model: str, architecture: Mapping[str, Any], class_names: tuple[str, ...], params: Params
) -> Description:
    """Describe a model that was trained with ``params``: ``seed``, and ``featurize`` and ``input`` if it used them."""
    featurize, input_params = (
        getattr(params, name).model_dump() if name in params.model_fields_set else None
        for name in ("featurize", "input")
    )
    return Description(model, architecture, class_names, featurize, input_params, params.seed)


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
    stage = f"train_{path.stem}"
    require_file(path, stage)
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads(file.metadata()[METADATA_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        description["class_names"] = tuple(description["class_names"])
        return arrays, Description(**description)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, stage, f"not a model of this project ({error})") from None
