"""MusiCNN (Pons and Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", 2019).

This is the network that its authors trained on tags of the Million Song Dataset, in PyTorch. Layers, sizes and front
end are those of their code, https://github.com/jordipons/musicnn. It sees windows of 3 s.
"""

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from genres.audio.decoding import FloatArray, read_listed_clip
from genres.core.files import LaidOutArray, file_sha256, lay_out_array, write_row
from genres.mel_bands import mel_filters
from genres.parallel import ordered_map

SAMPLE_RATE = 16_000  # Hz
N_FFT = 512
HOP_LENGTH = 256
N_MELS = 96
WINDOW_FRAMES = 187  # of a window, 3 s
FRAMES_AT_ONCE = 2048  # so that the memory for a long sound stays small
WINDOWS_AT_ONCE = 10  # as many as a clip of 30 s has; more at once are no faster, and take more memory
EPSILON = 1e-3  # of batch norm, TensorFlow's default
DEAD = 1e-10  # largest weight of a filter that weight decay has switched off

# (filters, frames, bands) of each size: timbral ones see many bands at once, temporal ones a single one.
FRONT_FILTERS = ((204, 7, 38), (204, 7, 67), (51, 128, 1), (51, 64, 1), (51, 32, 1))
N_MIDDLE = 64  # filters of each layer in the middle
N_PENULTIMATE = 200
# The tags of the last layer, in its order.
TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock", "jazz",
    "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "Mellow", "electronica",
    "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic",
    "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad", "House", "happy",
)  # fmt: skip


