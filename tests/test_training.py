"""The epoch loop."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from toy import toy_clips

from genres.errors import InputError
from genres.inputs import LabelledClips, label_clips, model_input
from genres.models import build_model, predict
from genres.params import Input, Network, Params, Train
from genres.splits import stratified_split
from genres.training import Epoch, Scores, choose_device, evaluate, train

INPUT = Input(32, 40, 0.0, 1.0)
TINY = Network(channels=2, hidden=8, dropout=0.25)
TRAIN = Train(epochs=3, batch_size=4, learning_rate=1e-3)


def fresh(network: Network | None, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_model(network, INPUT, 3)


def weights(model: nn.Module) -> bytes:
    return b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())


def without_idle_biases(model: nn.Module) -> dict[str, torch.Tensor]:
    """Leave out the bias of a convolution before a batch norm, and the running mean that follows it.

    Its gradient is 0 but for rounding errors, after which Adam takes steps of full size; they change no result.
    """
    return {
        name: tensor for name, tensor in model.state_dict().items() if not name.endswith((".0.bias", "running_mean"))
    }


@pytest.fixture(autouse=True)
def one_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """More threads than cores would make these small products many times slower where the cores are busy."""
    threads = torch.get_num_threads()
    if "real_data" not in request.fixturenames:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


NETWORKS = pytest.mark.parametrize("network", [None, TINY], ids=["linear", "cnn"])


@NETWORKS
def test_what_can_be_learned_is_learned(network: Network | None) -> None:
    params = Train(epochs=30, batch_size=16, learning_rate=5e-3)
    epochs = list(train(fresh(network), toy_clips(48), toy_clips(24, seed=1), params, seed=0))
    assert [epoch.number for epoch in epochs] == list(range(1, 31))
    assert epochs[-1].train.loss < 0.5 * epochs[0].train.loss
    assert epochs[-1].test.loss < epochs[0].test.loss
    assert epochs[-1].test.accuracy > 0.9


@NETWORKS
def test_a_seed_gives_the_same_training_again_bit_for_bit(network: Network | None) -> None:
    outcomes = []
    for _ in range(2):
        model = fresh(network)  # which seeds torch's own generator, from which dropout draws
        curve = list(train(model, toy_clips(10), toy_clips(6, seed=1), TRAIN, seed=5))
        outcomes.append((curve, weights(model)))
    assert outcomes[0] == outcomes[1]


def test_another_seed_gives_another_order_of_the_batches() -> None:
    curves = [list(train(fresh(None), toy_clips(10), toy_clips(6), TRAIN, seed)) for seed in (5, 6)]
    assert curves[0] != curves[1]


def test_every_epoch_has_an_order_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    model = fresh(None)
    model.register_forward_hook(lambda module, inputs, _: seen.append(inputs[0]) if module.training else None)
    clips = toy_clips(10)
    list(train(model, clips, toy_clips(6), replace(TRAIN, epochs=2), seed=0))
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = torch.cat(seen[:3]), torch.cat(seen[3:])
    assert not torch.equal(first, second)
    for epoch in (first, second):  # each clip once
        assert torch.equal(epoch.flatten(1).sum(1).sort().values, clips.inputs.flatten(1).sum(1).sort().values)


@NETWORKS
def test_the_train_scores_are_the_means_over_the_clips_as_they_were_trained_on(network: Network | None) -> None:
    clips, model = toy_clips(10), fresh(network)
    naive = copy.deepcopy(model)
    torch.manual_seed(1)
    found = next(train(model, clips, toy_clips(6), TRAIN, seed=2)).train

    torch.manual_seed(1)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(2)).tolist()
    optimizer = torch.optim.Adam(naive.parameters(), lr=1e-3)
    losses, hits = [], []
    for batch in (order[:4], order[4:8], order[8:]):  # the last is smaller and counts for less
        logits = naive.train()(clips.inputs[batch])
        each = -functional.log_softmax(logits, dim=1)[range(len(batch)), clips.genres[batch]]
        losses += each.tolist()
        hits += (logits.argmax(1) == clips.genres[batch]).tolist()
        naive.zero_grad()
        each.mean().backward()
        optimizer.step()
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert found.accuracy == pytest.approx(np.mean(hits))
    state, naive_state = without_idle_biases(model), without_idle_biases(naive)
    for name, tensor in state.items():
        assert torch.allclose(tensor.double(), naive_state[name].double(), atol=1e-5)


@NETWORKS
def test_the_test_scores_are_those_of_the_weights_after_the_epoch_without_dropout(network: Network | None) -> None:
    model, test_clips = fresh(network), toy_clips(7, seed=1)
    for epoch in train(model, toy_clips(10), test_clips, TRAIN, seed=0):
        logits = copy.deepcopy(model).eval()(test_clips.inputs)
        assert epoch.test.loss == pytest.approx(functional.cross_entropy(logits, test_clips.genres).item(), rel=1e-5)
        assert epoch.test.accuracy == pytest.approx((logits.argmax(1) == test_clips.genres).double().mean().item())


def test_scores_are_those_worked_out_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 3.0], [0.0, 1.0]]).log_softmax(dim=1)
    scores = evaluate(nn.Flatten(), LabelledClips(logits[:, None], torch.tensor([0, 1, 0, 1])))
    expected = [np.log1p(np.exp(-2)), np.log(2), np.log1p(np.exp(3)), np.log1p(np.exp(-1))]
    assert scores == Scores(pytest.approx(np.mean(expected), rel=1e-6), 0.5)


@NETWORKS
def test_the_test_clips_do_not_influence_the_weights(network: Network | None) -> None:
    trained = []
    for test_clips in (toy_clips(6, seed=1), toy_clips(70, seed=2)):
        model = fresh(network)
        curve = [epoch.train for epoch in train(model, toy_clips(10), test_clips, TRAIN, seed=0)]
        trained.append((weights(model), curve))
    assert trained[0] == trained[1]


def test_the_models_own_test_mode_does_not_last_into_the_next_epoch() -> None:
    model = fresh(TINY)
    before = model[1][1].num_batches_tracked.item()  # batch norm counts the batches it learns from
    for epoch in train(model, toy_clips(8), toy_clips(6), TRAIN, seed=0):
        predict(model, toy_clips(6).inputs)
        assert model[1][1].num_batches_tracked.item() == before + 2 * epoch.number


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_loss_that_is_no_number_ends_the_training_with_advice(value: float) -> None:
    clips = toy_clips(10)
    clips.inputs[3] = value
    with pytest.raises(InputError, match=r"training loss is (nan|inf) in epoch 1. Lower `train.learning_rate`.* 0.001"):
        list(train(fresh(None), clips, toy_clips(6), TRAIN, seed=0))


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted", "chosen"),
    [
        (True, True, "auto", "cuda"),
        (False, True, "auto", "mps"),
        (False, False, "auto", "cpu"),
        (True, True, "cpu", "cpu"),
        (True, True, "mps", "mps"),
        (True, False, "cuda", "cuda"),
    ],
)
def test_the_device_is_the_wanted_one_or_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, wanted: str, chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device(wanted) == torch.device(chosen)


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=f"no device '{wanted}' here.*--device auto"):
        choose_device(wanted)


# --- on real clips: 639 of GTZAN, without those that are wrong or repeated


@cache
def real_clips(file: Path, input_params: Input) -> tuple[torch.Tensor, tuple[str, ...]]:
    with np.load(file) as archive:
        levels, clips = archive["mel"], archive["clip"]
    inputs = [model_input(-80 + level.astype(np.float32) * 80 / 255, input_params) for level in levels]
    return torch.stack(inputs), tuple(clip.partition(".")[0] for clip in clips.tolist())


@cache
def last_epochs(file: Path, params: Params, network: Network | None) -> list[Epoch]:
    """Train on three random splits and return the last epoch of each."""
    inputs, genres = real_clips(file, params.input)
    names = sorted(set(genres))
    last = []
    for seed in range(3):
        subsets = stratified_split(np.array(genres), params.split.test_size, seed)
        train_clips, test_clips = (
            label_clips(inputs[rows], np.array(genres)[rows].tolist(), names)
            for rows in (np.flatnonzero(subsets == subset) for subset in ("train", "test"))
        )
        torch.manual_seed(seed)
        model = build_model(network, params.input, len(names))
        *_, epoch = train(model, train_clips, test_clips, params.train, seed)
        last.append(epoch)
    return last


@pytest.mark.slow
def test_the_linear_model_learns_real_clips_by_heart_as_in_the_paper(real_data: Path, params: Params) -> None:
    epochs = last_epochs(real_data / "gtzan-mel" / "dev.npz", params, None)
    assert np.mean([epoch.train.accuracy for epoch in epochs]) > 0.94
    assert np.mean([epoch.test.accuracy for epoch in epochs]) < 0.65


@pytest.mark.slow
def test_the_networks_come_out_on_real_clips_as_in_the_paper(real_data: Path, params: Params) -> None:
    file = real_data / "gtzan-mel" / "dev.npz"
    linear, simple, complex_ = (last_epochs(file, params, size) for size in (None, params.simple, params.complex))
    assert 0.2 < np.mean([epoch.train.loss for epoch in complex_]) < 0.5  # the paper has 0.28
    assert 0.9 < np.mean([epoch.train.loss for epoch in simple]) < 1.3  # and 1.07
    test_accuracy = [np.mean([epoch.test.accuracy for epoch in epochs]) for epochs in (linear, complex_)]
    assert test_accuracy[0] < test_accuracy[1]
