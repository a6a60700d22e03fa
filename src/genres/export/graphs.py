"""Every kind of trained model as one module, from a mel spectrogram of any length to probabilities.

The modules do what `prediction.classifier` and the models do, in operators that ONNX has. Each takes the spectrogram
of one clip, (1, n_mels, frames) float32, and gives (1, classes) float32.
"""

import math
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from genres.core.errors import InputError
from genres.export.scattering_graph import ScatteringClassifier, ScatteringFeatures
from genres.models.base.weights import Arrays
from genres.models.fine_tuned import FineTuned
from genres.models.networks.architectures import Crops, build_network
from genres.models.saved import SavedModel
from genres.models.scattering import TrainedScattering
from genres.models.svm import TrainedSvm
from genres.models.transfer import TrainedTransfer, network_tensors
from genres.pretrained import imagenet, musicnn
from genres.pretrained.imagenet import BACKBONES, Backbone
from genres.schema import Featurize, Input, Network

KINDS = ("networks", "svm", "scattering", "transfer", "fine_tuned")
PROBABILITIES, VOTES = "probabilities", "votes"


def output_name(model: SavedModel) -> str:
    """Return what a model's output is: a support vector machine has no probabilities, but a share of votes."""
    return VOTES if model.description.architecture["kind"] == "svm" else PROBABILITIES


def build_graph(model: SavedModel) -> nn.Module:
    """Return the module of a trained model, or raise an InputError if there is none for its kind."""
    description, arrays = model.description, model.arrays
    kind = description.architecture["kind"]
    if kind not in KINDS:
        raise InputError(
            f"A model of the kind {kind!r} cannot be exported, only one of {', '.join(KINDS)}. To export it, add its "
            "operators to src/genres/export/graphs.py."
        )
    if description.featurize is None:
        return nn.Sequential(MusicnnWindows(), MusicnnFeatures(arrays), TransferClassifier(arrays)).eval()
    featurize = Featurize.model_validate(description.featurize)
    if kind == "scattering":
        trained = TrainedScattering(**arrays)
        return nn.Sequential(RepeatFrames(featurize), ScatteringFeatures(featurize), ScatteringClassifier(trained))
    if kind == "transfer":
        backbone = BACKBONES[description.architecture["network"]]
        network: nn.Module = imagenet.load_network(network_tensors(arrays), backbone)
        photograph = Photograph(featurize, backbone)
        return nn.Sequential(CutFrames(featurize), photograph, network, TransferClassifier(arrays)).eval()
    if kind == "fine_tuned":
        backbone = BACKBONES[description.architecture["network"]]
        network = FineTuned(backbone.network(), len(description.class_names))
        network.load_state_dict(_tensors(arrays))
        return nn.Sequential(FitFrames(featurize), Photograph(featurize, backbone), network, nn.Softmax(dim=1)).eval()
    input_params = Input.model_validate(description.input)
    see = (FitFrames(featurize), ResizedInput(featurize, input_params))
    if kind == "svm":
        return nn.Sequential(*see, SvmVotes(TrainedSvm(**arrays)))
    sizes = {key: value for key, value in description.architecture.items() if key != "kind"}
    network = build_network(
        Network.model_validate(sizes) if sizes else None, input_params, len(description.class_names)
    )
    network.load_state_dict(_tensors(arrays))
    if isinstance(network, Crops):
        network = EvenCrops(network, input_params.width)
    return nn.Sequential(*see, network, nn.Softmax(dim=1)).eval()