def log_mel_windows(samples: FloatArray) -> FloatArray:
    """Return the windows of a sound at `SAMPLE_RATE`, log10(1 + 10000 x mel power), (windows, frames, bands).

    The mel power is that of ``librosa.feature.melspectrogram`` with ``pad_mode="reflect"``, except for rounding.
    They follow one another without overlap. What is left at the end is dropped; a sound shorter than a window is
    repeated to fill it.
    """
    samples = np.resize(samples, max(samples.size, N_FFT))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, N_FFT // 2, "reflect"), N_FFT)[::HOP_LENGTH]
    window, filters = np.hanning(N_FFT + 1)[:-1], mel_filters(SAMPLE_RATE, N_FFT, N_MELS).T
    levels = np.empty((len(frames), N_MELS), np.float32)
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        spectra = np.fft.rfft(frames[start : start + FRAMES_AT_ONCE] * window).astype(np.complex64)
        mel = np.square(np.abs(spectra)) @ filters
        # Not log10, which NumPy leaves to the C library: glibc 2.41 rounds it differently from earlier ones.
        levels[start : start + FRAMES_AT_ONCE] = np.log(1 + 10_000 * mel) / np.float32(math.log(10))
    n_windows = max(1, len(levels) // WINDOW_FRAMES)
    return np.resize(levels, (n_windows, WINDOW_FRAMES, N_MELS))


class Activations(NamedTuple):
    """What the network's last layers give for windows."""

    pooled: Tensor  # (windows, 2 x 753): of each feature map the maximum and the mean over time, side by side
    penultimate: Tensor  # (windows, N_PENULTIMATE)
    tags: Tensor  # (windows, tags): from 0 to 1, each by itself


class FrontFilters(nn.Module):
    """The filters of one size: convolution, ReLU, batch norm, and the maximum over the bands."""

    def __init__(self, n_filters: int, n_frames: int, n_bands: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, n_filters, (n_frames, n_bands))
        self.norm = nn.BatchNorm2d(n_filters, EPSILON)

    def forward(self, mel: Tensor) -> Tensor:
        """Return (windows, filters, frames) of windows (windows, 1, frames, bands)."""
        conv: Any = self.conv  # because torch's types call biases and statistics optional
        norm: Any = self.norm
        scale = norm.weight / torch.sqrt(norm.running_var + EPSILON)
        shift = norm.bias - norm.running_mean * scale
        n_around = conv.kernel_size[0] - 1  # frames that a kernel sees around its own
        padded = functional.pad(mel, (0, 0, n_around // 2, n_around - n_around // 2))
        # Weight decay has left few filters. The others give their bias everywhere, which needs no convolution.
        alive = conv.weight.abs().amax(dim=(1, 2, 3)) > DEAD
        found = functional.conv2d(padded, conv.weight[alive], conv.bias[alive]).relu()
        found = (found * scale[alive, None, None] + shift[alive, None, None]).amax(dim=3)
        everywhere = (conv.bias.relu() * scale + shift)[:, None]
        y: Tensor = everywhere.repeat(len(mel), 1, mel.shape[2]).index_copy(1, alive.nonzero()[:, 0], found)
        return y


class MiddleLayer(nn.Module):
    """Convolution over time, ReLU and batch norm."""

    def __init__(self, n_inputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_inputs, N_MIDDLE, 7, padding=3)
        self.norm = nn.BatchNorm1d(N_MIDDLE, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Return (windows, N_MIDDLE, frames) of x (windows, inputs, frames)."""
        y: Tensor = self.norm(self.conv(x).relu())
        return y


class MusiCNN(nn.Module):
    """The network, without what only its training needs."""

    def __init__(self) -> None:
        super().__init__()
        n_front = sum(n_filters for n_filters, *_ in FRONT_FILTERS)
        n_pooled = 2 * (n_front + 3 * N_MIDDLE)
        self.input_norm = nn.BatchNorm2d(1, EPSILON)
        self.front = nn.ModuleList(FrontFilters(*size) for size in FRONT_FILTERS)
        self.middle = nn.ModuleList(MiddleLayer(n_inputs) for n_inputs in (n_front, N_MIDDLE, N_MIDDLE))
        self.pooled_norm = nn.BatchNorm1d(n_pooled, EPSILON)
        self.penultimate = nn.Linear(n_pooled, N_PENULTIMATE)
        self.penultimate_norm = nn.BatchNorm1d(N_PENULTIMATE, EPSILON)
        self.tags = nn.Linear(N_PENULTIMATE, len(TAGS))

    def forward(self, windows: Tensor) -> Activations:
        """Return what the last layers give for windows (windows, frames, bands)."""
        mel = self.input_norm(windows[:, None])
        front = torch.cat([filters(mel) for filters in self.front], dim=1)
        first = self.middle[0](front)
        second = first + self.middle[1](first)
        third = second + self.middle[2](second)
        maps = torch.cat([front, first, second, third], dim=1)
        pooled = torch.stack([maps.amax(dim=2), maps.mean(dim=2)], dim=2).flatten(1)
        penultimate = self.penultimate_norm(self.penultimate(self.pooled_norm(pooled)).relu())
        return Activations(pooled, penultimate, self.tags(penultimate).sigmoid())


def load_network(weights: Mapping[str, Tensor]) -> MusiCNN:
    """Return the network with converted weights; a RuntimeError says that they do not fit."""
    network = MusiCNN()
    # PyTorch counts the batches that a batch norm was trained on, TensorFlow does not.
    unused = {name: tensor for name, tensor in network.state_dict().items() if name.endswith("num_batches_tracked")}
    network.load_state_dict({**weights, **unused})
    return network.eval()


def mean_features(network: MusiCNN, windows: FloatArray) -> FloatArray:
    """Return the mean of the penultimate layer over the windows of a clip, (N_PENULTIMATE,)."""
    with torch.inference_mode():
        batches = torch.from_numpy(windows).split(WINDOWS_AT_ONCE)
        mean: FloatArray = torch.cat([network(batch).penultimate for batch in batches]).mean(dim=0).numpy()
    return mean


def write_features(path: Path, clips: pd.DataFrame, audio: Path, weights: Path, executor: Executor) -> pd.DataFrame:
    """Write the features of all readable ``clips`` to an npy file of float32 (clips, 1, N_PENULTIMATE).

    ``clips`` has `columns.CLIPS`; ``path`` is relative to ``audio``. ``weights`` is a file of converted weights.

    Returns:
        A table of the array's rows, with `columns.ARRAY_ROWS`; ``frames`` is how many were used.

    Raises:
        InputError: an audio file is missing or not readable.
    """
    files = [audio / name for name in clips.path]
    with lay_out_array(path, (len(clips), 1, N_PENULTIMATE)) as array:
        embed = partial(_embed_clip, array=array, load=partial(_load_once, weights, file_sha256(weights)))
        windows = list(ordered_map(embed, list(enumerate(files)), executor, "embedding"))
    return clips[["clip_id", "genre"]].assign(frames=[count * WINDOW_FRAMES for count in windows])


def _embed_clip(clip: tuple[int, Path], array: LaidOutArray, load: Callable[[], MusiCNN]) -> int:
    """Write a file's features into its row of the array, and return how many windows it has."""
    index, path = clip
    windows = log_mel_windows(read_listed_clip(path, SAMPLE_RATE))
    write_row(array, index, mean_features(load(), windows)[None])
    return len(windows)


@lru_cache(maxsize=1)
def _load_once(weights: Path, sha256: str) -> MusiCNN:
    """Load a network; ``sha256`` is the file's, because the next run's may have the same path, and workers live on."""
    return load_network(load_file(weights))
