"""The loops, compiled by numba. Each leaves the interpreter's lock, and writes its results into its last arguments.

``d`` is the loss's gradient at the peaks (clips, pooled height, pooled width, channels), 0 where ReLU passes none.
"""
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from typing import Any

import numpy as np
from numba import njit

from genres.models.networks.architectures import POOLING

# "contract" lets a product and a sum become one instruction; no NaN is assumed away.
_compiled: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
# "reassoc" lets a sum over windows be taken in vectors.
_compiled_sums: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc"})


@_compiled
def convolve_and_pool(planes, indices, offsets, mask, weights, scale, shift, y, argmax):
    """Write the first block's output: relu(scale x peak + shift), with each window's peak the largest convolution.

    The first four arguments are those of `PatchedClips`; ``weights`` is (channels, 9), and ``argmax`` each peak's
    position in its window, 4 x row + column.
    """
    _, rows, columns, channels = y.shape
    n_windows = mask.shape[1]
    # Each position reads one of the two and writes the other. In place, only what changes would be stored, and such
    # masked stores take long on AMD's processors.
    peaks = np.empty((2, n_windows), planes.dtype)
    peak_positions = np.empty((2, n_windows), np.int32)
    zero = planes[0, 0] * 0
    for clip in range(len(y)):
        pixels = planes[indices[clip]]
        nothing = pixels.sum() - pixels.sum()  # but for what is not finite
        for channel in range(channels):
            w = weights[channel]
            peaks[0] = -np.inf
            peak_positions[0] = 0
            for position in range(POOLING**2):
                before, after = peaks[position % 2], peaks[1 - position % 2]
                position_before, position_after = peak_positions[position % 2], peak_positions[1 - position % 2]
                offset = offsets[position]
                outside = mask[position]
                # Views, because numba would test a sum of indices for being negative, and then not use vectors.
                x0, x1, x2 = pixels[offset[0] :], pixels[offset[1] :], pixels[offset[2] :]
                x3, x4, x5 = pixels[offset[3] :], pixels[offset[4] :], pixels[offset[5] :]
                x6, x7, x8 = pixels[offset[6] :], pixels[offset[7] :], pixels[offset[8] :]
                for window in range(n_windows):
                    z = outside[window] + w[0] * x0[window] + w[1] * x1[window] + w[2] * x2[window]
                    z = z + w[3] * x3[window] + w[4] * x4[window] + w[5] * x5[window]
                    z = z + w[6] * x6[window] + w[7] * x7[window] + w[8] * x8[window]
                    kept = -np.int32(z <= before[window])  # all bits or none: without branches, these are vectors
                    position_after[window] = (position_before[window] & kept) | (position & ~kept)
                    after[window] = max(before[window], z)
            # A maximum may pass over a NaN, but weights or pixels that are not finite must not be taken for silence.
            a, b = scale[channel], shift[channel] + (w.sum() - w.sum()) + nothing
            peak, peak_position = peaks[0], peak_positions[0]  # as the number of positions is even
            for window in range(n_windows):
                value = a * peak[window] + b
                peak[window] = zero if value < zero else value  # a NaN stays one
            y[clip, :, :, channel] = peak.reshape(rows, columns + 2)[:, :columns]
            argmax[clip, :, :, channel] = peak_position.reshape(rows, columns + 2)[:, :columns]


@_compiled_sums
def sum_patches_at_peaks(d, argmax, planes, indices, offsets, sums):
    """Write each clip's sum of d, and of d p over the patches p, into sums (clips, channels, 1 + 9)."""
    _, rows, columns, channels = d.shape
    n_windows = rows * (columns + 2)
    gradient = np.zeros(n_windows, d.dtype)
    peak_position = np.zeros(n_windows, np.int32)
    zero = gradient[0]
    for clip in range(len(d)):
        pixels = planes[indices[clip]]
        for channel in range(channels):
            gradient.reshape(rows, columns + 2)[:, :columns] = d[clip, :, :, channel]
            peak_position.reshape(rows, columns + 2)[:, :columns] = argmax[clip, :, :, channel]
            total = sums[clip, channel]
            total[:] = 0
            total[0] = gradient.sum()
            for position in range(POOLING**2):
                offset = offsets[position]
                x0, x1, x2 = pixels[offset[0] :], pixels[offset[1] :], pixels[offset[2] :]
                x3, x4, x5 = pixels[offset[3] :], pixels[offset[4] :], pixels[offset[5] :]
                x6, x7, x8 = pixels[offset[6] :], pixels[offset[7] :], pixels[offset[8] :]
                sum0 = sum1 = sum2 = sum3 = sum4 = sum5 = sum6 = sum7 = sum8 = zero
                # Over all windows, though one in 16 has its peak here: in vectors this is faster than picking them.
                for window in range(n_windows):
                    here = gradient[window] if peak_position[window] == position else zero
                    sum0 += here * x0[window]
                    sum1 += here * x1[window]
                    sum2 += here * x2[window]
                    sum3 += here * x3[window]
                    sum4 += here * x4[window]
                    sum5 += here * x5[window]
                    sum6 += here * x6[window]
                    sum7 += here * x7[window]
                    sum8 += here * x8[window]
                for pixel, part in enumerate((sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7, sum8)):
                    total[1 + pixel] += part
