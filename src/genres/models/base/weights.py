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

METADATA_KEY = "genres"  # a single key, because safetensors does not write several in a fixed order

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Description:
    """What a trained model is.

    Attributes:
        model: its name.
        architecture: how it was built: ``kind`` names the code that can load it, the rest is that code's own.
        class_names: its outputs, in order.
        featurize: the parameters that its spectrograms were made with.
        input: the parameters that its inputs were made of them with.
        seed: of the split and the training.
    """

    model: str
    architecture: Mapping[str, Any]
    class_names: tuple[str, ...]
    featurize: Mapping[str, Any]
    input: Mapping[str, Any]
    seed: int


def write_weights(path: Path, arrays: Arrays, description: Description) -> None:
    """Write a model's arrays and its description to a safetensors file; the same ones give the same bytes."""
    content = save(
        {name: np.array(array, order="C") for name, array in arrays.items()},
        {METADATA_KEY: json.dumps(asdict(description), sort_keys=True)},
    )
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def read_weights(path: Path) -> tuple[dict[str, NDArray[Any]], Description]:
    """Read what `write_weights` wrote.

    Raises:
        InputError: the file is missing or damaged, or no model of this project.
    """
    stage = f"train_{path.stem}"
    require_file(path, stage)
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads(file.metadata()[METADATA_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        description["class_names"] = tuple(description["class_names"])
        return arrays, Description(**description)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, stage, f"no model of this project ({error})") from None
