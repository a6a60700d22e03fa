"""The model beyond the paper in PyTorch's operators, all of which ONNX has: no FFT and no eigenvalues.

For a fixed number of frames, the filters in time are one matrix for each rate: what `scattering_features` makes of
the identity. The logarithm of a covariance is a series, after square roots by products of matrices alone.
"""

import numpy as np
import torch
from torch import Tensor, nn

from genres import scattering_features
from genres.models.scattering import MAX_DEVIATION, TrainedScattering
from genres.schema import Featurize

# Steps of Newton's method for each of the square roots. Eigenvalues from 3e-5 to 1 need most for the first one, and are
# from 0.85 to 1 after the last.
ROOT_STEPS = (22, 15, 11, 9, 8, 7)
SERIES_TERMS = 14


class ScatteringFeatures(nn.Module):
    """`scattering_features.excerpt_features` of spectrograms with a fixed number of frames."""

    def __init__(self, featurize: Featurize) -> None:
        super().__init__()
        n_bands = scattering_features.count_bands(featurize)
        self.n_bands = n_bands
        self.scatter = Scatter(n_bands, featurize.n_frames, featurize.sample_rate / featurize.hop_length)
        self.statistics = ExcerptStatistics(n_bands, featurize.n_frames, featurize.sample_rate / featurize.hop_length)

    def forward(self, mel: Tensor) -> Tensor:
        """Return the features (excerpts, features) of one spectrogram (1, n_mels, n_frames) in dB."""
        level = mel[0, : self.n_bands]
        return torch.cat([self.scatter(level), self.statistics(level)], dim=1)


class Scatter(nn.Module):
    """`scattering_features.scatter`, with real and imaginary parts apart."""

    bands_real: Tensor
    bands_imag: Tensor
    regions: Tensor

    def __init__(self, n_bands: int, n_frames: int, frame_rate: float) -> None:
        super().__init__()
        across_bands = scattering_features.scale_filters(n_bands)
        self.register_buffer("bands_real", torch.from_numpy(across_bands.real.copy()))
        self.register_buffer("bands_imag", torch.from_numpy(across_bands.imag.copy()))
        self.register_buffer(
            "regions", torch.from_numpy(scattering_features.averaging_matrix(n_bands, scattering_features.REGIONS))
        )
        identity = np.eye(n_frames, dtype=np.float32)
        spectrum = np.fft.rfft(np.concatenate([identity, identity[:, ::-1]], axis=1), axis=1).astype(np.complex64)
        for index, rate in enumerate((0.0, *scattering_features.RATES)):
            filtered, step = scattering_features.filter_in_time(spectrum, 2 * n_frames, rate, frame_rate)
            times = np.arange(filtered.shape[1]) * step
            averaging = scattering_features.excerpt_averaging(times, n_frames / frame_rate)
            self.register_buffer(f"time_real_{index}", torch.from_numpy(filtered.real.copy()))
            if rate:
                self.register_buffer(f"time_imag_{index}", torch.from_numpy(filtered.imag.copy()))
            self.register_buffer(f"averaging_{index}", torch.from_numpy(averaging.T.copy()))

    def forward(self, level: Tensor) -> Tensor:
        """Return the logarithm of the energies (excerpts, filters x regions) of a level (bands, frames) in dB."""
        n_bands = level.shape[0]
        real, imag = self.bands_real, self.bands_imag
        positive_real, positive_imag = real[n_bands:], imag[n_bands:]  # without scale 0
        slow = 2 * (level @ self.get_buffer("time_real_0"))
        energies = [self._energies(positive_real @ slow, positive_imag @ slow, 0)]
        for index in range(1, 1 + len(scattering_features.RATES)):
            in_time, turned = (level @ self.get_buffer(f"time_{part}_{index}") for part in ("real", "imag"))
            rising = (real @ in_time - imag @ turned, real @ turned + imag @ in_time)
            falling = (
                positive_real @ in_time + positive_imag @ turned,
                positive_imag @ in_time - positive_real @ turned,
            )
            energies += [self._energies(*rising, index), self._energies(*falling, index)]
        return torch.log(torch.cat(energies).flatten(0, 1).T + scattering_features.ENERGY_OFFSET)

    def _energies(self, real: Tensor, imag: Tensor, index: int) -> Tensor:
        """Return (filters, regions, excerpts) of what was filtered, (filters x bands, points)."""
        averaged = torch.sqrt(real**2 + imag**2) @ self.get_buffer(f"averaging_{index}")
        energies: Tensor = self.regions @ averaged.unflatten(0, (-1, self.regions.shape[1]))
        return energies


class ExcerptStatistics(nn.Module):
    """`scattering_features.excerpt_statistics`."""

    averaging: Tensor
    smoothing: Tensor
    upper_triangle: Tensor
    factors: Tensor

    def __init__(self, n_bands: int, n_frames: int, frame_rate: float) -> None:
        super().__init__()
        self.length = min(n_frames, max(2, round(scattering_features.EXCERPT_SECONDS * frame_rate)))
        starts = np.linspace(0, n_frames - self.length, scattering_features.N_EXCERPTS).astype(np.int64)
        self.starts: list[int] = starts.tolist()
        n_averaged = scattering_features.BANDS
        self.register_buffer(
            "averaging", torch.from_numpy(scattering_features.averaging_matrix(n_bands, n_averaged).copy())
        )
        self.register_buffer("smoothing", torch.from_numpy(scattering_features.smoothing(n_bands).copy()))
        rows, columns = np.triu_indices(n_averaged)
        self.register_buffer("upper_triangle", torch.from_numpy(rows * n_averaged + columns))
        self.register_buffer("factors", torch.from_numpy(np.where(rows == columns, 1, np.sqrt(2))))

    def forward(self, level: Tensor) -> Tensor:
        """Return the statistics (excerpts, features) of a level (bands, frames) in dB."""
        bands, peaks = (
            torch.stack([values[:, start : start + self.length] for start in self.starts])  # (excerpts, bands, length)
            for values in (self.averaging @ level, level - self.smoothing @ level)
        )
        covariances = log_covariance(bands).flatten(1)[:, self.upper_triangle] * self.factors
        mean = peaks.mean(dim=2)
        deviation = ((peaks - mean[:, :, None]) ** 2).mean(dim=2).sqrt()
        log_deviation = torch.log(deviation + scattering_features.DEVIATION_OFFSET)
        return torch.cat([covariances.float(), bands.mean(dim=2), mean, log_deviation], dim=1)


