"""Copies of synthetic and real clips: re-encoded, scaled, shifted and noisy copies are found, and nothing else."""

import io
import tarfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from genres import duplicates
from genres.audio.decoding import FloatArray
from genres.core.columns import DUPLICATES
from genres.core.errors import InputError
from genres.core.files import file_sha256
from genres.datasets.synthetic import GENRES, SAMPLE_RATE, render_clip
from genres.duplicates import (
    COMPARED,
    ENOUGH_LANDMARKS,
    ENOUGH_SIMILARITY,
    FRAMES_AT_A_TIME,
    HOP,
    Landmarks,
    find_candidates,
    find_copies,
    find_landmarks,
    list_duplicates,
    running_maximum,
    similarity,
)
from genres.duplicates import SAMPLE_RATE as LANDMARK_RATE
from genres.parallel import local_processes


def landmarks_of(samples: NDArray[Any], sample_rate: int = SAMPLE_RATE) -> Landmarks:
    return find_landmarks(
        librosa.resample(samples.astype(np.float32), orig_sr=sample_rate, target_sr=LANDMARK_RATE, res_type="soxr_hq")
    )


def encoded(samples: FloatArray, file_format: str, subtype: str, compression: float) -> FloatArray:
    """Return the samples after encoding at a low bit rate: 25 to 45 kbit/s."""
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE, format=file_format, subtype=subtype, compression_level=compression)
    assert file.tell() * 8 / (samples.size / SAMPLE_RATE) < 50_000
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.asarray(decoded)


def shifted(samples: FloatArray, seconds: float) -> FloatArray:
    return samples[round(seconds * SAMPLE_RATE) :]


def noisy(samples: FloatArray, decibels: float = 20) -> FloatArray:
    noise = default_rng(0).standard_normal(samples.size) * np.sqrt(np.mean(samples**2)) * 10 ** (-decibels / 20)
    return (samples + noise).astype(np.float32)


HALF_A_FRAME = HOP / 2 / LANDMARK_RATE  # seconds; the shift that changes peaks most
CHANGES = {
    "mp3": lambda samples: encoded(samples, "MP3", "MPEG_LAYER_III", 0.9),
    "ogg": lambda samples: encoded(samples, "OGG", "VORBIS", 1.0),
    "quiet": lambda samples: samples / 100,
    "16 bit with an offset": lambda samples: np.round((samples / 2 + 0.2) * 32767) / 32768,
    "shifted by half a frame": lambda samples: shifted(samples, HALF_A_FRAME),
    "shifted by 4 s": lambda samples: shifted(samples, 4),
    "shifted by 10 s": lambda samples: shifted(samples, 10),  # also by half a frame
    "late by 10 s": lambda samples: np.concatenate([samples[220_500::-1], samples[:-220_500]]),
    "20 dB SNR": noisy,
    "shifted and noisy": lambda samples: noisy(shifted(samples / 3, 10)),
}


@pytest.fixture(scope="module")
def clips() -> list[FloatArray]:
    """Two synthetic clips of each genre, from -1 to 1."""
    return [render_clip(genre, number, 0, 30).astype(np.float32) / 32768 for genre in GENRES for number in range(2)]


@pytest.fixture(scope="module")
def fingerprints(clips: list[FloatArray]) -> list[Landmarks]:
    return [landmarks_of(clip) for clip in clips]


# --- every copy, and nothing else


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_found_among_others_and_nothing_else_is(
    change: str, clips: list[FloatArray], fingerprints: list[Landmarks]
) -> None:
    # Five of the clips; which ones depends on the change.
    indices = range(list(CHANGES).index(change) % 4, len(clips), 4)
    copies = [landmarks_of(CHANGES[change](clips[index])) for index in indices]
    found = find_copies([*fingerprints, *copies])
    assert [(first, second) for first, second, _ in found] == [
        (index, len(clips) + position) for position, index in enumerate(indices)
    ]


def test_excerpts_that_overlap_by_a_third_are_found(clips: list[FloatArray]) -> None:
    excerpts = [clip[begin : begin + 15 * SAMPLE_RATE] for clip in clips[::5] for begin in (0, 10 * SAMPLE_RATE)]
    found = find_copies([landmarks_of(excerpt) for excerpt in excerpts])
    assert [(first, second) for first, second, _ in found] == [(0, 1), (2, 3), (4, 5), (6, 7)]


def test_different_short_clips_are_not_copies() -> None:
    clips = [landmarks_of(render_clip(genre, number, 0, 2)) for genre in GENRES for number in range(3)]
    assert find_copies(clips) == []


