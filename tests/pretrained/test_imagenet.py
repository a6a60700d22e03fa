"""Networks for photographs: as published, and what they make of spectrograms."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from genres.core.files import write_array
from genres.parallel import local_processes
from genres.pretrained.imagenet import (
    BACKBONES,
    Network,
    load_network,
    random_weights,
    spectrogram_image,
    write_features,
)
from genres.pretrained.weights import write_weights

EACH_BACKBONE = pytest.mark.parametrize("name", BACKBONES)
# Channels of the stem and the stages.
CHANNELS = {"efficientnet-lite0": 32 + 16 + 24 + 40 + 80 + 112 + 192 + 320, "resnet18": 64 + 64 + 128 + 256 + 512}


def fresh(name: str, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return BACKBONES[name].network()


def batch_norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    values = dict.fromkeys(["weight", "bias", "running_mean", "running_var"], (channels,))
    return {f"{name}.{key}": shape for key, shape in (values | {"num_batches_tracked": ()}).items()}


def resnet18_shapes() -> dict[str, tuple[int, ...]]:
    """The keys and shapes of timm's resnet18."""
    shapes = {"conv1.weight": (64, 3, 7, 7), **batch_norm("bn1", 64)}
    inputs = 64
    for layer, channels in enumerate((64, 128, 256, 512), start=1):
        for block in ("0", "1"):
            prefix = f"layer{layer}.{block}"
            shapes |= {f"{prefix}.conv1.weight": (channels, inputs, 3, 3), **batch_norm(f"{prefix}.bn1", channels)}
            shapes |= {f"{prefix}.conv2.weight": (channels, channels, 3, 3), **batch_norm(f"{prefix}.bn2", channels)}
            if inputs != channels:
                shapes |= {f"{prefix}.downsample.0.weight": (channels, inputs, 1, 1)}
                shapes |= batch_norm(f"{prefix}.downsample.1", channels)
            inputs = channels
    return {**shapes, "fc.weight": (1000, 512), "fc.bias": (1000,)}


def efficientnet_lite0_shapes() -> dict[str, tuple[int, ...]]:
    """The keys and shapes of the published efficientnet-lite0."""
    kernel_sizes = [3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3]
    outputs = [16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320]
    shapes = {"_conv_stem.weight": (32, 3, 3, 3), **batch_norm("_bn0", 32)}
    inputs = 32
    for block, (kernel_size, channels) in enumerate(zip(kernel_sizes, outputs, strict=True)):
        prefix = f"_blocks.{block}"
        hidden = 6 * inputs if block > 0 else inputs
        if block > 0:
            shapes |= {f"{prefix}._expand_conv.weight": (hidden, inputs, 1, 1), **batch_norm(f"{prefix}._bn0", hidden)}
        shapes[f"{prefix}._depthwise_conv.weight"] = (hidden, 1, kernel_size, kernel_size)
        shapes |= batch_norm(f"{prefix}._bn1", hidden)
        shapes |= {f"{prefix}._project_conv.weight": (channels, hidden, 1, 1), **batch_norm(f"{prefix}._bn2", channels)}
        inputs = channels
    shapes |= {"_conv_head.weight": (1280, 320, 1, 1), **batch_norm("_bn1", 1280)}
    return {**shapes, "_fc.weight": (1000, 1280), "_fc.bias": (1000,)}


@pytest.mark.parametrize(
    ("name", "shapes", "n_parameters"),
    [
        ("efficientnet-lite0", efficientnet_lite0_shapes(), 4_652_008),
        ("resnet18", resnet18_shapes(), 11_689_512),
    ],
)
def test_a_network_has_the_keys_and_shapes_of_its_published_weights(
    name: str, shapes: dict[str, tuple[int, ...]], n_parameters: int
) -> None:
    network = fresh(name)
    assert {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()} == shapes
    assert sum(parameter.numel() for parameter in network.parameters()) == n_parameters


def without(key: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {other: tensor for other, tensor in state.items() if other != key}


@EACH_BACKBONE
def test_weights_that_do_not_fit_are_refused(name: str, tmp_path: Path) -> None:
    state = dict(random_weights(BACKBONES[name]))
    key = next(iter(state))
    for wrong, message in (
        (without(key, state), f'Missing key.*"{key}"'),
        (state | {"other.weight": torch.zeros(1)}, 'Unexpected key.*"other.weight"'),
        (state | {key: torch.zeros(32, 1, 3, 3)}, f"size mismatch for {key}"),
    ):
        write_weights(tmp_path / "weights.safetensors", wrong)
        with pytest.raises(RuntimeError, match=message):
            load_network(load_file(tmp_path / "weights.safetensors"), BACKBONES[name])


@EACH_BACKBONE
def test_random_weights_are_always_the_same(name: str) -> None:
    first = random_weights(BACKBONES[name])
    torch.manual_seed(7)
    again = random_weights(BACKBONES[name])
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.items())


