"""Waveform to mel spectrogram, and all clips to one array."""

import tarfile
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.typing import NDArray
from project import run_code

from genres.core.errors import InputError
from genres.features.mel import fit_frames, mel_db, write_spectrograms
from genres.parallel import local_processes
from genres.schema import Featurize, Params

PAPER = Featurize(sample_rate=22050, n_fft=2048, hop_length=512, n_mels=128, top_db=80.0, n_frames=1291)
WITHIN_DB = 1e-4  # a tenth of what is promised
SMALL = Featurize(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16, top_db=80.0, n_frames=40)


def librosa_mel_db(samples: NDArray[np.float32], featurize: Featurize) -> NDArray[np.float32]:
    """Return the same with librosa alone."""
    power = librosa.feature.melspectrogram(
        y=samples,
        sr=featurize.sample_rate,
        n_fft=featurize.n_fft,
        hop_length=featurize.hop_length,
        n_mels=featurize.n_mels,
        pad_mode="constant",
    )
    return librosa.power_to_db(power, ref=np.max, top_db=featurize.top_db)


def noise(samples: int) -> NDArray[np.float32]:
    return np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)


def tone(samples: int) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * 440 / 22050 * np.arange(samples))).astype(np.float32)


def quiet_beside_loud(samples: int) -> NDArray[np.float32]:
    """Return what single precision would lose: a low tone 75 dB below a high one."""
    seconds = np.arange(samples) / 22050
    loud, quiet = np.sin(2 * np.pi * 10_000 * seconds), np.sin(2 * np.pi * 100 * seconds)
    return (0.9 * (loud + 10 ** (-75 / 20) * quiet)).astype(np.float32)


def clicks(samples: int) -> NDArray[np.float32]:
    sound = np.zeros(samples, np.float32)
    sound[::4999] = 1
    return sound


# --- one clip


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")  # librosa's own, on the shortest
@pytest.mark.parametrize("samples", [1, 100, 2047, 2048, 30 * 22050, 100 * 22050])
@pytest.mark.parametrize("sound", [noise, tone, quiet_beside_loud, clicks])
def test_a_spectrogram_is_librosas(sound, samples: int) -> None:
    found, expected = mel_db(sound(samples), PAPER), librosa_mel_db(sound(samples), PAPER)
    assert found.shape == expected.shape == (128, 1 + samples // 512)
    assert np.abs(found - expected).max() < WITHIN_DB


@pytest.mark.parametrize("level", [1e-7, 2**-15, 1.0, 100.0])
def test_a_spectrogram_is_librosas_at_any_level(level: float) -> None:
    samples = noise(22050) * np.float32(level)
    assert np.abs(mel_db(samples, PAPER) - librosa_mel_db(samples, PAPER)).max() < WITHIN_DB


@pytest.mark.parametrize(
    "other",
    [
        {"n_fft": 8, "n_mels": 2},
        {"n_fft": 256, "hop_length": 100, "n_mels": 10},
        {"n_fft": 1024},
        {"n_fft": 4096, "hop_length": 1000},
        {"n_fft": 1025},
        {"n_fft": 2047, "hop_length": 500},
        {"hop_length": 1},
        {"hop_length": 4096},
        {"n_mels": 40},
        {"top_db": 20.0},
        {"sample_rate": 44100},
    ],
    ids=str,
)
def test_a_spectrogram_is_librosas_with_other_parameters(other: dict[str, int]) -> None:
    featurize, samples = PAPER.model_copy(update=other), noise(7001)
    found, expected = mel_db(samples, featurize), librosa_mel_db(samples, featurize)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < WITHIN_DB


def test_the_maximum_is_0_db_and_the_floor_is_top_db_below() -> None:
    mel = mel_db(clicks(22050), PAPER)
    assert mel.dtype == np.float32
    assert (mel.max(), mel.min()) == (0, -80)


@pytest.mark.parametrize(
    ("n_frames", "expected"),
    [(2, [[0, 1], [3, 4]]), (3, [[0, 1, 2], [3, 4, 5]]), (5, [[0, 1, 2, -60, -60], [3, 4, 5, -60, -60]])],
)
def test_a_spectrogram_is_cut_or_padded_with_the_floor_at_its_end(n_frames: int, expected: list[list[float]]) -> None:
    fitted = fit_frames(np.arange(6, dtype=np.float32).reshape(2, 3), n_frames, -60)
    assert fitted.dtype == np.float32
    assert fitted.tolist() == expected


def test_no_function_of_librosa_is_compiled() -> None:
    """They take seconds in each process, and 14 when they are run for the first time."""
    code = """if True:
        import sys
        import numpy as np
        from genres.features.mel import mel_db
        from genres.schema import Featurize

        params = Featurize(sample_rate=22050, n_fft=2048, hop_length=512, n_mels=128, top_db=80.0, n_frames=1291)
        assert mel_db(np.ones(9000, np.float32), params).shape == (128, 18)
        assert not {"librosa.core.audio", "librosa.core.spectrum", "librosa.util.utils"} & sys.modules.keys()
    """
    run_code(code)


# --- all clips


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    folder = tmp_path / "audio"
    for number, (genre, clip, samples) in enumerate([("b", "1", 8000), ("a", "2", 3000), ("a", "1", 4)]):
        (folder / genre).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / genre / f"{clip}.wav", tone(samples) * 0.5**number, 8000)
    return folder


