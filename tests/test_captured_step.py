"""A step of the training never waits for its device, and on a CUDA GPU its graph does the same as the step itself."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from genres import training
from genres.captured_step import CapturedStep
from genres.inputs import LabelledClips
from genres.models import build_model
from genres.params import Input, Network, Train
from genres.seeding import seed_torch
from genres.training import Epoch, train

INPUT = Input(height=32, width=40, mean=0, std=1)
NETWORKS = pytest.mark.parametrize("network", [None, Network(2, 8, 0.5)], ids=["linear", "cnn"])
WAITING = {"aten._local_scalar_dense", "aten.nonzero", "aten.equal", "aten.masked_select", "aten._to_copy"}

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")


class Recorded(TorchDispatchMode):
    """Notes what torch is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        self.calls.append(str(function.overloadpacket))
        return function(*arguments, **(keywords or {}))


@NETWORKS
def test_a_step_has_nothing_in_it_that_waits_for_the_device(network: Network | None) -> None:
    inputs, genres = torch.randn(20, 32, 40), torch.arange(20) % 3
    model = build_model(network, INPUT, 3)
    step = training._Step(model.train(), inputs, genres, training.Adam(model.parameters(), 1e-3))
    with Recorded() as recorded:
        step(torch.randperm(20)[:8])
    assert "aten._fused_adam_" in recorded.calls
    assert not WAITING.intersection(recorded.calls)


def test_what_a_step_changes_is_known() -> None:
    """Else a capture would not put it back after its warm-up."""
    torch.manual_seed(0)
    model = build_model(Network(2, 8, 0.0), INPUT, 3).train()
    adam = training.Adam(model.parameters(), 1e-3)
    step = training._Step(model, torch.randn(20, 32, 40), torch.arange(20) % 3, adam)

    def all_there_is() -> list[Tensor]:
        kept = [*model.state_dict().values(), *adam.means, *adam.squares, *adam.steps, step.loss_sum, step.right]
        return [tensor.detach().clone() for tensor in kept]

    step(torch.arange(8, 16))
    before, kept = all_there_is(), [tensor.detach().clone() for tensor in step.changed]
    step(torch.arange(8))
    changed = all_there_is()
    assert sum(not torch.equal(*pair) for pair in zip(before, changed, strict=True)) > 0.9 * len(before)
    CapturedStep(step, step.changed)._put_back(kept)
    assert all(torch.equal(*pair) for pair in zip(before, all_there_is(), strict=True))
    step(torch.arange(8))
    assert all(torch.equal(*pair) for pair in zip(changed, all_there_is(), strict=True))


@pytest.fixture
def on_the_gpu() -> Iterator[LabelledClips]:
    seed_torch(0)  # as the stages do, which allows deterministic algorithms only
    yield LabelledClips(torch.randn(83, 32, 40), torch.arange(83) % 3).to(torch.device("cuda"))
    torch.set_deterministic_debug_mode("default")


@needs_gpu
@NETWORKS
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_graph_learns_what_the_step_learns(
    on_the_gpu: LabelledClips, network: Network | None, dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if network:
        network = Network(network.channels, network.hidden, dropout)
    model = build_model(network, INPUT, 3).cuda()
    naive = copy.deepcopy(model)
    params = Train(epochs=4, batch_size=20, learning_rate=1e-3)  # the last batch has 3 clips

    def curve(trained: nn.Module) -> list[Epoch]:
        torch.manual_seed(1)
        return list(train(trained, on_the_gpu, on_the_gpu, params, seed=2))

    found = curve(model)
    monkeypatch.setattr(training, "CapturedStep", lambda step, _: step)
    expected = curve(naive)
    assert found[-1].number == 4
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.train.loss == pytest.approx(theirs.train.loss, rel=1e-4)
        assert ours.test.loss == pytest.approx(theirs.test.loss, rel=1e-4)


@needs_gpu
def test_a_captured_step_waits_for_nothing(on_the_gpu: LabelledClips) -> None:
    model = build_model(Network(2, 8, 0.5), INPUT, 3).cuda().train()
    step = training._Step(model, on_the_gpu.inputs, on_the_gpu.genres, training.Adam(model.parameters(), 1e-3))
    captured = CapturedStep(step, step.changed)
    batches = torch.randperm(83).cuda().split(20)
    for batch in batches:
        captured(batch)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches:
            captured(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert step.scores().loss > 0
