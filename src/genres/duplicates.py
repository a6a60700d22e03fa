"""Copies of one recording among the clips, found from the audio.

Byte-identical files go by their SHA-256. All other copies are found by landmarks, after Wang, "An industrial-strength
audio search algorithm", ISMIR 2003: the peaks of a spectrogram survive re-encoding, noise and changes of level; two
peaks near each other are hashed as (frequency, difference in frequency, difference in time); and clips that share many
hashes, all displaced by the same time, hold the same recording. Music that repeats itself, or shares its chords and
drums with other music, shares hashes as well, but each displaced by another time.

Similarities measured on clips of gtzan-mini and synthetic ones: 1.0 for the same samples at another level; from 0.2
after MP3 at 27 kbit/s, Ogg at 44 kbit/s, noise at 20 dB SNR, or where one excerpt begins half a frame beside the
other's frames, the worst place; after shift, noise and Ogg together from 0.16 (real clips) and 0.06 (synthetic ones),
which may be missed. Clips that are no copies: below 0.01 in gtzan-mini, up to 0.07 among 999 synthetic ones, where two
bands may play the same patterns in the same key and tempo.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal.windows import hann

from genres.audio import FloatArray, read_listed_clip
from genres.parallel import map_in_processes
from genres.tables import DUPLICATES

SAMPLE_RATE = 8000  # Hz; the low bit rates give up what lies above 4 kHz first
WINDOW = 1024  # samples, 128 ms; a bin is 7.8 Hz
HOP = 256  # samples, 32 ms
LOWEST_BIN = 4  # 31 Hz, above what a constant offset of the samples leaves

# A peak is the loudest point around it, and not far below the loudest of all within a second.
PEAK_FRAMES = 13
PEAK_BINS = 25
LOUDNESS_FRAMES = 63
RANGE = 10 ** (-35 / 20)  # 35 dB, as a factor of magnitudes
QUIETEST = 1e-6  # magnitude; a tone at -170 dB of full scale has this

# A landmark is a peak and one of the next few that are near, but not at the same time.
PARTNERS = 5
PEAKS_AHEAD = 40
NEAREST_FRAMES, FARTHEST_FRAMES = 2, 63  # 6 bits
FARTHEST_BINS = 63  # either way, 7 bits

FRAMES_AT_A_TIME = 1024

# Two clips are held against each other where they share enough landmarks at one displacement, and are copies if that
# is a large enough part of all that they have there.
ENOUGH_LANDMARKS = 20
ENOUGH_SIMILARITY = 0.08
COMPARED = 32  # a landmark is compared with its next occurrences in other clips, however common it is


class Landmarks(NamedTuple):
    """A clip's landmarks: their hashes and the frames of their first peaks, both int32 of shape (landmarks,)."""

    hashes: NDArray[np.int32]
    frames: NDArray[np.int32]


class Candidate(NamedTuple):
    """Two clips by their numbers, and how many frames later the second one has what they may share."""

    first: int
    second: int
    displacement: int


