"""What a trained model makes of clips."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genres.models import predict
from genres.svm import TrainedSvm, predict_svm


class Predictions(NamedTuple):
    """The predicted genres' numbers, shape (clips,), and the probability given to each, or None for an SVM."""

    genres: NDArray[np.int64]
    confidence: NDArray[np.float64] | None


def predict_genres(model: nn.Module | TrainedSvm, inputs: Tensor) -> Predictions:
    """Predict the genres of inputs (clips, height, width). A network's confidence is its largest softmax output."""
    if isinstance(model, TrainedSvm):
        return Predictions(predict_svm(model, inputs.numpy()), None)
    probabilities = torch.softmax(predict(model, inputs).double(), dim=1)
    confidence, genres = probabilities.max(dim=1)
    return Predictions(genres.numpy(), confidence.numpy())