def features_of(network: Network, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return network.eval()(images)


@EACH_BACKBONE
@pytest.mark.parametrize("size", [(128, 493), (33, 47), (64, 1), (1, 1)], ids=str)
def test_images_of_any_size_give_as_many_features(name: str, size: tuple[int, int]) -> None:
    features = features_of(fresh(name), torch.ones(2, 3, *size))
    assert features.shape == (2, 2 * CHANNELS[name])
    assert BACKBONES[name].network.n_features == 2 * CHANNELS[name]
    assert features.isfinite().all()


@EACH_BACKBONE
def test_every_stage_halves_sizes_rounded_up(name: str) -> None:
    halvings = {"efficientnet-lite0": [1, 1, 2, 3, 4, 4, 5, 5], "resnet18": [1, 2, 3, 4, 5]}[name]
    with torch.inference_mode():
        sizes = [stage.shape[2:] for stage in fresh(name).eval().stages(torch.zeros(1, 3, 64, 99))]
    widths = [99, 50, 25, 13, 7, 4]
    assert sizes == [(64 // 2**halving, widths[halving]) for halving in halvings]


@EACH_BACKBONE
def test_features_are_means_and_deviations_of_stages(name: str) -> None:
    network = fresh(name).eval()
    images = torch.randn(1, 3, 40, 50)
    with torch.inference_mode():
        first, *_, last = (stage[0] for stage in network.stages(images))
    features = features_of(network, images)[0]
    assert torch.allclose(features[: len(first)], first.mean(dim=(1, 2)))
    assert torch.allclose(features[-len(last) :], last.flatten(1).std(dim=1, correction=0), atol=1e-6)
    means, deviations = features.chunk(2)
    assert torch.allclose(means[-len(last) :], last.mean(dim=(1, 2)), atol=1e-6)
    assert torch.allclose(deviations[: len(first)], first.flatten(1).std(dim=1, correction=0))


@EACH_BACKBONE
def test_features_of_clips_are_those_of_each_without_its_padding(name: str, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    write_weights(weights, random_weights(BACKBONES[name]))
    mel = np.random.default_rng(0).uniform(-80, 0, (3, 16, 40)).astype(np.float32)
    write_array(tmp_path / "mel.npy", mel.shape, mel)
    with local_processes(2) as executor:
        write_features(tmp_path / "features.npy", tmp_path / "mel.npy", [40, 25, 70], 80.0, weights, name, executor)
    found = np.load(tmp_path / "features.npy")
    assert found.shape == (3, 1, 2 * CHANNELS[name])
    network = load_network(load_file(weights), BACKBONES[name])
    for row, clip in zip(found, (mel[0], mel[1, :, :25], mel[2]), strict=True):
        expected = features_of(network, spectrogram_image(clip, 80.0, BACKBONES[name])[None])
        np.testing.assert_array_equal(row, expected)


def test_a_worker_that_lives_on_reads_the_weights_of_the_next_run(tmp_path: Path) -> None:
    name, weights, mel = "resnet18", tmp_path / "weights.safetensors", np.zeros((1, 16, 40), np.float32)
    write_array(tmp_path / "mel.npy", mel.shape, mel)
    found = []
    with local_processes(1) as executor:
        for scale in (1.0, 0.5):
            tensors = random_weights(BACKBONES[name])
            write_weights(weights, {key: scale * tensor for key, tensor in tensors.items()})
            write_features(tmp_path / "features.npy", tmp_path / "mel.npy", [40], 80.0, weights, name, executor)
            found.append(np.load(tmp_path / "features.npy"))
    assert not np.array_equal(*found)


def test_an_odd_pixel_of_padding_goes_to_the_right_and_below() -> None:
    stem = fresh("efficientnet-lite0")._conv_stem
    torch.nn.init.ones_(stem.weight)
    with torch.inference_mode():
        even, odd = (stem(torch.ones(1, 3, size, size))[0, 0] / 3 for size in (4, 5))
    assert even.tolist() == [[9, 6], [6, 4]]
    assert odd.tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


@pytest.mark.parametrize("top_db", [80.0, 40.0])
@pytest.mark.parametrize(
    ("name", "darkest", "brightest"),
    [
        ("efficientnet-lite0", [-127 / 128] * 3, [1.0] * 3),
        ("resnet18", [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], [0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]),
    ],
)
def test_an_image_is_normalised_like_photographs(
    name: str, darkest: list[float], brightest: list[float], top_db: float
) -> None:
    mel = np.array([[-top_db, 0, -top_db / 2], [0, 0, 0]], np.float32)
    image = spectrogram_image(mel, top_db, BACKBONES[name])
    assert image.dtype == torch.float32
    assert image.shape == (3, 2, 3)
    assert torch.allclose(image[:, 0, 0], torch.tensor(darkest))
    assert torch.allclose(image[:, 0, 1], torch.tensor(brightest))
    assert torch.allclose(image[:, 0, 2], torch.tensor([darkest, brightest]).mean(dim=0))