@pytest.mark.slow
def test_among_real_clips_their_copies_are_found_and_nothing_else(tmp_path: Path, real_data: Path) -> None:
    with tarfile.open(real_data / "gtzan-mini" / "genres.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    for change, path in zip(CHANGES.values(), sorted(tmp_path.glob("genres/*/*.wav"))[::10], strict=True):
        samples, sample_rate = soundfile.read(path, dtype="float32")
        assert sample_rate == SAMPLE_RATE
        soundfile.write(path.with_name(f"{path.stem}-copy.wav"), change(samples), sample_rate)
    clips = listed(tmp_path / "genres")
    assert len(clips) == 110
    with local_processes() as executor:
        found = list_duplicates(clips, tmp_path / "genres", executor)
    assert list(found.clip_id_b) == [f"{clip_id}-copy" for clip_id in found.clip_id_a]
    assert len(found) == 10


# --- landmarks and similarity


def test_similarity_is_1_for_equal_clips_and_symmetric(fingerprints: list[Landmarks]) -> None:
    first, second = fingerprints[0], fingerprints[3]
    assert similarity(first, first, 0) == 1
    for offset in (-300, 0, 5):
        share = similarity(first, second, offset)
        assert 0 <= share < ENOUGH_SIMILARITY
        assert share == similarity(second, first, -offset)


def test_similarity_is_that_of_the_time_that_both_clips_cover(
    clips: list[FloatArray], fingerprints: list[Landmarks]
) -> None:
    frames = 320
    cut = landmarks_of(clips[4][round(frames * HOP / LANDMARK_RATE * SAMPLE_RATE) :])
    assert similarity(fingerprints[4], cut, -frames) > 0.9
    assert similarity(fingerprints[4], cut, 0) < ENOUGH_SIMILARITY


def test_a_long_clip_has_the_landmarks_of_its_parts() -> None:
    noise = default_rng(0).standard_normal(3 * FRAMES_AT_A_TIME * HOP).astype(np.float32)
    begin = FRAMES_AT_A_TIME * HOP // 2
    assert similarity(find_landmarks(noise), find_landmarks(noise[begin:]), -FRAMES_AT_A_TIME // 2) > 0.99


@pytest.mark.parametrize("samples", [np.ones(1), np.zeros(8000), np.full(80_000, 0.5), np.ones(700)])
def test_a_clip_without_music_is_not_a_copy(samples: NDArray[np.float64], fingerprints: list[Landmarks]) -> None:
    nothing = find_landmarks(samples.astype(np.float32))
    assert find_copies([nothing, fingerprints[0]]) == []
    assert find_copies([nothing]) == []
    assert find_copies([]) == []


def test_each_of_more_copies_than_are_compared_is_paired_with_the_next(fingerprints: list[Landmarks]) -> None:
    part = Landmarks(*(values[:500] for values in fingerprints[0]))
    n_copies = 2 * COMPARED
    found = {(first, second) for first, second, _ in find_copies([part] * n_copies)}
    assert {(index, index + 1) for index in range(n_copies - 1)} <= found


# --- the index by blocks


def candidates_one_by_one(clips: list[Landmarks]) -> list[tuple[int, int, int]]:
    """Return what `find_candidates` yields, sorted, by comparing landmarks one by one."""
    # From a hash to its landmarks, as clip and frame, in the order of the clips.
    entries: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, clip in enumerate(clips):
        for number, frame in zip(clip.hashes, clip.frames, strict=True):
            entries[int(number)].append((index, int(frame)))
    offsets: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for equal in entries.values():
        for first, frame in equal:
            later = [entry for entry in equal if entry[0] > first][:COMPARED]
            for second, later_frame in later:
                offsets[first, second][later_frame - frame] += 1
    candidates = []
    for pair, counts in offsets.items():
        shared = {offset: counts[offset - 1] + counts[offset] + counts[offset + 1] for offset in sorted(counts)}
        best = max(shared, key=shared.__getitem__)
        if shared[best] >= ENOUGH_LANDMARKS:
            candidates.append((*pair, best))
    return sorted(candidates)


@pytest.mark.parametrize("block", [1, 100, 1000, 10**6])
@pytest.mark.parametrize("seed", range(3))
def test_candidates_are_the_same_for_any_size_of_block(monkeypatch: pytest.MonkeyPatch, seed: int, block: int) -> None:
    rng = default_rng(seed)
    n_hashes = int(rng.integers(20, 200))
    # The square makes some hashes common, in a clip as among clips. A clip may have no landmark, the first one, too.
    clips = [
        Landmarks((n_hashes * rng.random(size) ** 2).astype(np.int32), rng.integers(0, 40, size, np.int32))
        for size in (0, *rng.integers(0, 200, 40), 0)
    ]
    expected = candidates_one_by_one(clips)
    assert len(expected) > 40
    monkeypatch.setattr(duplicates, "BLOCK_LANDMARKS", block)
    assert sorted(find_candidates(clips)) == expected


@pytest.mark.parametrize("block", [1, 5000, 50_000])
def test_copies_are_the_same_for_any_size_of_block(
    monkeypatch: pytest.MonkeyPatch, block: int, clips: list[FloatArray], fingerprints: list[Landmarks]
) -> None:
    together = [*fingerprints, *(landmarks_of(noisy(clip)) for clip in clips[::6])]
    expected = find_copies(together)
    assert [first for first, _, _ in expected] == list(range(0, len(clips), 6))
    monkeypatch.setattr(duplicates, "BLOCK_LANDMARKS", block)
    assert find_copies(together) == expected


@pytest.mark.parametrize("size", [1, 3, 7, 13, 63])
@pytest.mark.parametrize("shape", [(1,), (5,), (200,), (70, 3)])
def test_the_running_maximum_is_that_of_scipy(shape: tuple[int, ...], size: int) -> None:
    values = default_rng(0).random(shape, np.float32)
    assert np.array_equal(running_maximum(values, size), maximum_filter1d(values, size, axis=0))


# --- files


def listed(folder: Path) -> pd.DataFrame:
    """Return the columns of a list of clips that the search for copies reads, in the order of genre and name."""
    paths = sorted((path.relative_to(folder) for path in folder.glob("*/*")), key=lambda path: path.with_suffix(""))
    return pd.DataFrame(
        {
            "clip_id": [path.with_suffix("").as_posix() for path in paths],
            "path": [path.as_posix() for path in paths],
            "sha256": [file_sha256(folder / path) for path in paths],
        }
    )


@pytest.fixture
def folder(tmp_path: Path, clips: list[FloatArray]) -> Path:
    """Eight files: six of one recording, and two others."""
    for genre in ("blues", "rock"):
        (tmp_path / genre).mkdir()
    pcm = np.round(clips[0] * 32767).astype(np.int16)
    soundfile.write(tmp_path / "blues" / "1.wav", pcm, SAMPLE_RATE)
    (tmp_path / "rock" / "1.wav").write_bytes((tmp_path / "blues" / "1.wav").read_bytes())
    soundfile.write(tmp_path / "blues" / "2.flac", pcm, SAMPLE_RATE)
    soundfile.write(tmp_path / "blues" / "3.au", pcm, SAMPLE_RATE)
    soundfile.write(tmp_path / "rock" / "2.mp3", np.stack([clips[0], clips[0]], axis=1), SAMPLE_RATE)
    resampled = librosa.resample(clips[0], orig_sr=SAMPLE_RATE, target_sr=44_100, res_type="soxr_hq")
    soundfile.write(tmp_path / "rock" / "3.ogg", resampled, 44_100)
    for number in range(4, 6):
        soundfile.write(tmp_path / "rock" / f"{number}.wav", clips[number], SAMPLE_RATE)
    return tmp_path


def test_copies_are_paired_across_formats_and_genres_in_the_order_of_the_clips_on_any_executor(folder: Path) -> None:
    clips = listed(folder).iloc[::-1]  # neither the order nor the index of the table is sorted
    with ThreadPoolExecutor(1) as executor:
        found = list_duplicates(clips, folder, executor)
    assert tuple(found.columns) == DUPLICATES
    recording = ["rock/3", "rock/2", "rock/1", "blues/3", "blues/2", "blues/1"]
    pairs = list(zip(found.clip_id_a, found.clip_id_b, strict=True))
    assert pairs == list(combinations(recording, 2))
    similarities = dict(zip(pairs, found.similarity, strict=True))
    assert similarities["rock/1", "blues/1"] == "1.000"  # the same bytes
    assert similarities["blues/2", "blues/1"] == "1.000"  # the same samples
    assert 0.2 < float(similarities["rock/2", "blues/1"]) < 1

    with local_processes(2) as executor:
        pd.testing.assert_frame_equal(found, list_duplicates(clips, folder, executor))


def test_without_copies_the_table_has_columns_alone_and_an_unreadable_file_is_refused_by_name(folder: Path) -> None:
    clips = listed(folder)
    others = clips[clips.path.str.match("rock/[45]")]
    with ThreadPoolExecutor(1) as executor:
        found = list_duplicates(others, folder, executor)
        assert found.empty
        assert tuple(found.columns) == DUPLICATES
        (folder / "rock" / "4.wav").write_bytes(b"not audio")
        with pytest.raises(InputError, match=r"4\.wav is damaged"):
            list_duplicates(others, folder, executor)
