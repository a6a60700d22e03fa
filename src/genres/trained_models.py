"""Trained models from disk, of whatever kind, ready to predict."""

from pathlib import Path

import torch
from torch import nn

from genres.artifacts import damaged
from genres.checkpoints import Description, read_arrays
from genres.models import build_model
from genres.params import Svm
from genres.svm import TrainedSvm


def load_model(path: Path, stage: str) -> tuple[nn.Module | TrainedSvm, Description]:
    """Read a model that ``stage`` wrote; a network is on the CPU and ready to predict.

    Raises:
        InputError: the file is missing, cut short or edited, or no model of this project.
    """
    arrays, description = read_arrays(path, stage)
    try:
        if isinstance(description.architecture, Svm):
            return _require_shape(TrainedSvm(**arrays), description), description
        network = build_model(description.architecture, description.input, len(description.genres))
        network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except (ValueError, TypeError, RuntimeError) as error:
        raise damaged(path, stage, f"no model of this project ({error})") from None
    return network.eval(), description


def _require_shape(trained: TrainedSvm, description: Description) -> TrainedSvm:
    points = description.input.height * description.input.width
    if trained.support_vectors.shape[1:] != (points,) or trained.vectors_per_genre.shape != (len(description.genres),):
        raise ValueError("arrays of other shapes than its description says")
    return trained
