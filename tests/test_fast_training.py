"""The CNNs' faster form, against the plain modules."""

import copy
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from tiny import ROOT
from torch import Tensor, nn
from torch.nn import functional
from toy import toy_clips

from genres.errors import InputError
from genres.fast_training import CLIPS_AT_ONCE, FastCNN, FirstBlock, LaterBlock, PatchedClips, clip_workers
from genres.models import build_model, predict
from genres.params import Input, Network, Train
from genres.training import Epoch, train

sys.path.insert(0, str(ROOT / "benchmarks"))
from plain_loop import train_plainly

EPS = 1e-5
SIZES = pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 45), (34, 39), (64, 100)])
CLIPS = pytest.mark.parametrize("clips", [2, CLIPS_AT_ONCE, CLIPS_AT_ONCE + 3])


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with clip_workers() as pool:
        yield pool


def plain_model(height: int, width: int, channels: int = 3, dropout: float = 0.25) -> nn.Sequential:
    """Return a CNN whose first block's batch norm has weights below, at and above 0."""
    torch.manual_seed(0)
    model = build_model(Network(channels, 8, dropout), Input(height, width, 0.0, 1.0), 5).double()
    for block in model[1:4]:
        nn.init.normal_(block[1].weight)
        nn.init.normal_(block[1].bias)
        nn.init.uniform_(block[1].running_var, 0.5, 2)
        nn.init.normal_(block[1].running_mean)
        block[1].weight.data[:2] = torch.tensor([0.0, -1.0])
    return model


def noise(clips: int, height: int, width: int) -> Tensor:
    return torch.randn(clips, height, width, generator=torch.Generator().manual_seed(1)).double() + 0.5


@SIZES
@CLIPS
def test_a_training_step_is_that_of_the_plain_model(
    height: int, width: int, clips: int, workers: ThreadPoolExecutor
) -> None:
    plain, inputs = plain_model(height, width), noise(clips, height, width)
    fast = FastCNN(copy.deepcopy(plain), workers)
    logits = []
    for model, form in ((plain, inputs), (fast, PatchedClips.of(inputs))):
        torch.manual_seed(2)  # of dropout
        logits.append(model.train()(form))
        functional.cross_entropy(logits[-1], torch.arange(clips) % 5).backward()
    assert torch.allclose(*logits, rtol=1e-9)
    for (name, parameter), own in zip(plain.named_parameters(), fast.plain.parameters(), strict=True):
        if name.endswith(".0.bias"):  # a convolution's, which changes nothing
            assert own.grad is None
            assert torch.allclose(parameter.grad, torch.zeros(()).double(), atol=1e-12)
        else:
            assert torch.allclose(parameter.grad, own.grad, rtol=1e-8, atol=1e-12), name
    for (name, buffer), own in zip(plain.named_buffers(), fast.plain.buffers(), strict=True):
        assert torch.allclose(buffer, own, rtol=1e-9), name


@SIZES
@CLIPS
def test_an_evaluation_is_that_of_the_plain_model(
    height: int, width: int, clips: int, workers: ThreadPoolExecutor
) -> None:
    plain, inputs = plain_model(height, width), noise(clips, height, width)
    fast = predict(FastCNN(plain, workers), PatchedClips.of(inputs))
    assert torch.allclose(fast, predict(plain, inputs), rtol=1e-9)


def test_some_of_the_clips_are_those_clips(workers: ThreadPoolExecutor) -> None:
    plain, inputs = plain_model(32, 40), noise(9, 32, 40)
    chosen = torch.tensor([4, 0, 8, 4])
    fast = FastCNN(copy.deepcopy(plain), workers).train()
    torch.manual_seed(0)
    expected = plain.train()(inputs[chosen])
    torch.manual_seed(0)
    assert torch.allclose(fast(PatchedClips.of(inputs)[chosen]), expected)


@pytest.mark.parametrize(("height", "width"), [(5, 6), (4, 8), (7, 3)])
def test_the_first_block_s_gradients_are_its_differences(height: int, width: int, workers: ThreadPoolExecutor) -> None:
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 1, 3, 3, generator=random).double().requires_grad_()
    gamma = torch.tensor([0.7, -1.2, 0.3]).double().requires_grad_()
    beta = torch.tensor([0.2, 0.1, -0.1]).double().requires_grad_()
    clips = PatchedClips.of(noise(3, height, width))
    assert torch.autograd.gradcheck(lambda *own: FirstBlock.apply(*own, EPS, clips, workers), (weight, gamma, beta))