@pytest.fixture
def clips() -> pd.DataFrame:
    clip_ids = ["b/1", "a/2", "a/1"]
    table = pd.DataFrame({"clip_id": clip_ids, "genre": list("baa"), "path": [f"{name}.wav" for name in clip_ids]})
    table["seconds"] = ["1.000", "0.375", "0.001"]
    return table.set_index(pd.Index([4, 2, 9]))  # as in a filtered table


@pytest.fixture
def thread() -> Iterator[Executor]:
    """An executor that starts without the seconds of worker processes."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def test_rows_are_in_the_order_of_the_clips_and_do_not_depend_on_the_executor(
    tmp_path: Path, audio: Path, clips: pd.DataFrame, thread: Executor
) -> None:
    mel = tmp_path / "mel.npy"
    rows = write_spectrograms(mel, clips, audio, SMALL, thread)
    assert list(rows) == ["clip_id", "genre", "frames"]
    assert rows.to_numpy().tolist() == [["b/1", "b", 63], ["a/2", "a", 24], ["a/1", "a", 1]]
    array = np.load(mel)
    assert (array.shape, array.dtype) == ((3, 16, 40), np.float32)
    for row, path in zip(array, clips.path, strict=True):
        samples, _ = soundfile.read(audio / path, dtype="float32")
        assert np.array_equal(row, fit_frames(mel_db(samples, SMALL), 40, -80))

    with local_processes(2) as executor:
        assert rows.equals(write_spectrograms(tmp_path / "other.npy", clips, audio, SMALL, executor))
    assert (tmp_path / "other.npy").read_bytes() == mel.read_bytes()


def test_without_all_clips_no_array_is_written(
    tmp_path: Path, audio: Path, clips: pd.DataFrame, thread: Executor
) -> None:
    (audio / "a" / "1.wav").write_text("not audio")
    with pytest.raises(InputError, match="1.wav is damaged"):
        write_spectrograms(tmp_path / "mel.npy", clips, audio, SMALL, thread)
    assert list(tmp_path.iterdir()) == [audio]


@pytest.mark.parametrize("other", [{"hop_length": 1}, {"n_mels": 1024, "hop_length": 8}, {"sample_rate": 192_000}])
def test_a_spectrogram_that_would_take_too_much_memory_is_refused_before_any_is_computed(
    tmp_path: Path, clips: pd.DataFrame, thread: Executor, other: dict[str, int]
) -> None:
    longest = clips.assign(seconds=["1.000", "30.000", "1800.000"])
    featurize = PAPER.model_copy(update={"hop_length": 64} | other)
    message = r"of a/\d.wav \(\d+.000 s\) would take \d+ MiB, of which 256 are allowed. Raise `featurize.hop_length`"
    with pytest.raises(InputError, match=message):  # and not that the audio is missing
        write_spectrograms(tmp_path / "mel.npy", longest, tmp_path, featurize, thread)


@pytest.mark.slow
def test_real_clips_have_the_papers_mean_and_deviation(tmp_path: Path, real_data: Path, params: Params) -> None:
    with tarfile.open(real_data / "gtzan-mini" / "genres.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    paths = pd.Series(sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("genres/*/*.wav")))
    assert len(paths) == 100
    clips = pd.DataFrame({"clip_id": paths, "genre": "any", "path": paths, "seconds": "30.000"})
    with local_processes() as executor:
        write_spectrograms(tmp_path / "mel.npy", clips, tmp_path, params.featurize, executor)
    mel = np.load(tmp_path / "mel.npy", mmap_mode="r")
    assert mel.shape == (100, 128, 1291)
    assert np.mean(mel) == pytest.approx(-42, abs=1.5)  # the paper has -42.88 for all of GTZAN
    assert np.std(mel) == pytest.approx(15.5, abs=0.7)  # and 15.50
