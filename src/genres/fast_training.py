"""The CNNs on a CPU: the same numbers as ``models.build_model`` gives, several times sooner.

Every block is convolution (3x3, padded by 1), batch norm, ReLU and max pooling (4x4, its size rounded up). As a batch
norm is affine in each channel, and ReLU monotone, only the largest z of a pooling window survives them all, or the
smallest where the batch norm's weight is negative. With z the convolution, m and s its mean and standard deviation
over the batch, n the number of positions in the batch, g the batch norm's weight and b its bias:

    zhat = (z - m) / s,    y = relu(g * zhat at the window's peak + b)

so that normalisation and ReLU have a sixteenth of the work. Backwards, the gradient d of g * zhat + b is 0 but at the
peaks, and batch norm's gradient (Ioffe and Szegedy 2015, section 3) is

    dg = sum(d zhat),    db = sum(d),    dz = g / s * (d - db / n - zhat * dg / n)

whose first term is sparse, and whose others are affine in z: one pass.

The convolution's own bias shifts z and m alike. It changes no result but the running mean, hence gets no gradient
(autograd gives it rounding errors around 0, and Adam takes steps of full size after them).

The first block's input x never changes, so its z need not even be stored. With w a channel's nine weights, p the nine
values of x under them at some position, P = sum(p) and G = sum(p p') over all positions of a batch, which are sums
over its clips, computed once before the training:

    m = w'P / n,    s^2 = w'Gw / n - m^2
    dw = sum(dz p) = g / s * (sum(d p) - db / n * P - dg / n * sum(zhat p)),    sum(zhat p) = (G w - m P) / s
    dg = (w'sum(d p) - m db) / s

where sum(d p) needs the patches at the peaks only.

The loops are compiled by numba. Threads share out a batch in parts of a fixed size, and what is summed over clips is
summed in their order: the number of threads changes no bit.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from genres.models import BLOCKS, POOLING

TAPS = 9  # of a 3x3 convolution
CLIPS_AT_ONCE = 32  # a thread's part of a batch

Result = TypeVar("Result")

Array = NDArray[Any]  # float32, or float64 in the tests of gradients


@dataclass(frozen=True)
class PatchedClips:
    """Inputs, laid out for the first block, and the sums over their patches.

    A clip is kept as 16 planes, one for each position in a pooling window: plane 4 r + c holds the pixels
    (4 y + r, 4 x + c). A pooling window is thus the same place in 16 planes, and so is each of a patch's nine pixels
    for all windows: loops over windows run along memory. The planes have a border of zeros, one window wide.
    """

    planes: Array
    """(all clips, 16 x plane) with a plane of (pooled height + 2, pooled width + 2)."""
    taps: NDArray[np.int64]
    """(16, 9): where in a clip the patch's pixels lie for the first window's 16 positions."""
    outside: Array
    """(16, windows and right borders): -inf where a position lies outside the clip, else 0."""
    gram: NDArray[np.float64]
    """(all clips, 9, 9): each clip's G."""
    patch_sum: NDArray[np.float64]
    """(all clips, 9): each clip's P."""
    height: int
    width: int
    clips: NDArray[np.int64]
    """The clips meant, as their numbers."""

    @classmethod
    def of(cls, inputs: Tensor) -> "PatchedClips":
        """Lay out inputs (clips, height, width)."""
        clips, height, width = inputs.shape
        rows, columns = -(-height // POOLING), -(-width // POOLING)
        padded = inputs.new_zeros(clips, rows + 2, POOLING, columns + 2, POOLING)
        padded.view(clips, POOLING * (rows + 2), -1)[:, POOLING : POOLING + height, POOLING : POOLING + width] = inputs
        gram, patch_sum = map(np.stack, zip(*map(_patch_sums, inputs.numpy()), strict=True))
        row = np.arange(-1, POOLING + 1)[:, None]  # of the 6x6 pixels that a window's patches cover
        column = row.T
        pixels = (row % POOLING * POOLING + column % POOLING) * (rows + 2) + 1 + row // POOLING
        pixels = pixels * (columns + 2) + 1 + column // POOLING
        window = np.lib.stride_tricks.sliding_window_view(pixels, (3, 3))
        ys = np.arange(POOLING)[:, None, None, None] + POOLING * np.arange(rows)[:, None]
        xs = np.arange(POOLING)[:, None, None] + POOLING * np.arange(columns + 2)
        return cls(
            padded.permute(0, 2, 4, 1, 3).reshape(clips, -1).numpy(),
            window.reshape(POOLING**2, TAPS),
            np.where((ys < height) & (xs < width), 0.0, -np.inf).reshape(POOLING**2, -1).astype(padded.numpy().dtype),
            gram,
            patch_sum,
            height,
            width,
            np.arange(clips),
        )

    def __len__(self) -> int:
        """Return the number of clips meant."""
        return len(self.clips)

    def __getitem__(self, batch: Tensor | slice) -> "PatchedClips":
        """Return some of the clips, without copying them."""
        return replace(self, clips=self.clips[batch.numpy() if isinstance(batch, Tensor) else batch])

    def split(self, size: int) -> Sequence["PatchedClips"]:
        """Cut them into batches, as ``Tensor.split`` does."""
        return [self[start : start + size] for start in range(0, len(self), size)]


def _patch_sums(clip: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    padded = np.pad(clip.astype(np.float64), 1)
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).reshape(-1, TAPS)
    return patches.T @ patches, patches.sum(0)


@contextmanager
def clip_workers() -> Iterator[ThreadPoolExecutor]:
    """Give torch's threads to the loops over clips.

    Meanwhile torch itself uses one thread: its others would wait for work by spinning, on the cores that the loops
    need. And its results depend on its number of threads, while these loops' do not.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as workers:
            yield workers
    finally:
        torch.set_num_threads(threads)


def _over_clips(workers: Executor, work: Callable[[slice], Result], clips: int) -> list[Result]:
    """Let the workers do the same to all clips, some at a time, and return the results in the clips' order."""
    parts = [slice(start, start + CLIPS_AT_ONCE) for start in range(0, clips, CLIPS_AT_ONCE)]
    return list(workers.map(work, parts)) if len(parts) > 1 else [work(parts[0])]


class FastCNN(nn.Module):
    """A CNN of ``models.build_model``, computed as this module's head describes. It trains that very model."""

    def __init__(self, plain: nn.Module, workers: Executor) -> None:
        super().__init__()
        self.plain = cast(nn.Sequential, plain)
        self.workers = workers

    def forward(self, clips: PatchedClips) -> Tensor:
        """Return the logits (clips, genres)."""
        if not self.training:
            return torch.cat(_over_clips(self.workers, lambda part: self._evaluate(clips[part]), len(clips)))
        convolution, norm = _convolution_and_norm(self.plain[1])
        x, mean, variance = FirstBlock.apply(  # type: ignore[no-untyped-call]
            convolution.weight, norm.weight, norm.bias, norm.eps, clips, self.workers
        )
        _follow(norm, mean + convolution.bias, variance, len(clips) * clips.height * clips.width)
        for block in range(2, 1 + BLOCKS):
            convolution, norm = _convolution_and_norm(self.plain[block])
            count = x.numel() // x.shape[1]
            x, mean, variance = LaterBlock.apply(  # type: ignore[no-untyped-call]
                x, convolution.weight, norm.weight, norm.bias, norm.eps, self.workers
            )
            _follow(norm, mean + convolution.bias, variance, count)
        logits: Tensor = self.plain[1 + BLOCKS :](x)
        return logits

    @torch.no_grad()
    def _evaluate(self, clips: PatchedClips) -> Tensor:
        convolution, norm = _convolution_and_norm(self.plain[1])
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias + scale * (convolution.bias - norm.running_mean)
        y, _ = _pool_first(clips, convolution.weight, scale, shift)
        logits: Tensor = self.plain[2:](_channels_first(y))
        return logits


def _convolution_and_norm(block: nn.Module) -> tuple[Any, Any]:
    """Return a block's first two layers, whose biases and statistics torch's types call optional."""
    convolution, norm, *_ = block.children()
    return convolution, norm


@torch.no_grad()
def _follow(norm: Any, mean: Tensor, variance: Tensor, count: int) -> None:
    """Let the running statistics follow a batch, as ``nn.BatchNorm2d`` does in training."""
    norm.num_batches_tracked += 1
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance * (count / (count - 1)), norm.momentum)


