"""The CNNs' faster form, against the plain modules."""

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from toy import toy_clips

from genres.models.networks import accelerator, training
from genres.models.networks.accelerator import faster_on_cpu
from genres.models.networks.accelerator.blocks import CLIPS_PER_TASK, FirstBlock, LaterBlock
from genres.models.networks.accelerator.layout import PatchedClips
from genres.models.networks.accelerator.network import FastCNN
from genres.models.networks.architectures import build_network, predict_logits
from genres.models.networks.training import Epoch, train
from genres.schema import Input, Network, Train


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def plain_model(height: int, width: int) -> nn.Sequential:
    """Return a CNN whose batch norms have weights below, at and above 0."""
    torch.manual_seed(0)
    size, shape = (
        Network(channels=3, hidden=8, dropout=0.25, crop=None),
        Input(height=height, width=width, mean=0.0, std=1.0),
    )
    model = build_network(size, shape, 5).double()
    for block in model[1:4]:
        nn.init.normal_(block[1].weight)
        nn.init.normal_(block[1].bias)
        nn.init.uniform_(block[1].running_var, 0.5, 2)
        nn.init.normal_(block[1].running_mean)
        block[1].weight.data[:2] = torch.tensor([0.0, -1.0])
    return model


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).double() + 0.5


def test_only_a_cnn_on_a_cpu_takes_its_faster_form() -> None:
    cnn, inputs = plain_model(32, 40), noise(2, 32, 40)
    with faster_on_cpu(cnn, inputs, inputs) as faster:
        assert [type(part) for part in faster] == [FastCNN, PatchedClips, PatchedClips]
    elsewhere = inputs.to("meta")  # in place of a GPU
    for plain in ((nn.Linear(2, 2), inputs, inputs), (cnn, elsewhere, elsewhere)):
        with faster_on_cpu(*plain) as same:
            assert all(ours is given for ours, given in zip(same, plain, strict=True))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 45), (34, 39), (64, 100)])
@pytest.mark.parametrize("n_clips", [2, CLIPS_PER_TASK, CLIPS_PER_TASK + 3])
@pytest.mark.parametrize("flat", [False, True])
def test_a_training_step_and_an_evaluation_are_those_of_the_plain_model(
    height: int, width: int, n_clips: int, flat: bool, workers: ThreadPoolExecutor
) -> None:
    plain, inputs = plain_model(height, width), noise(70, height, width)
    if flat:  # as silence is: a window has many equal values, of which the first gets the gradient
        inputs[:, :, 10:] = -1.0
        inputs[20:, 7:] = 0.5
    batch = torch.arange(n_clips) * 7 % 30  # out of order, and some of them twice
    fast = FastCNN(copy.deepcopy(plain), workers)
    logits, evaluated = [], []
    for model, form in ((plain, inputs), (fast, PatchedClips.of(inputs))):
        torch.manual_seed(2)  # of dropout
        logits.append(model.train()(form[batch]))
        functional.cross_entropy(logits[-1], torch.arange(n_clips) % 5).backward()
        evaluated.append(predict_logits(model, form))
    assert torch.allclose(*logits, rtol=1e-9)
    assert torch.allclose(*evaluated, rtol=1e-8)
    for (name, parameter), own in zip(plain.named_parameters(), fast.plain.parameters(), strict=True):
        if name.endswith(".0.bias"):  # a convolution's, which changes nothing
            assert own.grad is None
            assert torch.allclose(parameter.grad, torch.zeros(()).double(), atol=1e-12)
        else:
            assert torch.allclose(parameter.grad, own.grad, rtol=1e-8, atol=1e-12), name
    for (name, buffer), own in zip(plain.named_buffers(), fast.plain.buffers(), strict=True):
        assert torch.allclose(buffer, own, rtol=1e-9), name


@pytest.mark.parametrize("function", [FirstBlock, LaterBlock])
@pytest.mark.parametrize(("height", "width"), [(5, 6), (4, 8), (7, 3), (2, 3)])
def test_the_gradients_of_a_block_are_finite_differences(
    function: type[torch.autograd.Function], height: int, width: int, workers: ThreadPoolExecutor
) -> None:
    first = function is FirstBlock
    block = nn.Sequential(nn.Conv2d(1 if first else 2, 3, 3), nn.BatchNorm2d(3)).double()
    x = PatchedClips.of(noise(3, height, width)) if first else noise(3, 2, height, width).requires_grad_()
    nn.init.normal_(block[0].weight, generator=torch.Generator().manual_seed(0))
    block[1].weight.data[:] = torch.tensor([0.7, -1.2, 0.3])
    block[1].bias.data[:] = torch.tensor([0.2, 0.1, -0.1])
    own = (x, block[0].weight, *block[1].parameters())
    assert torch.autograd.gradcheck(lambda *inputs: function.apply(*inputs, block, workers), own)


# --- whole trainings, in float32


TRAIN_CLIPS, TEST_CLIPS = toy_clips(90, 0, 64, 100), toy_clips(40, 1, 64, 100)
TRAIN = Train(epochs=5, batch_size=40, learning_rate=1e-4, device="cpu")  # the last batch has ten


def trained(channels: int) -> tuple[list[Epoch], nn.Sequential]:
    torch.manual_seed(0)
    size, shape = (
        Network(channels=channels, hidden=32, dropout=0.25, crop=None),
        Input(height=64, width=100, mean=0.0, std=1.0),
    )
    model = build_network(size, shape, 3)
    return list(train(model, TRAIN_CLIPS, TEST_CLIPS, TRAIN, seed=3)), model


@pytest.mark.parametrize("channels", [8, 16])
def test_the_losses_are_those_of_the_plain_model(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs, _ = trained(channels)
    monkeypatch.setattr(training, "faster_on_cpu", lambda *plain: nullcontext(plain))
    plain, _ = trained(channels)
    for subset in ("train", "test"):
        losses, expected = ([getattr(epoch, subset).loss for epoch in curve] for curve in (epochs, plain))
        assert losses == pytest.approx(expected, rel=1e-3)


def test_the_number_of_cores_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(accelerator, "available_cores", lambda cores=cores: cores)
        epochs, model = trained(8)
        outcomes.append((epochs, [tensor.numpy().tobytes() for tensor in model.state_dict().values()]))
    assert outcomes[0] == outcomes[1] == outcomes[2]
