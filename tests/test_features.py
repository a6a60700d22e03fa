"""Waveform to mel spectrogram, and many clips to one array."""

import os
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.typing import NDArray
from tiny import run_code

from genres.artifacts import file_sha256, read_rows
from genres.errors import InputError
from genres.features import fit_frames, mel_db, write_features
from genres.params import Featurize, Params

PAPER = Featurize(22050, 2048, 512, 128, 80.0, 1291)
WITHIN_DB = 1e-4  # a tenth of what is promised
SMALL = Featurize(8000, 256, 128, 16, 80.0, 40)


def librosa_mel_db(samples: NDArray[np.float32], featurize: Featurize) -> NDArray[np.float32]:
    """What a user of librosa would run instead."""
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
    """What single precision would lose: a low tone 75 dB below a high one."""
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
    featurize, samples = replace(PAPER, **other), noise(7001)
    found, expected = mel_db(samples, featurize), librosa_mel_db(samples, featurize)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < WITHIN_DB


def test_the_loudest_point_is_0_db_and_the_floor_is_top_db_below() -> None:
    mel = mel_db(clicks(22050), PAPER)
    assert mel.dtype == np.float32
    assert (mel.max(), mel.min()) == (0, -80)


# --- its width


def test_a_long_spectrogram_is_cut_behind() -> None:
    mel = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert np.array_equal(fit_frames(mel, 4, -80), mel[:, :4])


def test_a_short_spectrogram_is_padded_behind_with_the_floor() -> None:
    mel = np.arange(4, dtype=np.float32).reshape(2, 2)
    assert np.array_equal(fit_frames(mel, 4, -60), [[0, 1, -60, -60], [2, 3, -60, -60]])


def test_a_spectrogram_of_the_right_width_stays_as_it_is() -> None:
    mel = np.arange(4, dtype=np.float32).reshape(2, 2)
    assert np.array_equal(fit_frames(mel, 2, -80), mel)


# --- many clips


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    folder = tmp_path / "audio"
    for number, (genre, clip, samples) in enumerate([("b", "1", 8000), ("a", "2", 3000), ("a", "1", 4)]):
        (folder / genre).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / genre / f"{clip}.wav", tone(samples) * 0.5**number, 8000)
    return folder


@pytest.fixture
def clips(audio: Path) -> pd.DataFrame:
    paths = ["b/1.wav", "a/2.wav", "a/1.wav"]
    return pd.DataFrame(
        {
            "clip": [Path(path).stem for path in paths],
            "genre": [Path(path).parent.name for path in paths],
            "path": paths,
            "sha256": [file_sha256(audio / path) for path in paths],
        },
        index=[4, 2, 9],  # as rows left over from a longer list have them
    )


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the seconds that worker processes take to start."""
    monkeypatch.setattr("genres.features.map_in_processes", lambda function, items, *_: map(function, items))


def test_rows_come_in_the_order_of_the_list_and_do_not_depend_on_how_many_processes_work(
    tmp_path: Path, audio: Path, clips: pd.DataFrame
) -> None:
    rows = write_features(tmp_path / "mel.npy", clips, audio, SMALL, processes=2)
    assert rows[["clip", "genre", "frames"]].to_numpy().tolist() == [["1", "b", 63], ["2", "a", 24], ["1", "a", 1]]
    array = np.load(tmp_path / "mel.npy")
    assert array.shape == (3, 16, 40)
    for row, path in zip(array, clips.path, strict=True):
        samples, _ = soundfile.read(audio / path, dtype="float32")
        assert np.abs(row - fit_frames(mel_db(samples, SMALL), 40, -80)).max() < WITHIN_DB

    assert rows.equals(write_features(tmp_path / "one.npy", clips, audio, SMALL, processes=1))
    assert (tmp_path / "one.npy").read_bytes() == (tmp_path / "mel.npy").read_bytes()


@pytest.mark.usefixtures("in_this_process")
def test_each_row_is_written_with_the_checksum_that_it_is_read_with(
    tmp_path: Path, audio: Path, clips: pd.DataFrame
) -> None:
    rows = write_features(tmp_path / "mel.npy", clips, audio, SMALL, processes=1)
    assert len(list(read_rows(tmp_path / "mel.npy", list(rows.sha256), "featurize"))) == 3


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: path.unlink(), "is not there. Run `dvc repro download`"),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-2]),
            "is damaged: it is not the file that the list of clips",
        ),
    ],
    ids=["missing", "changed"],
)
def test_an_audio_file_that_is_not_the_listed_one_is_refused_by_name(
    tmp_path: Path, audio: Path, clips: pd.DataFrame, harm, reason: str
) -> None:
    harm(audio / "a" / "2.wav")
    with pytest.raises(InputError, match=re.escape(f"{audio / 'a' / '2.wav'} {reason}")):
        write_features(tmp_path / "mel.npy", clips, audio, SMALL, processes=1)
    assert not (tmp_path / "mel.npy").exists()


@pytest.mark.usefixtures("in_this_process")
def test_a_file_that_was_listed_as_readable_by_mistake_is_refused_by_name(tmp_path: Path, clips: pd.DataFrame) -> None:
    audio = tmp_path / "audio"
    (audio / "a" / "2.wav").write_text("no sound")
    clips.loc[2, "sha256"] = file_sha256(audio / "a" / "2.wav")
    with pytest.raises(InputError, match=r"2\.wav is damaged: listed as readable, but it has no readable audio"):
        write_features(tmp_path / "mel.npy", clips, audio, SMALL, processes=1)


def test_real_clips_have_the_papers_mean_and_deviation(tmp_path: Path, real_data: Path, params: Params) -> None:
    with tarfile.open(real_data / "gtzan-mini" / "genres.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    paths = sorted(tmp_path.glob("genres/*/*.wav"))
    assert len(paths) == 100
    clips = pd.DataFrame({"path": [path.relative_to(tmp_path).as_posix() for path in paths]}).assign(
        clip=[path.stem for path in paths],
        genre=[path.parent.name for path in paths],
        sha256=[file_sha256(path) for path in paths],
    )
    write_features(tmp_path / "mel.npy", clips, tmp_path, params.featurize, processes=os.cpu_count() or 1)
    mel = np.load(tmp_path / "mel.npy", mmap_mode="r")
    assert mel.shape == (100, 128, 1291)
    assert np.mean(mel) == pytest.approx(-42, abs=1.5)  # the paper has -42.88 for all of GTZAN
    assert np.std(mel) == pytest.approx(15.5, abs=0.7)  # and 15.50


def test_nothing_of_librosa_is_compiled_for_it() -> None:
    """Its compiled functions take seconds in each process, and 14 when they are first run."""
    code = """if True:
        import sys
        import numpy as np
        from genres.features import mel_db
        from genres.params import Featurize

        assert mel_db(np.ones(9000, np.float32), Featurize(22050, 2048, 512, 128, 80.0, 1291)).shape == (128, 18)
        assert not {"librosa.core.audio", "librosa.core.spectrum", "librosa.util.utils"} & sys.modules.keys()
    """
    run_code(code)