@pytest.mark.parametrize(("height", "width"), [(5, 6), (4, 4), (2, 3)])
def test_a_later_block_s_gradients_are_its_differences(height: int, width: int, workers: ThreadPoolExecutor) -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, height, width, generator=random).double().requires_grad_()
    weight = torch.randn(3, 2, 3, 3, generator=random).double().requires_grad_()
    gamma = torch.tensor([0.7, -1.2, 0.3]).double().requires_grad_()
    beta = torch.tensor([0.2, 0.1, -0.1]).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda *own: LaterBlock.apply(*own, EPS, workers), (x, weight, gamma, beta))


def test_the_first_of_equal_peaks_gets_the_gradient(workers: ThreadPoolExecutor) -> None:
    """Silence is the same everywhere: clips with long flat parts have many equal values in a window."""
    plain, inputs = plain_model(32, 40), noise(6, 32, 40)
    inputs[:, :, 10:] = -1.0
    inputs[2:, 7:] = 0.5
    fast = FastCNN(copy.deepcopy(plain), workers)
    for model, form in ((plain, inputs), (fast, PatchedClips.of(inputs))):
        torch.manual_seed(0)
        functional.cross_entropy(model.train()(form), torch.arange(6) % 5).backward()
    for (name, parameter), own in zip(plain.named_parameters(), fast.plain.parameters(), strict=True):
        if not name.endswith(".0.bias"):
            assert torch.allclose(parameter.grad, own.grad, rtol=1e-6, atol=1e-10), name


# --- whole trainings, in float32


TRAIN_CLIPS, TEST_CLIPS = toy_clips(90, 0, 64, 100), toy_clips(40, 1, 64, 100)
TRAIN = Train(epochs=5, batch_size=40, learning_rate=1e-4)  # the last batch has ten


def fresh(channels: int) -> nn.Sequential:
    torch.manual_seed(0)
    return build_model(Network(channels, 32, 0.25), Input(64, 100, 0.0, 1.0), 3)


def trained(channels: int) -> tuple[list[Epoch], nn.Sequential]:
    model = fresh(channels)
    return list(train(model, TRAIN_CLIPS, TEST_CLIPS, TRAIN, seed=3)), model


@pytest.mark.parametrize("channels", [8, 16])
def test_the_losses_are_those_of_the_plain_loop(channels: int) -> None:
    epochs, _ = trained(channels)
    order = torch.Generator().manual_seed(3)
    plain = list(train_plainly(fresh(channels), TRAIN_CLIPS, TEST_CLIPS, TRAIN, order))
    for epoch, expected in zip(epochs, plain, strict=True):
        assert epoch.train.loss == pytest.approx(expected.train.loss, rel=1e-3)
        assert epoch.test.loss == pytest.approx(expected.test.loss, rel=1e-3)


def test_the_trained_weights_are_the_plain_model_s() -> None:
    epochs, model = trained(8)
    other = build_model(Network(8, 32, 0.25), Input(64, 100, 0.0, 1.0), 3)
    other.load_state_dict(model.state_dict())
    loss = functional.cross_entropy(predict(other, TEST_CLIPS.inputs), TEST_CLIPS.genres).item()
    assert loss == pytest.approx(epochs[-1].test.loss, rel=1e-5)


def test_the_number_of_threads_changes_no_bit() -> None:
    threads = torch.get_num_threads()
    outcomes = []
    try:
        for number in (1, 2, 5):
            torch.set_num_threads(number)
            epochs, model = trained(8)
            assert torch.get_num_threads() == number
            outcomes.append((epochs, [tensor.numpy().tobytes() for tensor in model.state_dict().values()]))
    finally:
        torch.set_num_threads(threads)
    assert outcomes[0] == outcomes[1] == outcomes[2]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_input_that_is_no_number_is_noticed(value: float) -> None:
    clips = toy_clips(20, 0, 64, 100)
    clips.inputs[3, 5, 5] = value
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(InputError, match="training loss is nan in epoch 1"),
    ):
        list(train(fresh(8), clips, TEST_CLIPS, TRAIN, seed=0))
