"""The paper's networks."""

import pytest
import torch
from torch import nn

from genres.models import build_model, predict, trainable_parameters
from genres.params import Input, Network, Params

PAPER_INPUT = Input(64, 100, -42.88, 15.5)
TINY = Network(channels=2, hidden=4, dropout=0.25)


@pytest.mark.parametrize(("name", "parameters"), [("linear", 64_010), ("simple", 15_610), ("complex", 59_114)])
def test_a_network_has_the_papers_number_of_parameters(params: Params, name: str, parameters: int) -> None:
    network = {"linear": None, "simple": params.simple, "complex": params.complex}[name]
    assert trainable_parameters(build_model(network, params.input, genres=10)) == parameters


def test_frozen_weights_are_not_counted() -> None:
    model = build_model(None, PAPER_INPUT, 10)
    model[1].bias.requires_grad_(False)
    assert trainable_parameters(model) == 64_000


@pytest.mark.parametrize("genres", [2, 3, 10, 100])
@pytest.mark.parametrize("network", [None, TINY], ids=["linear", "cnn"])
@pytest.mark.parametrize("size", [(64, 100), (32, 32), (33, 129), (128, 1291)], ids=str)
def test_a_network_gives_a_logit_a_genre_for_any_input_size(
    network: Network | None, genres: int, size: tuple[int, int]
) -> None:
    model = build_model(network, Input(*size, 0.0, 1.0), genres)
    assert model.train()(torch.zeros(3, *size)).shape == (3, genres)


def test_the_blocks_halve_nothing_but_divide_by_four_and_round_up(params: Params) -> None:
    shapes = []
    model = build_model(params.simple, params.input, 10)
    for block in model:
        block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    model(torch.zeros(2, 64, 100))
    assert shapes == [(1, 64, 100), (8, 16, 25), (16, 4, 7), (32, 1, 2), (64,), (128,), (128,), (128,), (10,)]


def test_a_block_convolves_then_normalises_then_rectifies_then_pools(params: Params) -> None:
    block = build_model(params.simple, params.input, 10)[1]
    assert [type(layer) for layer in block] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]
    assert (block[0].kernel_size, block[0].padding) == ((3, 3), (1, 1))


def test_dropout_is_the_one_that_was_asked_for() -> None:
    model = build_model(Network(2, 4, 0.125), PAPER_INPUT, 2)
    assert [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)] == [0.125]


@pytest.mark.parametrize("network", [None, TINY], ids=["linear", "cnn"])
def test_a_prediction_does_not_depend_on_the_clips_beside_it(network: Network | None) -> None:
    torch.manual_seed(0)
    model, clips = build_model(network, PAPER_INPUT, 10).train(), torch.randn(130, 64, 100)
    together = predict(model, clips)
    assert together.shape == (130, 10)
    assert torch.allclose(together[64:65], predict(model, clips[64:65]), atol=1e-5)
    assert torch.allclose(together.flip(0), predict(model, clips.flip(0)), atol=1e-5)


def test_predicting_leaves_no_trace_on_the_model() -> None:
    model = build_model(TINY, PAPER_INPUT, 2).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    logits = predict(model, torch.randn(3, 64, 100))
    assert not logits.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    # batch norm would otherwise learn from the clips that it is tested on
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