def _tensors(arrays: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


class CutFrames(nn.Module):
    """Cut a spectrogram (1, n_mels, frames) to at most the frames of a clip."""

    def __init__(self, featurize: Featurize) -> None:
        super().__init__()
        self.n_frames = featurize.n_frames

    def forward(self, mel: Tensor) -> Tensor:
        """Return (1, n_mels, at most n_frames)."""
        return mel[:, :, : self.n_frames]


class FitFrames(nn.Module):
    """Cut a spectrogram (1, n_mels, frames) in dB to the frames of a clip, or pad its end with silence."""

    def __init__(self, featurize: Featurize) -> None:
        super().__init__()
        self.n_frames, self.top_db = featurize.n_frames, featurize.top_db

    def forward(self, mel: Tensor) -> Tensor:
        """Return (1, n_mels, n_frames)."""
        return functional.pad(mel, (0, self.n_frames), value=-self.top_db)[:, :, : self.n_frames]


class RepeatFrames(nn.Module):
    """Cut a spectrogram (1, n_mels, frames) to the frames of a clip, or repeat it to fill them."""

    def __init__(self, featurize: Featurize) -> None:
        super().__init__()
        self.n_frames = featurize.n_frames

    def forward(self, mel: Tensor) -> Tensor:
        """Return (1, n_mels, n_frames)."""
        return mel[:, :, _repeated_indices(mel, self.n_frames)]


def _repeated_indices(mel: Tensor, n_frames: int) -> Tensor:
    """Return the indices (n_frames,) of frames of ``mel`` (1, n_mels, frames), from the first again after the last."""
    return torch.arange(n_frames) % torch.full((1,), mel.shape[2])  # a tensor, as PyTorch exports no symbolic divisor


class ResizedInput(nn.Module):
    """`inputs.model_input`: the resizing as two constant matrices, which are what it makes of identity matrices."""

    rows: Tensor
    columns: Tensor

    def __init__(self, featurize: Featurize, input_params: Input) -> None:
        super().__init__()
        self.mean, self.std = input_params.mean, input_params.std
        self.register_buffer("rows", _resizing(featurize.n_mels, input_params.height))
        self.register_buffer("columns", _resizing(featurize.n_frames, input_params.width).T.contiguous())

    def forward(self, mel: Tensor) -> Tensor:
        """Return the input (1, height, width) of a spectrogram (1, n_mels, n_frames) in dB."""
        return (self.rows @ mel @ self.columns - self.mean) / self.std


def _resizing(size: int, new_size: int) -> Tensor:
    """Return the matrix (new_size, size) that resizes vectors, bilinear with antialiasing."""
    return functional.interpolate(torch.eye(size)[None, None], (new_size, size), mode="bilinear", antialias=True)[0, 0]


class EvenCrops(nn.Module):
    """`architectures.Crops` outside of training, for inputs of a fixed width: PyTorch exports no other places."""

    def __init__(self, crops: Crops, width: int) -> None:
        super().__init__()
        self.cnn, self.crop = crops.cnn, crops.crop
        n_crops = 2 * math.ceil(width / self.crop) - 1
        self.starts: list[int] = torch.linspace(0, width - self.crop, n_crops).round().int().tolist()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (1, classes) of inputs (1, height, width)."""
        logits = [self.cnn(inputs[:, :, start : start + self.crop]) for start in self.starts]
        return torch.stack(logits).mean(dim=0)


class SvmVotes(nn.Module):
    """`svm.predict_svm`: the share of the pairs of classes in which a class wins, (1, classes)."""

    intercepts: Tensor
    first: Tensor
    second: Tensor

    def __init__(self, trained: TrainedSvm) -> None:
        super().__init__()
        n_classes = len(trained.vectors_per_class)
        pairs = list(combinations(range(n_classes), 2))
        of_class = np.repeat(np.arange(n_classes), trained.vectors_per_class)
        coefficients = np.zeros((len(of_class), len(pairs)))
        for pair, (first, second) in enumerate(pairs):
            for own, other in ((first, second - 1), (second, first)):
                coefficients[of_class == own, pair] = trained.dual_coefficients[other, of_class == own]
        self.gamma = float(trained.gamma)
        if np.isnan(self.gamma):  # the linear kernel: all vectors together are one weight for each input and pair
            weights = trained.support_vectors.T.astype(np.float64) @ coefficients
            self.register_buffer("weights", torch.from_numpy(weights))
        else:
            self.register_buffer("vectors", torch.from_numpy(trained.support_vectors))
            self.register_buffer("coefficients", torch.from_numpy(coefficients))
        self.register_buffer("intercepts", torch.from_numpy(trained.intercepts))
        for name, winner in (("first", 0), ("second", 1)):
            share = np.eye(n_classes)[[pair[winner] for pair in pairs]] / len(pairs)  # (pairs, classes)
            self.register_buffer(name, torch.from_numpy(share))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the shares of votes of inputs (1, height, width)."""
        wins = (self._decisions(inputs.flatten(1).double()) + self.intercepts > 0).double()
        return (wins @ self.first + (1 - wins) @ self.second).float()

    def _decisions(self, flat: Tensor) -> Tensor:
        if np.isnan(self.gamma):
            return flat @ self.get_buffer("weights")
        vectors = self.get_buffer("vectors").double()
        distances = (flat**2).sum(dim=1)[:, None] + (vectors**2).sum(dim=1) - 2 * flat @ vectors.T
        return torch.exp(-self.gamma * distances.clamp(min=0)) @ self.get_buffer("coefficients")


class Photograph(nn.Module):
    """`imagenet.spectrogram_image`, with an axis of clips."""

    mean: Tensor
    std: Tensor

    def __init__(self, featurize: Featurize, backbone: Backbone) -> None:
        super().__init__()
        self.top_db = featurize.top_db
        for name, values in (("mean", backbone.mean), ("std", backbone.std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None])

    def forward(self, mel: Tensor) -> Tensor:
        """Return the image (1, 3, n_mels, frames) of a spectrogram (1, n_mels, frames) in dB."""
        brightness = 1 + mel[:, None] / self.top_db
        return (brightness - self.mean) / self.std


class TransferClassifier(nn.Module):
    """`transfer.predict_transfer`."""

    coefficients: Tensor
    intercepts: Tensor

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        for name in TrainedTransfer._fields:
            self.register_buffer(name, torch.from_numpy(arrays[name]))

    def forward(self, features: Tensor) -> Tensor:
        """Return the probabilities (1, classes) of features (1, features)."""
        return torch.softmax(features.double() @ self.coefficients + self.intercepts, dim=1).float()


class MusicnnWindows(nn.Module):
    """The windows of `musicnn.log_mel_windows`, from its levels."""

    def forward(self, mel: Tensor) -> Tensor:
        """Return the windows (windows, frames of one, bands) of a spectrogram (1, bands, frames)."""
        n_windows = torch.sym_max(1, mel.shape[2] // musicnn.WINDOW_FRAMES)
        frames = _repeated_indices(mel, n_windows * musicnn.WINDOW_FRAMES)
        return mel[0].T[frames].reshape(n_windows, musicnn.WINDOW_FRAMES, musicnn.N_MELS)


class MusicnnFeatures(nn.Module):
    """`musicnn.mean_features`."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.network = musicnn.load_network(network_tensors(arrays))
        # The network leaves out filters that do nothing, by their weights; a graph is the same for all weights.
        self.network.front = nn.ModuleList(map(AllFrontFilters, self.network.front))

    def forward(self, windows: Tensor) -> Tensor:
        """Return the features (1, features) of a clip's windows (windows, frames, bands)."""
        features: Tensor = self.network(windows).penultimate.mean(dim=0, keepdim=True)
        return features


class AllFrontFilters(nn.Module):
    """`musicnn.FrontFilters`, with a convolution for those that do nothing, too."""

    def __init__(self, filters: nn.Module) -> None:
        super().__init__()
        self.conv: Any = filters.conv
        self.norm: Any = filters.norm

    def forward(self, mel: Tensor) -> Tensor:
        """Return (windows, filters, frames) of windows (windows, 1, frames, bands)."""
        n_around = self.conv.kernel_size[0] - 1
        padded = functional.pad(mel, (0, 0, n_around // 2, n_around - n_around // 2))
        maps: Tensor = self.norm(self.conv(padded).relu()).amax(dim=3)
        return maps
