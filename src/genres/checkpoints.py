"""Trained networks on disk: weights, and all that is needed to use them alone. Nothing is run on loading."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from genres.artifacts import damaged, require_file, whole_file
from genres.errors import InputError
from genres.models import build_model
from genres.params import Featurize, Input, Network, parse_group

METADATA_KEY = "genres"  # a single key, because safetensors does not write several in a fixed order


@dataclass(frozen=True)
class Description:
    """What a trained network is: its name, its outputs in order, and how its inputs are made."""

    model: str
    genres: tuple[str, ...]
    featurize: Featurize
    input: Input
    network: Network | None
    seed: int

    def require(self, genres: tuple[str, ...], featurize: Featurize, input_params: Input) -> None:
        """Raise an InputError if the network was trained on other genres, or on inputs made in another way."""
        for what, own, wanted in (
            ("the genres", self.genres, genres),
            ("`featurize`", self.featurize, featurize),
            ("`input`", self.input, input_params),
        ):
            if own != wanted:
                raise InputError(
                    f"The network {self.model!r} was trained with {what} {own}, but now there is {wanted}. "
                    f"Run `dvc repro train_{self.model}` to train it again."
                )


def save_model(path: Path, model: nn.Module, description: Description) -> None:
    """Write weights and description to a safetensors file; the same ones give the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    described = json.dumps(asdict(description), sort_keys=True)
    metadata = {"description": described, "sha256": _checksum(tensors, described)}
    content = save(tensors, {METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    with whole_file(path) as partial:
        partial.write_bytes(content)


def load_model(path: Path, stage: str) -> tuple[nn.Module, Description]:
    """Read a network that ``stage`` wrote, on the CPU and ready to predict.

    Raises:
        InputError: the file is missing, cut short or edited, or no network of this project.
    """
    require_file(path, stage)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads(file.metadata()[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        described = metadata["description"]
        if metadata["sha256"] != _checksum(tensors, described):
            raise ValueError("weights or metadata are not what was written")
        description = _parse_description(json.loads(described))
        model = build_model(description.network, description.input, len(description.genres))
        model.load_state_dict(tensors)
    except (SafetensorError, InputError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise damaged(path, stage, f"no network of this project ({error})") from None
    return model.eval(), description


def _parse_description(found: Mapping[str, Any]) -> Description:
    network = found["network"]
    return Description(
        model=found["model"],
        genres=tuple(found["genres"]),
        featurize=parse_group(Featurize, found["featurize"], "featurize"),
        input=parse_group(Input, found["input"], "input"),
        network=None if network is None else parse_group(Network, network, "network"),
        seed=found["seed"],
    )


def _checksum(tensors: Mapping[str, Tensor], described: str) -> str:
    digest = hashlib.sha256(described.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
