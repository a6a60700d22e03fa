"""What a trained model makes of clips."""

import numpy as np
import pytest
import torch
from torch import nn

from genres.params import Svm
from genres.predictions import predict_genres
from genres.svm import train_svm


class Fixed(nn.Module):
    """Logits that are the inputs themselves."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.flatten(1)


def test_a_network_s_confidence_is_the_largest_softmax_output() -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0], [5.0, 5.0, -50.0]])
    genres, confidence = predict_genres(Fixed(), logits[:, None, :])
    assert confidence is not None
    assert genres.tolist() == [1, 0]  # of equals the first
    assert confidence == pytest.approx([np.e**2 / (1 + np.e + np.e**2), 0.5])


def test_huge_logits_are_a_confidence_of_one_and_no_overflow() -> None:
    _, confidence = predict_genres(Fixed(), torch.tensor([[[1e30, -1e30]]]))
    assert confidence is not None
    assert confidence.tolist() == [1.0]


def test_a_machine_has_no_confidence() -> None:
    inputs = np.array([[[0.0]], [[0.1]], [[5.0]], [[5.1]]], np.float32)
    machine = train_svm(inputs, np.array([0, 0, 1, 1]), Svm("linear", 1.0))
    genres, confidence = predict_genres(machine, torch.from_numpy(inputs))
    assert genres.tolist() == [0, 0, 1, 1]
    assert confidence is None
