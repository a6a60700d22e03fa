"""The epoch loop."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional
from toy import TOY_CROPS, TOY_INPUT, TOY_NETWORK, toy_clips

from genres.core.errors import InputError
from genres.inputs import model_input
from genres.models.networks.architectures import build_network, predict_logits
from genres.models.networks.training import Epoch, LabelledClips, choose_device, seed_torch, train
from genres.schema import Network, Params, Train

TRAIN = Train(epochs=3, batch_size=4, learning_rate=1e-3, device="cpu")


def fresh(network: Network | None) -> nn.Module:
    torch.manual_seed(0)  # of the weights and of dropout
    return build_network(network, TOY_INPUT, 3)


def trained(network: Network | None, seed: int, test_clips: LabelledClips) -> tuple[list[Epoch], bytes]:
    model = fresh(network)
    epochs = list(train(model, toy_clips(10), test_clips, TRAIN, seed))
    return epochs, b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())


NETWORKS = pytest.mark.parametrize("network", [None, TOY_NETWORK, TOY_CROPS], ids=["linear", "cnn", "crops"])


@NETWORKS
def test_what_can_be_learned_is_learned(network: Network | None) -> None:
    params = Train(epochs=30, batch_size=16, learning_rate=5e-3, device="cpu")
    epochs = list(train(fresh(network), toy_clips(48), toy_clips(24, seed=1), params, seed=0))
    assert [epoch.number for epoch in epochs] == list(range(1, 31))
    assert epochs[-1].train.loss < 0.5 * epochs[0].train.loss
    assert epochs[-1].test.loss < epochs[0].test.loss
    assert epochs[-1].test.accuracy > 0.9


@NETWORKS
def test_a_seed_gives_the_same_training_again_bit_for_bit_whatever_the_test_clips(network: Network | None) -> None:
    epochs, weights = trained(network, 5, toy_clips(6, seed=1))
    assert trained(network, 5, toy_clips(6, seed=1)) == (epochs, weights)
    others, other_weights = trained(network, 5, toy_clips(70, seed=2))
    assert ([epoch.train for epoch in others], other_weights) == ([epoch.train for epoch in epochs], weights)
    assert trained(network, 6, toy_clips(6, seed=1))[0] != epochs  # another order of the batches


def test_every_epoch_has_an_order_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    model = fresh(None)
    model.register_forward_hook(lambda module, inputs, _: seen.append(inputs[0]) if module.training else None)
    clips = toy_clips(10)
    list(train(model, clips, toy_clips(6), TRAIN.model_copy(update={"epochs": 2}), seed=0))
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
        each = -functional.log_softmax(logits, dim=1)[range(len(batch)), clips.labels[batch]]
        losses += each.tolist()
        hits += (logits.argmax(1) == clips.labels[batch]).tolist()
        naive.zero_grad()
        each.mean().backward()
        optimizer.step()
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert found.accuracy == pytest.approx(np.mean(hits))
    for (name, tensor), expected in zip(model.state_dict().items(), naive.state_dict().values(), strict=True):
        # Adam takes steps of full size after rounding errors of the gradient by a convolution's bias, which is 0.
        if not name.endswith((".0.bias", "running_mean")):
            assert torch.allclose(tensor, expected, atol=1e-5), name


@NETWORKS
def test_the_test_scores_are_those_of_the_weights_after_the_epoch_without_dropout(network: Network | None) -> None:
    model, test_clips = fresh(network), toy_clips(7, seed=1)
    for epoch in train(model, toy_clips(10), test_clips, TRAIN, seed=0):
        logits = predict_logits(model, test_clips.inputs)  # which leaves the model in test mode
        assert epoch.test.loss == pytest.approx(functional.cross_entropy(logits, test_clips.labels).item(), rel=1e-5)
        assert epoch.test.accuracy == pytest.approx((logits.argmax(1) == test_clips.labels).double().mean().item())
        if network:  # batch norm counts the batches that it learns from: the next epoch is in training mode again
            norm = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
            assert norm.num_batches_tracked == 3 * epoch.number


@NETWORKS
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("subset", ["train", "test"])
def test_a_loss_that_is_not_finite_ends_the_training_with_advice(
    network: Network | None, value: float, subset: str
) -> None:
    clips = {"train": toy_clips(10), "test": toy_clips(6)}
    clips[subset].inputs[3] = value
    message = rf"The {subset} loss is (nan|inf) in epoch 1. Lower `train.learning_rate`.* 0.001"
    with np.errstate(invalid="ignore"), pytest.raises(InputError, match=message):
        list(train(fresh(network), clips["train"], clips["test"], TRAIN, seed=0))


def test_a_loss_that_turns_infinite_in_the_very_last_step_ends_the_training_too() -> None:
    last_step = TRAIN.model_copy(update={"epochs": 1, "batch_size": 10, "learning_rate": 1e38})
    with np.errstate(all="ignore"), pytest.raises(InputError, match="The test loss is (nan|inf) in epoch 1"):
        list(train(fresh(None), toy_clips(10), toy_clips(6), last_step, seed=0))


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_is_the_one_named_or_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    available = {name}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in available)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in available)
    assert choose_device(name) == torch.device(name)
    available.clear()
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(InputError, match=f"no device '{name}' here.*`train.device: cpu`"):
        choose_device(name)


def test_seeding_repeats_what_is_drawn_and_allows_only_deterministic_algorithms() -> None:
    try:
        drawn = []
        for seed in (0, 0, 1):
            seed_torch(seed)
            drawn.append(torch.rand(3).tolist())
        assert drawn[0] == drawn[1] != drawn[2]
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.slow
def test_the_networks_come_out_on_a_split_of_real_clips_as_in_the_paper(real_data: Path, params: Params) -> None:
    """A random split of 639 clips of GTZAN, without the faulty and the repeated ones."""
    with np.load(real_data / "gtzan-mel" / "dev.npz") as archive:
        levels, names = archive["mel"], archive["clip"]
    inputs = np.stack([model_input(-80 + level.astype(np.float32) * 80 / 255, params.input) for level in levels])
    _, labels = np.unique([name.partition(".")[0] for name in names.tolist()], return_inverse=True)
    subsets = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0)
    clips = [LabelledClips(torch.from_numpy(inputs[subset]), torch.from_numpy(labels[subset])) for subset in subsets]

    def last_epoch(network: Network | None) -> Epoch:
        torch.manual_seed(0)
        *_, epoch = train(build_network(network, params.input, 10), *clips, params.train, seed=0)
        return epoch

    linear, simple, complex_cnn = (last_epoch(network) for network in (None, params.simple, params.complex))
    assert linear.train.accuracy > 0.94
    assert linear.test.accuracy < 0.65
    assert linear.test.accuracy < complex_cnn.test.accuracy
    assert 0.2 < complex_cnn.train.loss < 0.5  # the paper has 0.28
    assert 0.9 < simple.train.loss < 1.3  # and 1.07
