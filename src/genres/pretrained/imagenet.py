"""Networks trained on photographs (ImageNet), as feature extractors for mel spectrograms.

A spectrogram keeps its size, as convolutions take any, and its features are means and deviations after every stage:
genres show in edges and textures, which the first stages see, as well as in the parts of objects that the last know.

The networks' attributes are named as in their published weights. Only what the features need is ever run: the layers
that tell photographs apart are there so that the weights fit.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from genres.core.files import LaidOutArray, file_sha256, lay_out_array, read_row, write_row
from genres.parallel import ordered_map

FloatArray = NDArray[np.float32]

IMAGENET_CLASSES = 1000

# EfficientNet-Lite0, a row a stage: blocks, channels, size of the kernel, stride of the first block, expansion.
LITE0_STAGES = (
    (1, 16, 3, 1, 1),
    (2, 24, 3, 2, 6),
    (2, 40, 5, 2, 6),
    (3, 80, 3, 2, 6),
    (3, 112, 5, 1, 6),
    (4, 192, 5, 2, 6),
    (1, 320, 3, 1, 6),
)
LITE0_STEM = 32  # channels
LITE0_HEAD = 1280


class Network(nn.Module, ABC):
    """A convolutional network. It maps images (clips, 3, height, width) of any size to features (clips, features)."""

    n_features: ClassVar[int]

    @abstractmethod
    def stages(self, images: Tensor) -> Iterator[Tensor]:
        """Yield what the stem and then each stage gives, (clips, channels, height, width), ever smaller."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the means, then the standard deviations, over space of each channel after each stage."""
        flat = [stage.flatten(2) for stage in self.stages(images)]
        return torch.cat([*(x.mean(dim=2) for x in flat), *(x.std(dim=2, correction=0) for x in flat)], dim=1)


