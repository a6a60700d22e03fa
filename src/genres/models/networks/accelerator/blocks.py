"""A block of the CNNs in training, with batch norm and ReLU after the pooling, where they cost a sixteenth.

A block is convolution (3x3, padded by 1), batch norm, ReLU and max pooling (4x4, its size rounded up). As a batch norm
is affine in each channel, and ReLU monotone, only the largest z of a pooling window survives them all, or the smallest
where the batch norm's weight is negative: the window's peak. With z the convolution, m and s its mean and standard
deviation over the batch (eps is in s), n the number of positions in the batch, gamma the batch norm's weight and beta
its bias:

    zhat = (z - m) / s,    y = relu(gamma * zhat at the peak + beta)

Backwards, the gradient d by gamma * zhat + beta is 0 but at the peaks, and batch norm's gradient (Ioffe and Szegedy
2015, section 3) is

    dgamma = sum(d zhat),    dbeta = sum(d),    dz = gamma / s * (d - dbeta / n - zhat * dgamma / n)

The convolution's own bias shifts z and m alike. It changes no result but the running mean, hence gets no gradient
(autograd gives it rounding errors around 0, and Adam takes steps of full size after them).
"""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from genres.models.networks.accelerator.kernels import convolve_and_pool, sum_patches_at_peaks
from genres.models.networks.accelerator.layout import PATCH_SIZE, Array, PatchedClips, channels_first, channels_last
from genres.models.networks.architectures import POOLING

CLIPS_PER_TASK = 32  # fixed, so that a batch is cut the same way, and summed to the same bits, on any number of cores

Sums = NDArray[np.float64]
Result = TypeVar("Result")


