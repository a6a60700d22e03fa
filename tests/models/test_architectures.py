import numpy as np
import pytest
import torch
from torch import nn

from genres.models.networks.architectures import Crops, build_network, predict_logits, predict_network
from genres.schema import Input, Network, Params

PAPER_INPUT = Input(height=64, width=100, mean=-42.88, std=15.5)
TINY = Network(channels=2, hidden=4, dropout=0.125, crop=None)
CROPS = TINY.model_copy(update={"crop": 32})
NETWORKS = pytest.mark.parametrize("network", [None, TINY, CROPS], ids=["linear", "cnn", "crops"])


@pytest.mark.parametrize(("name", "count"), [("linear", 64_010), ("simple", 15_610), ("complex", 59_114)])
def test_a_network_has_the_papers_number_of_parameters(params: Params, name: str, count: int) -> None:
    network = build_network(getattr(params, name, None), params.input, 10)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("n_classes", [2, 100])
@NETWORKS
@pytest.mark.parametrize("size", [(64, 100), (32, 32), (33, 129), (128, 1291)], ids=str)
def test_a_network_gives_a_logit_a_class_for_any_input_size(
    network: Network | None, n_classes: int, size: tuple[int, int]
) -> None:
    model = build_network(network, Input(height=size[0], width=size[1], mean=0.0, std=1.0), n_classes)
    assert model.train()(torch.zeros(3, *size)).shape == (3, n_classes)


def test_a_cnn_has_the_papers_layers() -> None:
    layers = [layer for layer in build_network(TINY, PAPER_INPUT, 2).modules() if not isinstance(layer, nn.Sequential)]
    blocks = 3 * [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]
    tail = [nn.Flatten, nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert [type(layer) for layer in layers] == [nn.Unflatten, *blocks, *tail]
    assert (layers[1].kernel_size, layers[1].padding, layers[-2].p) == ((3, 3), (1, 1), 0.125)


class Seen(nn.Module):
    """Gives what it sees of the first mel band, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.first_frames: list[int] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.first_frames += inputs[:, 0, 0].int().tolist()
        assert torch.equal(inputs - inputs[:, :1, :1], torch.arange(32.0).expand_as(inputs))  # frames in a row
        return inputs[:, 0, :3]


@pytest.mark.parametrize(
    ("width", "starts"), [(32, [0]), (33, [0, 0, 1]), (64, [0, 16, 32]), (100, [0, 11, 23, 34, 45, 57, 68])]
)
def test_crops_are_random_in_training_and_else_cover_the_clip_evenly(width: int, starts: list[int]) -> None:
    model = Crops(nn.Sequential(seen := Seen()), 32)
    inputs = torch.arange(float(width)).expand(500, 2, width)
    logits = model.eval()(inputs)
    assert seen.first_frames == [start for start in starts for _ in inputs]
    assert torch.allclose(logits, torch.arange(3.0) + torch.tensor(starts).float().mean())
    seen.first_frames.clear()
    torch.manual_seed(0)
    model.train()(inputs)
    assert set(seen.first_frames) == set(range(width - 32 + 1))  # each clip its own, the last frames among them


def test_crops_cannot_be_wider_than_the_input() -> None:
    with pytest.raises(ValueError, match="crops of 101 frames are wider than the input, 100"):
        build_network(TINY.model_copy(update={"crop": 101}), PAPER_INPUT, 2)


@NETWORKS
def test_a_prediction_depends_on_no_other_clip_and_leaves_no_trace_on_the_model(network: Network | None) -> None:
    torch.manual_seed(0)
    model, inputs = build_network(network, PAPER_INPUT, 10).train(), torch.randn(130, 64, 100)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    together = predict_logits(model, inputs)
    assert together.shape == (130, 10)
    assert not together.requires_grad
    assert torch.allclose(together[64:65], predict_logits(model, inputs[64:65]), atol=1e-5)
    assert torch.allclose(together.flip(0), predict_logits(model, inputs.flip(0)), atol=1e-5)
    # Batch norm would otherwise learn from the clips that it is tested on.
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    logits = np.array([[[0, 2, 1]], [[5, 5, -50]], [[1e30, -1e30, 0]]], np.float32)
    output = predict_network(nn.Flatten(), logits)
    assert output.labels.tolist() == [1, 0, 0]  # of equals the first
    assert output.probabilities is not None
    assert output.probabilities.dtype == np.float64
    total = 1 + np.e + np.e**2
    expected = [[1 / total, np.e**2 / total, np.e / total], [0.5, 0.5, np.exp(-55) / 2], [1, 0, 0]]
    np.testing.assert_allclose(output.probabilities, expected)
