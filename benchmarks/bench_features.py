"""Spectrograms against the loop that librosa's documentation suggests: the same values first, then the times."""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from timeit import timeit
from typing import Any

import librosa
import numpy as np
import pandas as pd
from fresh_process import run_function
from numpy.typing import NDArray
from project import ROOT
from threadpoolctl import threadpool_limits

from genres.audio.decoding import read_clip
from genres.core.processor import settle_arithmetic
from genres.datasets.synthetic import write_clips
from genres.features.mel import mel_db, write_spectrograms
from genres.parallel import local_processes
from genres.schema import read_params

PARAMS = read_params(ROOT / "params.yaml", "dataset", "featurize")
FEATURIZE = PARAMS.featurize
CLIPS_PER_GENRE = 10
REPEATS = 5
WITHIN_DB = 1e-3


def our_mel(path: Path) -> NDArray[np.float32]:
    """Return a clip's spectrogram as the project computes it."""
    return mel_db(read_clip(path, FEATURIZE.sample_rate), FEATURIZE)


def librosas_mel(path: Path) -> NDArray[np.float32]:
    """Return the same as most projects compute it."""
    samples, rate = librosa.load(path, sr=FEATURIZE.sample_rate)
    mel = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=FEATURIZE.n_fft, hop_length=FEATURIZE.hop_length, n_mels=FEATURIZE.n_mels
    )
    return librosa.power_to_db(mel, ref=np.max, top_db=FEATURIZE.top_db)


def bench_features(cores: int, growth: Sequence[int]) -> dict[str, Any]:
    """Time the spectrograms of synthetic clips, and print a table.

    librosa's loop, ours and ours on all cores take turns, in processes of their own with one thread each. All are warm:
    before the first is timed, every process has computed a spectrogram, and every file has been read.

    Returned are the milliseconds per clip, medians of several runs, as ``librosa``, ``one_process`` and ``all_cores``;
    the ratios of the first to each; and ``growth``, for each number of clips the seconds of featurize's work in a
    single run, with the start of its processes, and the largest process's peak in MB.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, get_context("spawn"), threadpool_limits, (1,)) as librosas_process,
        local_processes(1) as our_process,
        local_processes(cores) as our_processes,
    ):
        librosas_process.submit(os.getpid).result()  # started before this, so that its libraries compute as they like
        settle_arithmetic()
        synthetic = PARAMS.dataset.synthetic.model_copy(update={"clips_per_genre": CLIPS_PER_GENRE})
        write_clips(Path(folder), synthetic, our_processes)
        paths = sorted(Path(folder).glob("*/*"))
        for path in paths:
            difference = np.abs(our_mel(path) - librosas_mel(path)).max()
            if not difference <= WITHIN_DB:
                raise SystemExit(f"{path.name}: the spectrograms differ by {difference} dB")
        loops = {
            "librosa": lambda: set(librosas_process.map(_compute, repeat(librosas_mel), paths, chunksize=5)),
            "one_process": lambda: set(our_process.map(_compute, repeat(our_mel), paths, chunksize=5)),
            "all_cores": lambda: set(our_processes.map(_compute, repeat(our_mel), paths, chunksize=5)),
        }
        for name, loop in loops.items():
            while len(loop()) < (cores if name == "all_cores" else 1):
                pass
        turns = [{name: timeit(loop, number=1) for name, loop in loops.items()} for _ in range(REPEATS)]
        medians = {name: median(turn[name] for turn in turns) for name in loops}
        result: dict[str, Any] = {"growth": {}}
        for name, seconds in medians.items():
            result[name] = 1000 * seconds / len(paths)
            result[f"ratio_{name}"] = medians["librosa"] / seconds
            print(f"features, {name}: {result[name]:.1f} ms per clip, ratio {result[f'ratio_{name}']:.1f}", flush=True)
        for n_clips in growth:
            whole, memory = run_function(time_featurize, folder, n_clips, cores)
            result["growth"][n_clips] = {"seconds": whole, "memory": memory}
            print(f"features of {n_clips} clips: {whole:.1f} s, {memory:.0f} MB", flush=True)
    return result


def _compute(mel: Callable[[Path], NDArray[np.float32]], path: Path) -> int:
    """Compute a spectrogram, and return which process did; not the array, so that sending it is not measured."""
    mel(path)
    return os.getpid()


def time_featurize(folder: str, n_clips: int, cores: int) -> float:
    """Return the seconds of featurize's work on ``n_clips`` clips: the files in ``folder``, again and again."""
    settle_arithmetic()
    paths = [path.relative_to(folder).as_posix() for path in sorted(Path(folder).glob("*/*"))]
    clips = pd.DataFrame({"clip_id": "", "genre": "", "path": (paths * n_clips)[:n_clips], "seconds": "30"})
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as target, local_processes(cores) as executor:
        write_spectrograms(Path(target) / "mel.npy", clips, Path(folder), FEATURIZE, executor)
        return time.perf_counter() - start