def log_covariance(values: Tensor) -> Tensor:
    """Return the matrix logarithms (excerpts, variables, variables) of the covariances, as `scattering_features` does.

    ``values`` has shape (excerpts, variables, times). All is in double precision, because roots lose digits.
    """
    deviations = values.double() - values.double().mean(dim=2, keepdim=True)
    covariances = deviations @ deviations.transpose(1, 2) / values.shape[2]
    identity = torch.eye(values.shape[1], dtype=torch.float64)
    traces = (covariances * identity).sum(dim=(1, 2))[:, None, None]
    least = scattering_features.MIN_VARIANCE
    regularised = covariances + (least * traces / values.shape[1] + least**2) * identity
    scale = (regularised * identity).sum(dim=(1, 2))[:, None, None]  # the trace, which no eigenvalue exceeds
    root = regularised / scale
    for steps in ROOT_STEPS:
        root = _square_root(root, identity, steps)
    remainder = identity - root
    series = remainder / SERIES_TERMS
    for term in range(SERIES_TERMS - 1, 0, -1):  # Horner's scheme for the series of -log(1 - x)
        series = remainder @ (identity / term + series)
    logarithms: Tensor = torch.log(scale) * identity - 2 ** len(ROOT_STEPS) * series
    return logarithms


def _square_root(matrices: Tensor, identity: Tensor, steps: int) -> Tensor:
    """Return the square roots of symmetric matrices with eigenvalues above 0 and up to 1.

    By the iteration of Newton and Schulz (Higham, "Functions of Matrices", 2008, section 6.7), which needs no inverse.
    """
    root, inverse = matrices, identity.expand_as(matrices)
    for _ in range(steps):
        factor = 1.5 * identity - 0.5 * inverse @ root
        root, inverse = root @ factor, factor @ inverse
    return root


class ScatteringClassifier(nn.Module):
    """`models.scattering.predict_scattering` for one clip."""

    mean: Tensor
    deviation: Tensor
    weights: Tensor
    coefficients: Tensor
    intercepts: Tensor
    excerpts: Tensor
    squares: Tensor
    norms: Tensor
    dual_coefficients: Tensor
    shares: Tensor

    def __init__(self, trained: TrainedScattering) -> None:
        super().__init__()
        sizes = trained.group_sizes
        self.n_scattering = int(sizes[0])
        self.n_clips, self.n_excerpts = trained.excerpts.shape[:2]
        self.gamma, self.ridge_weight, self.inverse_temperature = (
            float(value) for value in (trained.gamma, trained.ridge_weight, trained.inverse_temperature)
        )
        for name in ("mean", "deviation", "coefficients", "intercepts", "dual_coefficients", "shares"):
            self.register_buffer(name, torch.from_numpy(getattr(trained, name).copy()))
        weights = np.repeat(1 / np.sqrt(len(sizes) * sizes), sizes)
        self.register_buffer("weights", torch.from_numpy(weights.astype(np.float32)))
        excerpts = torch.from_numpy(trained.excerpts.copy())
        self.register_buffer("excerpts", excerpts.flatten(0, 1))
        self.register_buffer("squares", (excerpts**2).sum(dim=2).flatten())
        self.register_buffer("norms", torch.stack([self._norm(clip) for clip in excerpts]))

    def forward(self, features: Tensor) -> Tensor:
        """Return the probabilities (1, classes) of a clip from the features (excerpts, features) of its excerpts."""
        standardised = ((features - self.mean) / self.deviation).clamp(-MAX_DEVIATION, MAX_DEVIATION)
        excerpts = standardised * self.weights
        scattering = excerpts[:, : self.n_scattering].double()
        posteriors = torch.log_softmax(scattering @ self.coefficients + self.intercepts, dim=1).mean(dim=0)
        distances = (excerpts**2).sum(dim=1)[:, None] + self.squares - 2 * excerpts @ self.excerpts.T
        kernel = self._kernel(distances).double().unflatten(1, (self.n_clips, self.n_excerpts))
        similarities = kernel.mean(dim=(0, 2)) / (self._norm(excerpts) * self.norms)
        scores = torch.softmax(posteriors, dim=0) + self.ridge_weight * (
            similarities @ self.dual_coefficients + self.shares
        )
        return torch.softmax(self.inverse_temperature * scores, dim=0).float()[None]

    def _kernel(self, squared_distances: Tensor) -> Tensor:
        return torch.exp(-self.gamma * squared_distances.clamp(min=0))

    def _norm(self, excerpts: Tensor) -> Tensor:
        squares = (excerpts**2).sum(dim=1)
        distances = squares[:, None] + squares - 2 * excerpts @ excerpts.T
        return self._kernel(distances).double().mean().sqrt()
