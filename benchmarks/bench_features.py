"""Features against the loop that librosa's documentation suggests: the same numbers first, then the times."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray
from peak import run_and_measure
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from genres.artifacts import file_sha256
from genres.audio import read_clip
from genres.datasets.synthetic import GENRES, SAMPLE_RATE, render_clip
from genres.features import mel_db, write_features
from genres.parallel import start_worker
from genres.params import Featurize

FEATURIZE = Featurize(SAMPLE_RATE, 2048, 512, 128, 80.0, 1291)
WITHIN_DB = 1e-3
GROWTH = (100, 1000, 4000)


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


def bench_features(cores: int, repeats: int = 5, clips: int = 100) -> dict[str, object]:
    """Time synthetic clips of 30 s, and print a table.

    librosa's loop, our own and our own on all cores run in processes of their own, one thread each, in turns. All are
    warm: every process has made a spectrogram before the first one is timed, and every file has been read.

    Returns:
        The medians over ``repeats`` of the milliseconds that a clip takes: ``librosa``, ``one_process`` and
        ``all_cores``; the ratios of the last two to the first; and ``growth``, for each number of clips in `GROWTH`:
        the seconds of a single run, the start of its processes included, and the largest process's peak in MB.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = write_clips(Path(folder), clips)
        for path in paths:
            difference = np.abs(ours(path) - librosas(path)).max()
            if not difference <= WITHIN_DB:
                raise SystemExit(f"{path.name}: the spectrograms differ by {difference} dB")
        loops = {
            "librosa": (librosas, 1, partial(threadpool_limits, 1)),
            "one_process": (ours, 1, start_worker),
            "all_cores": (ours, cores, start_worker),
        }
        seconds: dict[str, list[float]] = {name: [] for name in loops}
        spawn = get_context("spawn")
        with ExitStack() as stack:
            pools = {
                name: stack.enter_context(
                    ProcessPoolExecutor(processes, spawn, _warm, (start, loop, paths[0], spawn.Barrier(processes)))
                )
                for name, (loop, processes, start) in loops.items()
            }
            for repeat in range(1 + repeats):  # the first one starts the processes
                for name, (loop, _, _) in loops.items():
                    start = time.perf_counter()
                    list(pools[name].map(partial(_shape, loop), paths, chunksize=5 if repeat else 1))
                    if repeat:
                        seconds[name].append(time.perf_counter() - start)
        result = {name: 1000 * statistics.median(times) / clips for name, times in seconds.items()}
        result["ratio_one_process"] = result["librosa"] / result["one_process"]
        result["ratio_all_cores"] = result["librosa"] / result["all_cores"]
        print(
            f"features: librosa's loop {result['librosa']:.1f} ms a clip, ours {result['one_process']:.1f} ms in one "
            f"process ({result['ratio_one_process']:.1f}x), {result['all_cores']:.1f} ms on {cores} cores "
            f"({result['ratio_all_cores']:.1f}x); medians of {repeats} runs of {clips} clips",
            flush=True,
        )
        return {**result, "growth": {number: _grow(Path(folder), number, cores) for number in GROWTH}}


def write_clips(folder: Path, clips: int) -> list[Path]:
    """Write synthetic clips of 30 s, and return where they are."""
    paths = []
    for number in range(clips):
        path = folder / f"{number}.wav"
        soundfile.write(path, render_clip(GENRES[number % len(GENRES)], number, 0, 30), SAMPLE_RATE, subtype="PCM_16")
        paths.append(path)
    return paths


def _shape(spectrogram: Callable[[Path], NDArray[np.float32]], path: Path) -> tuple[int, ...]:
    return spectrogram(path).shape  # and not the array, which the benchmark does not want sent


def _warm(
    start: Callable[[], object], spectrogram: Callable[[Path], NDArray[np.float32]], path: Path, barrier: Barrier
) -> None:
    start()
    spectrogram(path)
    barrier.wait()


def _grow(folder: Path, clips: int, cores: int) -> dict[str, float]:
    """Run all of featurize's work on ``clips`` clips, the same 100 files again and again, in a process of its own."""
    command = [sys.executable, __file__, "--grow", str(folder), str(clips), str(cores)]
    output, memory = run_and_measure(command)
    print(f"features of {clips} clips: {float(output):.1f} s, {memory:.0f} MB", flush=True)
    return {"seconds": float(output), "memory": memory}


def _write(folder: Path, clips: int, cores: int) -> None:
    paths = sorted(folder.glob("*.wav"))
    rows = [(str(number), "any", path.name, file_sha256(path)) for number, path in enumerate(paths)]
    table = pd.DataFrame(rows, columns=["clip", "genre", "path", "sha256"])
    table = pd.concat([table] * -(-clips // len(table)), ignore_index=True)[:clips]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as target:
        write_features(Path(target) / "mel.npy", table, folder, FEATURIZE, cores)
        print(time.perf_counter() - start)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grow", nargs=3, metavar=("FOLDER", "CLIPS", "CORES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.grow:
        _write(Path(arguments.grow[0]), int(arguments.grow[1]), int(arguments.grow[2]))
    else:
        bench_features(os.cpu_count() or 1)