class FirstBlock(torch.autograd.Function):
    """The first block, from clips to (clips, channels, pooled height, pooled width).

    Its input never changes, so that z need not even be stored. With w a channel's nine weights and p the patch under
    them, P = sum(p) and G = sum(p p') over all positions of a batch are sums over its clips, known before the training.
    """

    @staticmethod
    def forward(
        ctx: Any, clips: PatchedClips, weight: Tensor, gamma: Tensor, beta: Tensor, block: Any, workers: Executor
    ) -> Tensor:
        """Take the clips, what is trained of the plain block, and that block.

        The statistics are m = w'P / n and s^2 = w'(G / n - P P' / n^2) w.
        """
        count = len(clips) * clips.size
        gram, patch_sum = clips.gram[clips.indices].sum(0), clips.patch_sum[clips.indices].sum(0)
        w = weight.double().reshape(-1, PATCH_SIZE).numpy()
        mean = w @ patch_sum / count
        # Centred before the product, so that a large mean does not drown a small deviation.
        covariance = gram / count - np.outer(patch_sum, patch_sum) / count**2
        variance = np.maximum(((w @ covariance) * w).sum(1), 0)
        deviation, scale, shift = _batch_norm(block, mean, variance, count)
        factors = (
            weight.detach(),
            torch.from_numpy(scale),
            torch.from_numpy(shift),
        )  # else a worker's autograd tracks it
        parts = map_clips(workers, lambda part: pool_first_block(clips[part], *factors), len(clips))
        y, argmax = map(np.concatenate, zip(*parts, strict=True))
        ctx.saved = clips, workers, w, gram, patch_sum, mean, deviation, scale, y, argmax
        return channels_first(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by what is trained.

        The patches are needed at the peaks only, in sum(d p):

            sum(zhat p) = (G w - m P) / s,    dgamma = (w'sum(d p) - m dbeta) / s
            dw = sum(dz p) = gamma / s * (sum(d p) - dbeta / n * P - dgamma / n * sum(zhat p))
        """
        clips, workers, w, gram, patch_sum, mean, deviation, scale, y, argmax = ctx.saved
        count = len(clips) * clips.size
        d = channels_last(grad) * (y > 0)
        sums = np.empty((len(clips), len(w), 1 + PATCH_SIZE))

        def work(part: slice) -> None:
            sum_patches_at_peaks(d[part], argmax[part], clips.planes, clips.indices[part], clips.offsets, sums[part])

        map_clips(workers, work, len(clips))
        d_sum, d_patch = np.split(sums.sum(0), [1], axis=1)  # (channels, 1), (channels, 9)
        d_beta = d_sum[:, 0]
        d_gamma = ((w * d_patch).sum(1) - mean * d_beta) / deviation
        zhat_patch = (w @ gram - np.outer(mean, patch_sum)) / deviation[:, None]
        d_weight = scale[:, None] * (d_patch - d_sum * patch_sum / count - d_gamma[:, None] * zhat_patch / count)
        arrays = (d_weight.reshape(-1, 1, 3, 3), d_gamma, d_beta)
        return None, *(torch.from_numpy(array).to(grad.dtype) for array in arrays), None, None


class LaterBlock(torch.autograd.Function):
    """A later block, from x (clips, inputs, height, width) to its output."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, gamma: Tensor, beta: Tensor, block: Any, workers: Executor
    ) -> Tensor:
        """Take x, what is trained of the plain block, and that block."""
        count = x.numel() // x.shape[1]
        pixels, kernel = x.detach(), weight.detach()  # because autograd would track them in a worker
        sign = gamma.detach().sign()[:, None, None]

        def work(part: slice) -> list[Array]:
            z = functional.conv2d(pixels[part], kernel, padding=1)
            _, argmax = functional.max_pool2d(sign * z, POOLING, ceil_mode=True, return_indices=True)
            peaks = z.flatten(2).gather(2, argmax.flatten(2)).view_as(argmax)
            powers = channels_last(z).astype(np.float64)
            sums = [powers.sum(1).sum(1), np.square(powers, out=powers).sum(1).sum(1)]
            return [np.stack(sums, axis=1), *map(channels_last, (z, peaks, argmax))]

        sums, z, peaks, argmax = map(np.concatenate, zip(*map_clips(workers, work, len(x)), strict=True))
        mean, square = sums.sum(0) / count
        deviation, scale, shift = _batch_norm(block, mean, np.maximum(square - mean**2, 0), count)
        scales, shifts = (torch.from_numpy(array).to(x.dtype) for array in (scale, shift))
        y = torch.addcmul(shifts, torch.from_numpy(peaks), scales).relu_().numpy()
        ctx.saved = workers, pixels, kernel, z, mean, deviation, scale, peaks, argmax, y
        return channels_first(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by x and by what is trained.

        Of dz, the first term is sparse, and the others are affine in z, intercept + slope z: one pass.
        """
        workers, pixels, kernel, z, mean, deviation, scale, peaks, argmax, y = ctx.saved
        count = pixels.numel() // pixels.shape[1]
        d = channels_last(grad) * (y > 0)
        d_beta, d_peaks = (array.sum((1, 2), dtype=np.float64).sum(0) for array in (d, d * peaks))
        d_gamma = (d_peaks - mean * d_beta) / deviation
        slope = -scale * d_gamma / count / deviation
        intercept = -scale * d_beta / count - slope * mean
        factor, start, step = (torch.from_numpy(array.astype(d.dtype)) for array in (scale, intercept, slope))

        def work(part: slice) -> tuple[Tensor, Tensor]:
            flat_z, flat_d, flat_argmax = (torch.from_numpy(array[part]).flatten(1, 2) for array in (z, d, argmax))
            d_z = torch.addcmul(start, step, flat_z).scatter_add_(1, flat_argmax, factor * flat_d)
            d_x, d_weight, _ = torch.ops.aten.convolution_backward(
                d_z.view(z[part].shape).permute(0, 3, 1, 2), pixels[part], kernel,
                bias_sizes=None, stride=[1, 1], padding=[1, 1], dilation=[1, 1], transposed=False,
                output_padding=[0, 0], groups=1, output_mask=[True, True, False],
            )  # fmt: skip
            return d_x, d_weight

        d_x, d_weight = zip(*map_clips(workers, work, len(pixels)), strict=True)
        d_norm = (torch.from_numpy(array).to(grad.dtype) for array in (d_gamma, d_beta))
        return torch.cat(d_x), torch.stack(d_weight).sum(0), *d_norm, None, None


def map_clips(workers: Executor, function: Callable[[slice], Result], n_clips: int) -> list[Result]:
    """Call ``function`` with slices that cover all clips, and return the results in the clips' order."""
    parts = [slice(start, start + CLIPS_PER_TASK) for start in range(0, n_clips, CLIPS_PER_TASK)]
    return list(workers.map(function, parts)) if len(parts) > 1 else [function(parts[0])]


def _batch_norm(block: Any, mean: Sums, variance: Sums, count: int) -> tuple[Sums, Sums, Sums]:
    """Return a batch's s, gamma / s and beta - gamma / s * m, and let the running statistics follow it as in torch."""
    convolution, norm, *_ = block
    batch_mean, batch_variance = (torch.from_numpy(array).to(norm.weight.dtype) for array in (mean, variance))
    norm.num_batches_tracked += 1
    norm.running_mean.lerp_(batch_mean + convolution.bias, norm.momentum)
    norm.running_var.lerp_(batch_variance * (count / (count - 1)), norm.momentum)
    deviation = np.sqrt(variance + norm.eps)
    scale = norm.weight.double().numpy() / deviation
    return deviation, scale, norm.bias.double().numpy() - scale * mean


def pool_first_block(
    clips: PatchedClips, weight: Tensor, scale: Tensor, shift: Tensor
) -> tuple[Array, NDArray[np.int8]]:
    """Return relu(scale z + shift) at the peaks, (clips, pooled height, pooled width, channels), and their positions.

    A position is 4 x row + column in the pooling window.
    """
    # A negative factor goes into the weights, so that the peak is always the largest z.
    weights, scales, shifts = (
        tensor.to(weight.dtype).numpy()
        for tensor in (weight.reshape(-1, PATCH_SIZE) * scale.sign()[:, None], scale.abs(), shift)
    )
    y = np.empty((len(clips), *clips.pooled, len(weights)), clips.planes.dtype)
    argmax = np.empty(y.shape, np.int8)
    convolve_and_pool(clips.planes, clips.indices, clips.offsets, clips.mask, weights, scales, shifts, y, argmax)
    return y, argmax
