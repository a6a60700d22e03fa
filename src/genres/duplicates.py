"""Copies of the same recording among the clips, found from the audio.

Byte-identical files are found by their SHA-256, all other copies by landmarks, after Wang, "An industrial-strength
audio search algorithm", ISMIR 2003: the peaks of a spectrogram survive re-encoding, noise and changes of level; two
peaks near each other are hashed as (frequency, difference in frequency, difference in time); and clips that share many
hashes, all at the same offset in time, hold the same recording. Music that repeats itself, or shares its chords and
drums with other music, shares hashes as well, but each at another offset.

Similarities measured on gtzan-mini and on synthetic clips: 1.0 for the same samples at another level; at least 0.2
after MP3 at 27 kbit/s, Ogg at 44 kbit/s, noise at 20 dB SNR, or a shift by half a frame, which is the worst one; after
shift, noise and Ogg together at least 0.16 (real clips) and 0.06 (synthetic clips), which may be missed. Clips that are
not copies of each other: below 0.01 in gtzan-mini, up to 0.07 among 999 synthetic clips, where two bands may play the
same patterns in the same key and tempo.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal.windows import hann

from genres.audio.decoding import FloatArray, read_listed_clip
from genres.core.columns import DUPLICATES
from genres.parallel import ordered_map

SAMPLE_RATE = 8000  # Hz; low bit rates discard content above 4 kHz first
WINDOW = 1024  # samples, 128 ms; a bin is 7.8 Hz
HOP = 256  # samples, 32 ms
LOWEST_BIN = 4  # 31 Hz; below are the traces of a constant offset of the samples

# A peak is the maximum of its neighbourhood, and within `RANGE` of the loudest point at most a second away.
PEAK_FRAMES = 13
PEAK_BINS = 25
LOUDNESS_FRAMES = 63
RANGE = 10 ** (-35 / 20)  # 35 dB, as a ratio of magnitudes
QUIETEST = 1e-6  # magnitude of a tone at -170 dBFS

# A landmark is a peak paired with one of the next few peaks that are near it, but not at the same time.
PARTNERS = 5
PEAKS_AHEAD = 40
NEAREST_FRAMES, FARTHEST_FRAMES = 2, 63  # 6 bits
FARTHEST_BINS = 63  # either way, 7 bits

FRAMES_AT_A_TIME = 1024

# Two clips are compared if they share enough landmarks at one offset, and are copies if that is a large enough share of
# all their landmarks in the time that both cover.
ENOUGH_LANDMARKS = 20
ENOUGH_SIMILARITY = 0.08
COMPARED = 32  # the next occurrences in other clips that a landmark is compared with, however common it is

BLOCK_LANDMARKS = 2**21  # those of about five hundred clips of 30 s, which enter the index together
OFFSETS = 2**32  # more than there are, so that those of two clips are never adjacent


class Landmarks(NamedTuple):
    """The landmarks of a clip: their hashes and the frames of their first peaks, both int32 (landmarks,)."""

    hashes: NDArray[np.int32]
    frames: NDArray[np.int32]


def find_peaks(samples: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the frames and the bins of a spectrogram's peaks, each of shape (peaks,), in order of time.

    There is at least one sample, at `SAMPLE_RATE` and any level.
    """
    padded = np.pad(samples, WINDOW // 2)
    excerpts = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # (frames, WINDOW)
    window = hann(WINDOW, sym=False).astype(np.float32)
    margin = max(LOUDNESS_FRAMES, PEAK_FRAMES) // 2
    frames, bins = [], []
    for begin in range(0, len(excerpts), FRAMES_AT_A_TIME):  # so that an hour of audio does not take gigabytes
        first, end = max(begin - margin, 0), begin + FRAMES_AT_A_TIME
        magnitude = np.abs(rfft(excerpts[first : end + margin] * window, axis=1))[:, LOWEST_BIN:]
        loudest = running_maximum(magnitude.max(axis=1), LOUDNESS_FRAMES)
        floor = np.maximum(RANGE * loudest, QUIETEST)[:, np.newaxis]
        surroundings = running_maximum(running_maximum(magnitude, PEAK_FRAMES).T, PEAK_BINS).T
        found, found_bins = np.nonzero((magnitude == surroundings) & (magnitude > floor))
        found += first
        own = (found >= begin) & (found < end)
        frames.append(found[own])
        bins.append(found_bins[own])
    return np.concatenate(frames), np.concatenate(bins)


def running_maximum(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the maximum of the ``size`` values around each one along the first axis; ``size`` is odd.

    For values >= 0 equal to ``scipy.ndimage.maximum_filter1d(values, size, axis=0)``, ten times faster: the maximum of
    two values, of four and so on, and finally of two such windows that overlap.
    """
    half = size // 2
    largest = np.pad(values, [(half, half)] + [(0, 0)] * (values.ndim - 1))
    width = 1
    while 2 * width <= size:
        largest = np.maximum(largest[:-width], largest[width:])
        width *= 2
    return np.maximum(largest[: len(values)], largest[size - width :])


def find_landmarks(samples: FloatArray) -> Landmarks:
    """Return the landmarks of a clip, which may have none; the samples are as in `find_peaks`."""
    frames, bins = find_peaks(samples)
    partners = np.zeros(frames.size, np.int64)
    hashes, starts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for ahead in range(1, min(PEAKS_AHEAD + 1, frames.size)):
        later, higher = frames[ahead:] - frames[:-ahead], bins[ahead:] - bins[:-ahead]
        paired = (later >= NEAREST_FRAMES) & (later <= FARTHEST_FRAMES) & (np.abs(higher) <= FARTHEST_BINS)
        paired &= partners[:-ahead] < PARTNERS
        partners[:-ahead] += paired
        hashes.append((bins[:-ahead] << 13 | (higher + FARTHEST_BINS) << 6 | later)[paired])
        starts.append(frames[:-ahead][paired])
    return Landmarks(np.concatenate(hashes).astype(np.int32), np.concatenate(starts).astype(np.int32))


def find_candidates(clips: Sequence[Landmarks]) -> Iterator[tuple[int, int, int]]:
    """Yield the indices of every two clips that share `ENOUGH_LANDMARKS` at some offset, and the best offset.

    The offset is how many frames later the second clip has what they share.

    This is an inverted index: landmarks are sorted by hash, so that equal ones of all clips are adjacent, in the order
    of the clips. Each is compared with the next `COMPARED` ones of other clips, so the work grows linearly with the
    number of landmarks. Where a recording has more copies than that, each copy is still paired with the next ones.

    The clips enter the index block by block, and a landmark leaves it once it has met all that it is compared with. So
    memory is bounded by the size of a block and the number of different hashes, and blocks do not change the result.
    """
    sizes = np.array([clip.hashes.size for clip in clips], np.int64)
    cuts = np.flatnonzero(np.diff(np.cumsum(sizes) // BLOCK_LANDMARKS)) + 1
    hashes, frames, owners = (np.empty(0, np.int32) for _ in range(3))
    for begin, end in pairwise([0, *cuts.tolist(), len(clips)]):
        block, n_kept = clips[begin:end], hashes.size
        hashes = np.concatenate([hashes, *(clip.hashes for clip in block)])
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        frames = np.concatenate([frames, *(clip.frames for clip in block)])[order]
        owners = np.append(owners, np.repeat(np.arange(begin, end, dtype=np.int32), sizes[begin:end]))[order]
        added = np.flatnonzero(order >= n_kept)
        del order

        # A run is one hash in one clip. It follows the same hash in an earlier clip, or another hash.
        begins_run = np.append(True, (np.diff(hashes) != 0) | (np.diff(owners) != 0))
        run_starts = np.maximum.accumulate(np.where(begins_run, np.arange(hashes.size, dtype=np.int32), 0))
        # An entry is compared with the earlier ones that have it among their next `COMPARED`: the runs before its own.
        compared = np.maximum(run_starts[np.maximum(added - COMPARED, 0)], np.searchsorted(hashes, hashes[added]))
        n_compared = np.maximum(run_starts[added] - compared, 0)
        rows_of = np.split(np.argsort(owners[added], kind="stable"), np.cumsum(sizes[begin : end - 1]))
        for second, rows in enumerate(rows_of, begin):
            counts = n_compared[rows]
            others = np.repeat(compared[rows] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            offsets = np.repeat(frames[added[rows]], counts) - frames[others]
            for first, offset in _best_offsets(owners[others], offsets):
                yield first, second, offset

        # Kept is what another entry with the same hash would be compared with.
        ends = np.flatnonzero(np.diff(hashes, append=np.int32(-1))) + 1
        first_kept = np.repeat(run_starts[np.maximum(ends - COMPARED, 0)], np.diff(ends, prepend=0))
        kept = first_kept <= np.arange(hashes.size, dtype=np.int32)
        hashes, frames, owners = hashes[kept], frames[kept], owners[kept]


def _best_offsets(clips: NDArray[np.int32], offsets: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Yield each clip that shares `ENOUGH_LANDMARKS` with another one at some offset, and the best offset.

    For each of their common landmarks, there is the clip's index and the offset, both of shape (landmarks,).
    """
    codes, counts = np.unique(clips.astype(np.int64) * OFFSETS + offsets, return_counts=True)
    # Most copies are shifted by a fraction of a frame: their landmarks spread over two neighbouring offsets.
    adjacent = np.diff(codes) == 1
    shared = counts.copy()
    shared[:-1] += adjacent * counts[1:]
    shared[1:] += adjacent * counts[:-1]
    enough = np.flatnonzero(shared >= ENOUGH_LANDMARKS)
    indices, best_first = np.divmod(codes[enough] + OFFSETS // 2, OFFSETS)
    ranked = np.lexsort((best_first, -shared[enough], indices))
    _, best = np.unique(indices[ranked], return_index=True)
    for index in ranked[best]:
        yield int(indices[index]), int(best_first[index]) - OFFSETS // 2


def similarity(first: Landmarks, second: Landmarks, offset: int) -> float:
    """Return the share of the landmarks of two clips that is common to both, within the time that both cover.

    This is Dice's coefficient, from 0 to 1: the landmarks with a match in the other clip, divided by all landmarks of
    both. A match has the same hash and is ``offset`` frames later in the second clip, plus or minus one.
    """
    begin = max(first.frames.min(), second.frames.min() - offset)
    end = min(first.frames.max(), second.frames.max() - offset)
    codes = []  # a hash and a frame in one integer
    for clip, frames in ((first, first.frames), (second, second.frames - offset)):
        covered = (frames >= begin - 1) & (frames <= end + 1)
        codes.append((clip.hashes[covered].astype(np.int64) << 32) + frames[covered])
    common = sum(
        np.isin(own, np.concatenate([other - 1, other, other + 1])).sum() for own, other in (codes, reversed(codes))
    )
    return float(common / sum(own.size for own in codes))


def find_copies(clips: Sequence[Landmarks]) -> list[tuple[int, int, float]]:
    """Return the pairs of clips that are copies, by their indices, the smaller first, and their similarity."""
    pairs = ((a, b, similarity(clips[a], clips[b], offset)) for a, b, offset in find_candidates(clips))
    return sorted((a, b, share) for a, b, share in pairs if share >= ENOUGH_SIMILARITY)


def list_duplicates(clips: pd.DataFrame, audio: Path, executor: Executor) -> pd.DataFrame:
    """Find all pairs of copies among readable clips, with `columns.CLIPS`; their ``path`` is relative to ``audio``.

    Returns:
        A row with `columns.DUPLICATES` for each pair, as text, in the order of the clips; possibly none. The
        similarity of byte-identical files is 1, of others that of `similarity`. The executor does not change it.

    Raises:
        InputError: an audio file is missing or not readable.
    """
    indices = pd.Series(range(len(clips)))
    identical = [group.to_list() for _, group in indices.groupby(clips.sha256.to_numpy(), sort=False)]
    files = [audio / clips.path.iloc[group[0]] for group in identical]
    landmarks = list(ordered_map(_fingerprint, files, executor, "finding duplicates"))
    pairs = [(a, b, 1.0) for group in identical for a, b in combinations(group, 2)]
    for first, second, share in find_copies(landmarks):
        pairs += [(min(a, b), max(a, b), share) for a, b in product(identical[first], identical[second])]
    clip_ids = clips.clip_id.to_list()
    rows = [(clip_ids[a], clip_ids[b], f"{share:.3f}") for a, b, share in sorted(pairs)]
    return pd.DataFrame(rows, columns=DUPLICATES)


def _fingerprint(path: Path) -> Landmarks:
    return find_landmarks(read_listed_clip(path, SAMPLE_RATE))