class FirstBlock(torch.autograd.Function):
    """The first block in training, from clips to (clips, channels, pooled height, pooled width), mean and variance."""

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, gamma: Tensor, beta: Tensor, eps: float, clips: PatchedClips, workers: Executor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Take the convolution's weights, then the batch norm's weight, bias and epsilon."""
        count = len(clips) * clips.height * clips.width
        gram, patch_sum = clips.gram[clips.clips].sum(0), clips.patch_sum[clips.clips].sum(0)
        w = weight.double().reshape(-1, TAPS).numpy()
        mean = w @ patch_sum / count
        # Centred before the product, so that a large mean does not drown a small deviation.
        covariance = gram / count - np.outer(patch_sum, patch_sum) / count**2
        variance = np.maximum(((w @ covariance) * w).sum(1), 0)
        deviation = np.sqrt(variance + eps)
        scale = gamma.double().numpy() / deviation
        scales, shifts = torch.from_numpy(scale), beta - torch.from_numpy(scale * mean)
        kernel = weight.detach()  # because a worker would follow its gradient
        pooled = _over_clips(workers, lambda part: _pool_first(clips[part], kernel, scales, shifts), len(clips))
        y, places = map(np.concatenate, zip(*pooled, strict=True))
        ctx.saved = clips, workers, w, gram, patch_sum, mean, deviation, scale, y, places
        found = torch.from_numpy(mean).to(weight.dtype), torch.from_numpy(variance).to(weight.dtype)
        ctx.mark_non_differentiable(*found)
        return _channels_first(y), *found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of ``forward``'s first three arguments."""
        clips, workers, w, gram, patch_sum, mean, deviation, scale, y, places = ctx.saved
        count = len(clips) * clips.height * clips.width
        values = _channels_last(grad)
        sums = np.empty((len(clips), len(w), 1 + TAPS))

        def work(part: slice) -> None:
            _sum_first(values[part], y[part], places[part], clips.planes, clips.clips[part], clips.taps, sums[part])

        _over_clips(workers, work, len(clips))
        d, d_patch = np.split(sums.sum(0), [1], axis=1)  # (channels, 1), (channels, 9)
        d_beta = d[:, 0]
        d_gamma = ((w * d_patch).sum(1) - mean * d_beta) / deviation
        zhat_patch = (w @ gram - np.outer(mean, patch_sum)) / deviation[:, None]
        d_weight = scale[:, None] * (d_patch - d * patch_sum / count - d_gamma[:, None] * zhat_patch / count)
        found = (torch.from_numpy(array).to(grad.dtype) for array in (d_weight.reshape(-1, 1, 3, 3), d_gamma, d_beta))
        return *found, None, None, None