class SamePaddedConv2d(nn.Conv2d):
    """A convolution without bias, padded as in TensorFlow: sizes are divided by the stride and rounded up.

    A pixel that does not divide by two goes to the right and below, where PyTorch's own padding is the same all round.
    """

    def __init__(self, inputs: int, outputs: int, kernel_size: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel_size, stride, groups=groups, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the convolution of inputs (clips, channels, height, width)."""
        padding: list[int] = []
        for size, kernel_size, stride in zip(inputs.shape[2:], self.kernel_size, self.stride, strict=True):
            missing = (math.ceil(size / stride) - 1) * stride + kernel_size - size
            padding = [missing // 2, missing - missing // 2, *padding]  # `pad` takes the last axis first
        return super().forward(functional.pad(inputs, padding))


def _lite_batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """EfficientNet-Lite's block: expand the channels, convolve each alone, project them to fewer, add a like input."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * inputs
        self.expands = expansion > 1
        self.skips = inputs == outputs and stride == 1
        if self.expands:
            self._expand_conv = nn.Conv2d(inputs, hidden, kernel_size=1, bias=False)
            self._bn0 = _lite_batch_norm(hidden)
        self._depthwise_conv = SamePaddedConv2d(hidden, hidden, kernel_size, stride, groups=hidden)
        self._bn1 = _lite_batch_norm(hidden)
        self._project_conv = nn.Conv2d(hidden, outputs, kernel_size=1, bias=False)
        self._bn2 = _lite_batch_norm(outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (clips, inputs, height, width) to (clips, outputs, height / stride, width / stride)."""
        x = functional.relu6(self._bn0(self._expand_conv(inputs))) if self.expands else inputs
        x = functional.relu6(self._bn1(self._depthwise_conv(x)))
        outputs: Tensor = self._bn2(self._project_conv(x))
        return inputs + outputs if self.skips else outputs


class EfficientNetLite0(Network):
    """EfficientNet-Lite0: EfficientNet-B0 (Tan and Le, 2019) without squeeze-and-excitation, and with ReLU6."""

    n_features = 2 * (LITE0_STEM + sum(channels for _, channels, *_ in LITE0_STAGES))

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePaddedConv2d(3, LITE0_STEM, kernel_size=3, stride=2)
        self._bn0 = _lite_batch_norm(LITE0_STEM)
        self._blocks = nn.ModuleList()  # of all stages in one list
        inputs = LITE0_STEM
        for n_blocks, channels, kernel_size, stride, expansion in LITE0_STAGES:
            for block in range(n_blocks):
                first_stride = stride if block == 0 else 1
                self._blocks.append(InvertedResidual(inputs, channels, kernel_size, first_stride, expansion))
                inputs = channels
        self._conv_head = nn.Conv2d(inputs, LITE0_HEAD, kernel_size=1, bias=False)
        self._bn1 = _lite_batch_norm(LITE0_HEAD)
        self._fc = nn.Linear(LITE0_HEAD, IMAGENET_CLASSES)

    def stages(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the stem and the seven stages: 32, 16, 24, 40, 80, 112, 192 and 320 channels."""
        x = functional.relu6(self._bn0(self._conv_stem(images)))
        yield x
        blocks = iter(self._blocks)
        for n_blocks, *_ in LITE0_STAGES:
            for _ in range(n_blocks):
                x = next(blocks)(x)
            yield x


class BasicBlock(nn.Module):
    """ResNet-18's block: two convolutions, beside which the input goes past."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (clips, inputs, height, width) to (clips, outputs, height / stride, width / stride)."""
        x = functional.relu(self.bn1(self.conv1(inputs)))
        return functional.relu(self.bn2(self.conv2(x)) + self.downsample(inputs))


class ResNet18(Network):
    """ResNet-18 (He et al., "Deep residual learning for image recognition", 2016)."""

    n_features = 2 * (64 + 64 + 128 + 256 + 512)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(BasicBlock(64, 64, stride=1), BasicBlock(64, 64, stride=1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, stride=2), BasicBlock(128, 128, stride=1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, stride=2), BasicBlock(256, 256, stride=1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, stride=2), BasicBlock(512, 512, stride=1))
        self.fc = nn.Linear(512, IMAGENET_CLASSES)

    def stages(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the stem and the four stages: 64, 64, 128, 256 and 512 channels."""
        x = functional.relu(self.bn1(self.conv1(images)))
        yield x
        x = functional.max_pool2d(x, kernel_size=3, stride=2, padding=1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            yield x


Rgb = tuple[float, float, float]  # red, green and blue, each from 0 to 1


@dataclass(frozen=True)
class Backbone:
    """A network and what its photographs went through: (x - mean) / std."""

    network: type[Network]
    mean: Rgb
    std: Rgb


BACKBONES: Mapping[str, Backbone] = {
    "efficientnet-lite0": Backbone(EfficientNetLite0, (127 / 255,) * 3, (128 / 255,) * 3),
    "resnet18": Backbone(ResNet18, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def spectrogram_image(mel: FloatArray, top_db: float, backbone: Backbone) -> Tensor:
    """Turn a spectrogram (n_mels, frames) in dB from -top_db to 0 into a grey, normalised image (3, n_mels, frames)."""
    brightness = 1 + torch.from_numpy(np.array(mel)) / top_db
    mean, std = (torch.tensor(values)[:, None, None] for values in (backbone.mean, backbone.std))
    return (brightness - mean) / std


def random_weights(backbone: Backbone) -> Mapping[str, Tensor]:
    """Return the weights of an untrained network, always the same."""
    torch.manual_seed(0)
    weights: Mapping[str, Tensor] = backbone.network().state_dict()
    return weights


def load_network(weights: Mapping[str, Tensor], backbone: Backbone) -> Network:
    """Return a network with its weights; a RuntimeError says that they do not fit."""
    network = backbone.network()
    network.load_state_dict(weights)
    return network.eval()


def write_features(
    path: Path, mel: Path, frames: Sequence[int], top_db: float, weights: Path, backbone: str, executor: Executor
) -> None:
    """Write the features of all spectrograms to an npy file of float32 (clips, 1, features).

    ``mel`` is a checked npy file (clips, n_mels, n_frames). Only the first ``frames`` of each are seen, which are not
    padded. Workers read and write the rows in place.
    """
    with lay_out_array(path, (len(frames), 1, BACKBONES[backbone].network.n_features)) as array:
        load = partial(_load_once, weights, file_sha256(weights), backbone)
        embed = partial(_embed, mel=mel, array=array, top_db=top_db, backbone=backbone, load=load)
        for _ in ordered_map(embed, list(enumerate(frames)), executor, "embedding"):
            pass


def spectrogram_features(network: Network, mel: FloatArray, top_db: float, backbone: Backbone) -> FloatArray:
    """Return the features (features,) of one spectrogram (n_mels, frames) in dB from -top_db to 0."""
    with torch.inference_mode():
        features: FloatArray = network(spectrogram_image(mel, top_db, backbone)[None])[0].numpy()
    return features


def _embed(
    clip: tuple[int, int], mel: Path, array: LaidOutArray, top_db: float, backbone: str, load: Callable[[], Network]
) -> None:
    index, n_frames = clip
    features = spectrogram_features(load(), read_row(mel, index)[:, :n_frames], top_db, BACKBONES[backbone])
    write_row(array, index, features[None])


@lru_cache(maxsize=1)
def _load_once(weights: Path, sha256: str, backbone: str) -> Network:
    """Load a network; ``sha256`` is the file's, because the next run's may have the same path, and workers live on."""
    return load_network(load_file(weights), BACKBONES[backbone])
