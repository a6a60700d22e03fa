"""Features against the loop that librosa's documentation suggests: the same numbers first, then the times."""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from genres.audio import read_clip
from genres.datasets.synthetic import GENRES, SAMPLE_RATE, render_clip
from genres.features import mel_db
from genres.params import Featurize

FEATURIZE = Featurize(SAMPLE_RATE, 2048, 512, 128, 80.0, 1291)
WITHIN_DB = 1e-3


def ours(path: Path) -> NDArray[np.float32]:
    """Return a clip's spectrogram as the project makes it."""
    return mel_db(read_clip(path, FEATURIZE.sample_rate), FEATURIZE)


def librosas(path: Path) -> NDArray[np.float32]:
    """Return the same as most projects make it."""
    samples, rate = librosa.load(path, sr=FEATURIZE.sample_rate)
    mel = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=FEATURIZE.n_fft, hop_length=FEATURIZE.hop_length, n_mels=FEATURIZE.n_mels
    )
    return librosa.power_to_db(mel, ref=np.max, top_db=FEATURIZE.top_db)


def bench_features(cores: int, repeats: int = 5, clips: int = 100) -> dict[str, float]:
    """Time 100 synthetic clips of 30 s, and print a table.

    Everything is warm: libraries are loaded, the loop is compiled, and the processes of the run on all cores are there.

    Returns:
        The medians over ``repeats`` of the milliseconds that a clip takes: ``librosa`` and ``one_process``, each on
        one thread, in turns, and ``all_cores``; and the two ratios.
    """
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        paths = write_clips(Path(folder), clips)
        for path in paths:
            difference = np.abs(ours(path) - librosas(path)).max()
            if not difference <= WITHIN_DB:
                raise SystemExit(f"{path.name}: the spectrograms differ by {difference} dB")
        seconds: dict[str, list[float]] = {}
        with ProcessPoolExecutor(cores, get_context("spawn"), initializer=threadpool_limits, initargs=(1,)) as pool:
            list(pool.map(_shape, paths))
            for _ in range(repeats):
                seconds.setdefault("librosa", []).append(_time(partial(_all, librosas, paths)))
                seconds.setdefault("one_process", []).append(_time(partial(_all, ours, paths)))
                seconds.setdefault("all_cores", []).append(_time(lambda: list(pool.map(_shape, paths, chunksize=5))))
    result = {name: 1000 * statistics.median(times) / clips for name, times in seconds.items()}
    result["ratio_one_process"] = result["librosa"] / result["one_process"]
    result["ratio_all_cores"] = result["librosa"] / result["all_cores"]
    print(
        f"features: librosa's loop {result['librosa']:.1f} ms a clip, ours {result['one_process']:.1f} ms in one "
        f"process ({result['ratio_one_process']:.1f}x), {result['all_cores']:.1f} ms on {cores} cores "
        f"({result['ratio_all_cores']:.1f}x); medians of {repeats} runs of {clips} clips",
        flush=True,
    )
    return result


def write_clips(folder: Path, clips: int) -> list[Path]:
    """Write synthetic clips of 30 s, and return where they are."""
    paths = []
    for number in range(clips):
        path = folder / f"{number}.wav"
        soundfile.write(path, render_clip(GENRES[number % len(GENRES)], number, 0, 30), SAMPLE_RATE, subtype="PCM_16")
        paths.append(path)
    return paths


def _shape(path: Path) -> tuple[int, ...]:
    return ours(path).shape  # and not the array, which the benchmark does not want sent


def _all(spectrogram: Callable[[Path], NDArray[np.float32]], paths: list[Path]) -> None:
    for path in paths:
        spectrogram(path)


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