class LaterBlock(torch.autograd.Function):
    """A later block in training, from x (clips, inputs, height, width) to its output, mean and variance."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, gamma: Tensor, beta: Tensor, eps: float, workers: Executor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Take x and the convolution's weights, then the batch norm's weight, bias and epsilon."""
        clips, _, height, width = x.shape
        pixels, kernel = x.detach(), weight.detach()  # because a worker would follow their gradients
        peaks = np.empty((clips, -(-height // POOLING), -(-width // POOLING), len(weight)), _array(kernel).dtype)
        places = np.empty(peaks.shape, np.int8)
        sums = np.empty((clips, 2, len(weight)))
        sign = np.tile(np.sign(_array(gamma)), width)

        def work(part: slice) -> Array:
            z = _channels_last(functional.conv2d(pixels[part], kernel, padding=1))
            _pool_later(z.reshape(len(z), height, -1), sign, peaks[part], places[part], sums[part])
            return z

        z = _over_clips(workers, work, clips)
        mean, square = sums.sum(0) / (clips * height * width)
        variance = np.maximum(square - mean**2, 0)
        deviation = np.sqrt(variance + eps)
        scale = gamma.double().numpy() / deviation
        scales, shifts = (
            torch.from_numpy(array).to(x.dtype) for array in (scale, beta.double().numpy() - scale * mean)
        )
        y = torch.addcmul(shifts, torch.from_numpy(peaks), scales).relu_().numpy()
        ctx.saved = workers, pixels, kernel, z, mean, deviation, scale, peaks, places, y
        found = torch.from_numpy(mean).to(x.dtype), torch.from_numpy(variance).to(x.dtype)
        ctx.mark_non_differentiable(*found)
        return _channels_first(y), *found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of ``forward``'s first four arguments."""
        workers, pixels, kernel, z, mean, deviation, scale, peaks, places, y = ctx.saved
        clips, _, height, width = pixels.shape
        count = clips * height * width
        values = _channels_last(grad)
        sums = np.empty((clips, 2, len(mean)))
        _sum_later(values, y, peaks, sums)
        d_beta, d_peaks = sums.sum(0)
        d_gamma = (d_peaks - mean * d_beta) / deviation
        slope = -scale * d_gamma / count / deviation
        offset = -scale * d_beta / count - slope * mean
        factors = [array.astype(values.dtype) for array in (scale, offset, slope)]

        def work(part: slice) -> tuple[Tensor, Tensor]:
            z_part = z[part.start // CLIPS_AT_ONCE]
            d_z = np.empty_like(z_part)
            _spread_later(z_part, values[part], y[part], places[part], *factors, d_z)
            d_x, d_weight, _ = torch.ops.aten.convolution_backward(
                _channels_first(d_z), pixels[part], kernel,
                bias_sizes=None, stride=[1, 1], padding=[1, 1], dilation=[1, 1], transposed=False,
                output_padding=[0, 0], groups=1, output_mask=[True, True, False],
            )  # fmt: skip
            return d_x, d_weight

        d_x, d_weight = zip(*_over_clips(workers, work, clips), strict=True)
        found = (torch.from_numpy(array).to(grad.dtype) for array in (d_gamma, d_beta))
        return torch.cat(d_x), torch.stack(d_weight).sum(0), *found, None, None


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().numpy()
    return array


def _channels_first(array: Array) -> Tensor:
    return torch.from_numpy(array).permute(0, 3, 1, 2)


def _channels_last(tensor: Tensor) -> Array:
    """Return (clips, height, width, channels), copied only where the memory is not in that order."""
    return _array(tensor.permute(0, 2, 3, 1).contiguous())


def _pool_first(clips: PatchedClips, weight: Tensor, scale: Tensor, shift: Tensor) -> tuple[Array, NDArray[np.int8]]:
    """Return relu(scale z + shift) at the peaks, (clips, pooled height, pooled width, channels), and their places."""
    weights, scales, shifts = (
        _array(tensor.to(weight.dtype))
        for tensor in (weight.reshape(-1, TAPS) * scale.sign()[:, None], scale.abs(), shift)
    )
    rows, columns = -(-clips.height // POOLING), -(-clips.width // POOLING)
    y = np.empty((len(clips), rows, columns, len(weights)), clips.planes.dtype)
    places = np.empty(y.shape, np.int8)
    _pool_first_loop(clips.planes, clips.clips, clips.taps, clips.outside, weights, scales, shifts, y, places)
    return y, places


# The compiled loops. Each leaves the interpreter's lock. "contract" lets a product and a sum become one instruction;
# no NaN is assumed away.
Loop = Callable[..., None]
_compiled: Callable[[Loop], Loop] = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
# "reassoc" lets a sum over windows be taken in vectors.
_compiled_sums: Callable[[Loop], Loop] = njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc"}
)


@_compiled
def _pool_first_loop(planes, clips, taps, outside, weights, scale, shift, y, places):  # type: ignore[no-untyped-def]
    """Convolve and pool at once, into y and places (clips, pooled height, pooled width, channels)."""
    _, rows, columns, channels = y.shape
    windows = outside.shape[1]
    peak = np.empty(windows, planes.dtype)
    place = np.empty(windows, np.int32)
    zero = planes[0, 0] * 0
    for clip in range(len(y)):
        pixels = planes[clips[clip]]
        for channel in range(channels):
            w = weights[channel]
            peak[:] = -np.inf
            place[:] = 0
            for position in range(POOLING**2):
                tap = taps[position]
                edge = outside[position]
                # Views, because numba would test a sum of indices for being negative, and then not use vectors.
                x0, x1, x2 = pixels[tap[0] :], pixels[tap[1] :], pixels[tap[2] :]
                x3, x4, x5 = pixels[tap[3] :], pixels[tap[4] :], pixels[tap[5] :]
                x6, x7, x8 = pixels[tap[6] :], pixels[tap[7] :], pixels[tap[8] :]
                for window in range(windows):
                    z = edge[window] + w[0] * x0[window] + w[1] * x1[window] + w[2] * x2[window]
                    z = z + w[3] * x3[window] + w[4] * x4[window] + w[5] * x5[window]
                    z = z + w[6] * x6[window] + w[7] * x7[window] + w[8] * x8[window]
                    if z > peak[window]:
                        peak[window] = z
                        place[window] = position
            a, b = scale[channel], shift[channel]
            for window in range(windows):
                value = a * peak[window] + b
                peak[window] = zero if value < zero else value  # a NaN stays one
            for row in range(rows):
                for column in range(columns):
                    window = row * (columns + 2) + column
                    y[clip, row, column, channel] = peak[window]
                    places[clip, row, column, channel] = place[window]


@_compiled_sums
def _sum_first(grad, y, places, planes, clips, taps, sums):  # type: ignore[no-untyped-def]
    """Write each clip's sum of d, and of d p, into sums (clips, channels, 1 + 9)."""
    _, rows, columns, channels = y.shape
    windows = rows * (columns + 2)
    d = np.zeros(windows, grad.dtype)
    place = np.zeros(windows, np.int32)
    zero = d[0]
    for clip in range(len(y)):
        pixels = planes[clips[clip]]
        for channel in range(channels):
            for row in range(rows):
                for column in range(columns):
                    window = row * (columns + 2) + column
                    d[window] = grad[clip, row, column, channel] if y[clip, row, column, channel] > 0 else zero
                    place[window] = places[clip, row, column, channel]
            total = sums[clip, channel]
            total[:] = 0
            total[0] = d.sum()
            for position in range(POOLING**2):
                tap = taps[position]
                x0, x1, x2 = pixels[tap[0] :], pixels[tap[1] :], pixels[tap[2] :]
                x3, x4, x5 = pixels[tap[3] :], pixels[tap[4] :], pixels[tap[5] :]
                x6, x7, x8 = pixels[tap[6] :], pixels[tap[7] :], pixels[tap[8] :]
                sum0 = sum1 = sum2 = sum3 = sum4 = sum5 = sum6 = sum7 = sum8 = zero
                # Over all windows, though one in sixteen has its peak here: vectors pass them sooner than picking them.
                for window in range(windows):
                    here = d[window] if place[window] == position else zero
                    sum0 += here * x0[window]
                    sum1 += here * x1[window]
                    sum2 += here * x2[window]
                    sum3 += here * x3[window]
                    sum4 += here * x4[window]
                    sum5 += here * x5[window]
                    sum6 += here * x6[window]
                    sum7 += here * x7[window]
                    sum8 += here * x8[window]
                for number, part in enumerate((sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7, sum8)):
                    total[1 + number] += part


@_compiled
def _pool_later(z, sign, peaks, places, sums):  # type: ignore[no-untyped-def]
    """Write each window's peak and its place, and each clip's sums of z and of its square.

    z is (clips, height, width x channels), and sign (width x channels).
    """
    _, height, length = z.shape
    channels = peaks.shape[3]
    peak = np.empty(length, z.dtype)
    place = np.empty(length, np.int32)
    sum_ = np.empty(length)
    square = np.empty(length)
    for clip in range(len(z)):
        sum_[:] = 0
        square[:] = 0
        for y in range(height):
            line = z[clip, y]
            y_place = y % POOLING * POOLING
            if y_place == 0:
                peak[:] = line
                place[:] = 0
            for i in range(length):
                value = line[i]
                sum_[i] += value
                square[i] += np.float64(value) * value
                if sign[i] * value > sign[i] * peak[i]:
                    peak[i] = value
                    place[i] = y_place
            if y % POOLING == POOLING - 1 or y == height - 1:
                for x in range(length // channels):
                    best, best_place = peaks[clip, y // POOLING, x // POOLING], places[clip, y // POOLING, x // POOLING]
                    for channel in range(channels):
                        i = x * channels + channel
                        value = peak[i]
                        position = place[i] + x % POOLING
                        here, there = sign[channel] * value, sign[channel] * best[channel]
                        if x % POOLING == 0 or here > there or (here == there and position < best_place[channel]):
                            best[channel] = value
                            best_place[channel] = position
        for channel in range(channels):
            sums[clip, 0, channel] = sum_[channel::channels].sum()
            sums[clip, 1, channel] = square[channel::channels].sum()


@_compiled
def _sum_later(grad, y, peaks, sums):  # type: ignore[no-untyped-def]
    """Write each clip's sums of d, and of d z at the peaks, into sums (clips, 2, channels)."""
    _, rows, columns, channels = y.shape
    for clip in range(len(y)):
        sums[clip] = 0
        for row in range(rows):
            for column in range(columns):
                for channel in range(channels):
                    d = grad[clip, row, column, channel] * (y[clip, row, column, channel] > 0)
                    sums[clip, 0, channel] += d
                    sums[clip, 1, channel] += d * peaks[clip, row, column, channel]


@_compiled
def _spread_later(z, grad, y, places, scale, offset, slope, d_z):  # type: ignore[no-untyped-def]
    """Write dz: offset + slope z, and scale d on top of it at the peaks."""
    _, height, width, channels = z.shape
    rows, columns = places.shape[1:3]
    for clip in range(len(z)):
        for line in range(height):
            for x in range(width):
                for channel in range(channels):
                    d_z[clip, line, x, channel] = offset[channel] + slope[channel] * z[clip, line, x, channel]
        for row in range(rows):
            for column in range(columns):
                for channel in range(channels):
                    place = places[clip, row, column, channel]
                    line, x = row * POOLING + place // POOLING, column * POOLING + place % POOLING
                    d = grad[clip, row, column, channel] * (y[clip, row, column, channel] > 0)
                    d_z[clip, line, x, channel] += scale[channel] * d