def find_peaks(samples: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the frames and the bins of a spectrogram's peaks, each of shape (peaks,), in the order of time.

    Args:
        samples: shape (samples,) at `SAMPLE_RATE`; any length from 1, and any level.
    """
    padded = np.pad(samples, WINDOW // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # (frames, WINDOW)
    taper = hann(WINDOW, sym=False).astype(np.float32)
    margin = max(LOUDNESS_FRAMES, PEAK_FRAMES) // 2
    frames, bins = [], []
    for begin in range(0, len(windows), FRAMES_AT_A_TIME):  # an hour of audio takes no gigabytes
        first = max(begin - margin, 0)
        last = begin + FRAMES_AT_A_TIME + margin
        magnitude = np.abs(rfft(windows[first:last] * taper, axis=1))[:, LOWEST_BIN:]
        loudest = running_maximum(magnitude.max(axis=1), LOUDNESS_FRAMES)
        floor = np.maximum(RANGE * loudest, QUIETEST)[:, np.newaxis]
        surroundings = running_maximum(running_maximum(magnitude, PEAK_FRAMES).T, PEAK_BINS).T
        found, found_bins = np.nonzero((magnitude == surroundings) & (magnitude > floor))
        found += first
        own = (found >= begin) & (found < begin + FRAMES_AT_A_TIME)
        frames.append(found[own])
        bins.append(found_bins[own])
    return np.concatenate(frames), np.concatenate(bins)


def running_maximum(values: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the largest of the ``size`` values around each one along the first axis, ``size`` being odd.

    For values from 0 the same as ``scipy.ndimage.maximum_filter1d(values, size, axis=0)`` in a tenth of its time: the
    maximum of two, of four and so on, and at last of two such stretches that overlap.
    """
    half = size // 2
    largest = np.pad(values, [(half, half)] + [(0, 0)] * (values.ndim - 1))
    width = 1
    while 2 * width <= size:
        largest = np.maximum(largest[:-width], largest[width:])
        width *= 2
    return np.maximum(largest[: len(values)], largest[size - width :])


def find_landmarks(samples: FloatArray) -> Landmarks:
    """Return the landmarks of a clip; one without music may have none.

    Args:
        samples: as in `find_peaks`.
    """
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


def find_candidates(clips: Sequence[Landmarks]) -> Iterator[Candidate]:
    """Yield the pairs of clips that share `ENOUGH_LANDMARKS` at some displacement, with the best one.

    An inverted index: all landmarks sorted by hash, so that the equal ones of all clips stand side by side, in the
    order of the clips. Each is compared with the next `COMPARED` of other clips, so the work grows with the number of
    landmarks and not with its square. Where so many copies of one recording stand side by side that not all are
    compared, each is still paired with those that follow it.
    """
    sizes = [clip.hashes.size for clip in clips]
    if not sum(sizes):
        return
    hashes = np.concatenate([clip.hashes for clip in clips])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    frames = np.concatenate([clip.frames for clip in clips])[order].astype(np.int64)
    owners = np.repeat(np.arange(len(clips)), sizes)[order]
    entries_of = np.split(np.argsort(owners, kind="stable"), np.cumsum(sizes)[:-1])

    # Where the run of one hash in one clip ends, there begins the same hash in the next clip, or another hash.
    run_ends = np.append(np.flatnonzero((np.diff(hashes) != 0) | (np.diff(owners) != 0)) + 1, hashes.size)
    following = np.repeat(run_ends, np.diff(run_ends, prepend=0))
    hashes = np.append(hashes, np.full(COMPARED, -1, np.int32))  # so that the last ones are followed by something

    span = 4 * int(frames.max()) + 4  # of displacements, more than there are: those of two clips never touch
    for first, entries in enumerate(entries_of):
        others = following[entries, np.newaxis] + np.arange(COMPARED)  # (landmarks of the clip, COMPARED)
        rows, columns = np.nonzero(hashes[others] == hashes[entries, np.newaxis])
        entry, other = entries[rows], others[rows, columns]
        codes, counts = np.unique(owners[other] * span + frames[other] - frames[entry], return_counts=True)
        # Between two frames is where most copies lie: their landmarks spread over neighbouring displacements.
        adjacent = np.diff(codes) == 1
        shared = counts.copy()
        shared[:-1] += adjacent * counts[1:]
        shared[1:] += adjacent * counts[:-1]
        enough = np.flatnonzero(shared >= ENOUGH_LANDMARKS)
        seconds, displacements = np.divmod(codes[enough] + span // 2, span)
        ranked = np.lexsort((displacements, -shared[enough], seconds))
        _, best = np.unique(seconds[ranked], return_index=True)
        for place in ranked[best]:
            yield Candidate(first, int(seconds[place]), int(displacements[place]) - span // 2)


def similarity(first: Landmarks, second: Landmarks, displacement: int) -> float:
    """Return which share of the landmarks of two clips is common to both, in the time that both cover.

    This is Dice's coefficient, from 0 to 1: the landmarks with an equal in the other clip, divided by all landmarks of
    both; an equal one has the same hash and is ``displacement`` frames later in the second clip, give or take one.
    """
    begin = max(first.frames.min(), second.frames.min() - displacement)
    end = min(first.frames.max(), second.frames.max() - displacement)
    codes = []  # a hash and a frame in one number
    for clip, frames in ((first, first.frames), (second, second.frames - displacement)):
        covered = (frames >= begin - 1) & (frames <= end + 1)
        codes.append((clip.hashes[covered].astype(np.int64) << 32) + frames[covered])
    common = sum(
        np.isin(own, np.concatenate([other - 1, other, other + 1])).sum() for own, other in (codes, reversed(codes))
    )
    return float(common / sum(own.size for own in codes))


def find_copies(clips: Sequence[Landmarks]) -> list[tuple[int, int, float]]:
    """Return the pairs of clips that are copies, by their numbers, the smaller first, and their similarity."""
    copies = []
    for first, second, displacement in find_candidates(clips):
        share = similarity(clips[first], clips[second], displacement)
        if share >= ENOUGH_SIMILARITY:
            copies.append((first, second, share))
    return copies


def list_duplicates(clips: pd.DataFrame, audio: Path, processes: int) -> pd.DataFrame:
    """Find all pairs of copies among readable clips.

    Args:
        clips: readable clips, with their ``clip``, ``genre``, ``path`` and ``sha256``.
        audio: the folder that ``path`` is relative to.
        processes: how many work at once; the result does not depend on it.

    Returns:
        A row with `tables.DUPLICATES` for each pair, as text, sorted; it may have none. The similarity of
        byte-identical files is 1, of others what `similarity` says.

    Raises:
        InputError: an audio file is missing, or is not the one that was listed.
    """
    names: list[tuple[str, str]] = list(zip(clips.genre, clips["clip"], strict=True))
    names_of: dict[str, list[tuple[str, str]]] = {}
    jobs = []
    for name, path, sha256 in zip(names, clips.path, clips.sha256, strict=True):
        if sha256 not in names_of:
            jobs.append(_Job(audio / path, sha256))
        names_of.setdefault(sha256, []).append(name)
    identical = list(names_of.values())
    landmarks = list(map_in_processes(_fingerprint, jobs, processes, "looking for copies"))
    pairs = [(a, b, 1.0) for group in identical for a, b in combinations(group, 2)]
    for first, second, share in find_copies(landmarks):
        pairs += [(min(a, b), max(a, b), share) for a, b in product(identical[first], identical[second])]
    rows = sorted((*a, *b, f"{share:.3f}") for a, b, share in pairs)
    return pd.DataFrame(rows, columns=DUPLICATES)


@dataclass(frozen=True)
class _Job:
    path: Path
    sha256: str


def _fingerprint(job: _Job) -> Landmarks:
    return find_landmarks(read_listed_clip(job.path, job.sha256, SAMPLE_RATE))
