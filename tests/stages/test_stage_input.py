"""The stages on clips of every kind under any name, on the user's own folder, and on input that is refused."""

import json
import math
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from project import (
    MODELS,
    PIPELINE,
    STAGES,
    FirstRun,
    contents,
    outputs,
    read_table,
    refuse,
    remove_outputs,
    run_stage,
    write_params,
)

from genres.core.columns import CLIPS, DUPLICATES


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project in which nothing has run."""
    folder = tmp_path / "empty"
    (folder / "data").mkdir(parents=True)
    write_params(folder, {})
    return folder


# --- Clips of every kind, under any name ---


def noise(seconds: float, sample_rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * sample_rate), channels))
    return samples.astype(np.float32)


def write_noise(
    path: Path, seconds: float = 0.5, rate: int = 22050, channels: int = 1, subtype: str | None = None, seed: int = 0
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(seconds, rate, channels, seed), rate, subtype=subtype)


GOOD = {
    "NA/007.wav": {},
    "NA/1e5.wav": {"seed": 1},
    "NA/7.wav": {"seed": 2},
    '-rock \'n" röll, 日本/-- it\'s "x", y.wav': {},
    "-rock 'n\" röll, 日本/null.flac": {},
    "formats/rate 8k.wav": {"rate": 8000},
    "formats/rate 44k.wav": {"rate": 44100},
    "formats/rate 96k.wav": {"rate": 96000},
    "formats/stereo.wav": {"channels": 2},
    "formats/six channels.wav": {"channels": 6},
    "formats/8 bit.wav": {"subtype": "PCM_U8"},
    "formats/24 bit.wav": {"subtype": "PCM_24"},
    "formats/32 bit.wav": {"subtype": "PCM_32"},
    "formats/float.wav": {"subtype": "FLOAT"},
    "formats/sun.au": {},
    "formats/free.flac": {"channels": 2, "rate": 44100},
    "formats/vorbis.ogg": {},
    "formats/mpeg.mp3": {"rate": 44100},
    "formats/one sample.wav": {"seconds": 1 / 22050},
    "formats/below a window.wav": {"seconds": 2000 / 22050},
    "formats/below a hop at 8k.wav": {"seconds": 100 / 8000, "rate": 8000},
    "formats/ten minutes.wav": {"seconds": 600, "rate": 8000, "subtype": "PCM_U8"},
    "bad/good.wav": {},
    "bad/good too.wav": {},
}
BAD = {
    "bad/empty.wav": "the file is empty (0 bytes)",
    "bad/cut.wav": "truncated: ",
    "bad/text.wav": "no readable audio (libsndfile: ",
    "bad/header.wav": "a header without samples",
    "bad/silent.wav": "digital silence",
    "bad/nan.wav": "samples that are NaN or infinite",
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the clips above, downloaded from ``source`` and featurized; stderr is kept beside."""
    folder = tmp_path_factory.mktemp("mixed")
    source = folder / "source"
    for path, form in GOOD.items():
        write_noise(source / path, **form)  # type: ignore[arg-type]
    bad = source / "bad"
    whole = (bad / "good.wav").read_bytes()
    (bad / "empty.wav").touch()
    (bad / "cut.wav").write_bytes(whole[:-1000])
    (bad / "text.wav").write_text("no audio at all\n" * 100)
    soundfile.write(bad / "header.wav", np.empty(0, np.float32), 22050)
    soundfile.write(bad / "silent.wav", np.zeros(22050, np.float32), 22050)
    soundfile.write(bad / "nan.wav", np.full(22050, np.nan, np.float32), 22050, subtype="FLOAT")
    (source / "notes.txt").write_text("no clip")
    write_params(folder, {"dataset.name": "local", "dataset.path": "source", "split.test_size": 12})
    for stage in ("download", "find_duplicates", "featurize", "split"):
        (folder / f"{stage}.stderr").write_text(run_stage(folder, stage).stderr, encoding="utf-8")
    return folder


def named(path: str) -> dict[str, str]:
    genre, name = path.split("/")
    return {"clip_id": f"{genre}/{Path(name).stem}", "genre": genre}


def in_order(paths: Sequence[str]) -> list[str]:
    return sorted(paths, key=lambda path: (path.split("/")[0], Path(path).stem))


def test_every_file_is_listed_with_what_is_in_it(mixed: Path) -> None:
    rows = read_table(mixed / "data/clips.csv")
    assert [row["path"] for row in rows] == in_order([*GOOD, *BAD])
    assert [{key: row[key] for key in ("clip_id", "genre")} for row in rows] == [named(row["path"]) for row in rows]
    held = contents(mixed / "source")
    for row in rows:
        assert row["sha256"] == held[row["path"]]
        if row["path"] in BAD:
            assert (row["status"], row["seconds"], row["sample_rate"]) == ("unreadable", "", "")
            assert row["reason"].startswith(BAD[row["path"]])
        else:
            info = soundfile.info(mixed / "source" / row["path"])
            assert (row["status"], row["reason"]) == ("ok", "")
            assert row["seconds"] == f"{info.frames / info.samplerate:.3f}"
            assert row["sample_rate"] == str(info.samplerate)


def test_unreadable_clips_are_counted_in_one_warning(mixed: Path) -> None:
    lines = (mixed / "download.stderr").read_text(encoding="utf-8").splitlines()
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert f"{len(BAD)} of {len(GOOD) + len(BAD)} clips" in warnings[0]


def test_readable_clips_have_a_spectrogram_with_their_number_of_frames(mixed: Path) -> None:
    expected = []
    for path in in_order(list(GOOD)):
        info = soundfile.info(mixed / "source" / path)
        samples = math.ceil(info.frames * 22050 / info.samplerate)
        expected.append(named(path) | {"frames": str(1 + samples // 512)})
    rows = read_table(mixed / "data/mel.csv")
    assert [{key: row[key] for key in ("clip_id", "genre", "frames")} for row in rows] == expected
    mel = np.load(mixed / "data/mel.npy")
    assert mel.shape == (len(GOOD), 128, 80)
    assert mel.dtype == np.float32
    assert np.isfinite(mel).all()
    assert mel.min() >= -80
    assert (mel.max(axis=(1, 2)) <= 0).all()


def test_the_split_keeps_every_name_apart(mixed: Path) -> None:
    rows = read_table(mixed / "data/split.csv")
    assert [row["clip_id"] for row in rows] == [named(path)["clip_id"] for path in in_order([*GOOD])]
    genres = {row["genre"] for row in rows}
    assert {row["genre"] for row in rows if row["subset"] == "test"} == genres
    assert {row["genre"] for row in rows if row["subset"] == "train"} == genres
    assert Counter(row["subset"] for row in rows)["test"] == 12


# --- The owner's own folder ---


def state(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mode, path.stat().st_mtime_ns)
        for path in [folder, *folder.rglob("*")]
    }


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder of clips that nobody may write to."""
    source = tmp_path / "source"
    for genre in ("blues", "rock"):
        for number in range(2):
            write_noise(source / genre / f"{number}.wav", seed=number)
            os.utime(source / genre / f"{number}.wav", (1e9, 1e9))
    places = [source, *source.rglob("*")]
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    yield source
    for place in places:
        place.chmod(0o755)


def test_the_owner_s_files_stay_as_they_are_and_may_be_read_only(read_only: Path, empty: Path) -> None:
    before = state(read_only)
    write_params(empty, {"dataset.name": "local", "dataset.path": str(read_only)})
    run_stage(empty, "download")
    made = contents(empty)
    run_stage(empty, "download")  # which replaces the copies
    assert contents(empty) == made
    assert state(read_only) == before
    originals = {f"data/audio/{path}": what for path, what in contents(read_only).items()}
    assert {path: what for path, what in made.items() if path.startswith("data/audio/")} == originals
    assert (empty / "data/audio/blues/0.wav").stat().st_mode & 0o200


def learn(folder: Path, changes: dict[str, object]) -> None:
    write_params(folder, {"dataset.name": "local", "dataset.path": "source", "train.epochs": 1, **changes})
    for stage in STAGES:
        run_stage(folder, stage)


@pytest.mark.slow
@pytest.mark.parametrize("genres", [("-rock 'n\" röll", "NA"), ("$5_{x}$", "blues", "ελληνικά")])
def test_other_genres_go_all_the_way_and_the_results_follow_them(empty: Path, genres: Sequence[str]) -> None:
    for genre in genres:
        for number in range(5):
            write_noise(empty / "source" / genre / f"{number}.wav", seed=number)
    learn(empty, {"split.test_size": 2 * len(genres)})
    assert set(json.loads((empty / "metrics/evaluate.json").read_bytes())) == set(MODELS)
    assert [row["genre"] for row in read_table(empty / "plots/per_genre.csv")] == sorted(genres) * len(MODELS)
    for model in MODELS:
        rows = read_table(empty / f"plots/confusion/{model}.csv")
        assert Counter(row["actual"] for row in rows) == dict.fromkeys(genres, 2)
        assert {row["predicted"] for row in rows} <= set(genres)
    page = (empty / "plots/report.html").read_text(encoding="utf-8")
    assert "your own clips" in page


# --- Input that is refused ---


def download_local(folder: Path) -> str:
    write_params(folder, {"dataset.name": "local", "dataset.path": "source"})
    return refuse(folder, "download")


def test_a_genre_without_a_readable_clip_is_refused(empty: Path) -> None:
    write_noise(empty / "source/blues/1.wav")
    for number in range(2):
        (empty / "source/rock").mkdir(exist_ok=True)
        (empty / f"source/rock/{number}.wav").touch()
    message = download_local(empty)
    assert "'rock'" in message
    assert "None of the 2 clips" in message
    assert "empty (0 bytes)" in message


def test_a_single_genre_is_refused(empty: Path) -> None:
    write_noise(empty / "source/blues/1.wav")
    assert "Only one genre was found: 'blues'" in download_local(empty)


def test_an_empty_folder_is_refused(empty: Path) -> None:
    (empty / "source").mkdir()
    message = download_local(empty)
    assert "source" in message
    assert "<genre>/<clip>" in message


def test_a_folder_that_is_not_there_is_refused(empty: Path) -> None:
    message = download_local(empty)
    assert "source" in message
    assert "cannot be found" in message


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"dataset.name": "local"}, "`dataset.path` is null"),
        ({"dataset.name": "gtzna"}, "`dataset.name`"),
        ({"dataset.synthetic.seconds": "long"}, "`dataset.synthetic.seconds`"),
        ({"train.epoch": 1}, "`train.epochs`"),
        ({"seed": True}, "`seed`"),
    ],
)
def test_parameters_that_cannot_be_followed_are_named(empty: Path, changes: dict[str, object], told: str) -> None:
    write_params(empty, changes)
    assert told in refuse(empty, "download")


@pytest.mark.slow
@pytest.mark.parametrize("stage", [stage for stage in STAGES if "params" in PIPELINE[stage]])
def test_every_stage_checks_all_parameters_before_it_works(empty: Path, stage: str) -> None:
    write_params(empty, {"simple.dropout": 1.5})
    message = refuse(empty, stage)
    assert "params.yaml" in message
    assert "`simple.dropout`" in message


def test_parameters_that_are_no_yaml_or_not_there_are_refused(empty: Path) -> None:
    (empty / "params.yaml").write_text("seed: [0\n")
    assert "params.yaml is no valid YAML" in refuse(empty, "split")
    (empty / "params.yaml").unlink()
    assert "params.yaml cannot be read (No such file or directory)" in refuse(empty, "split")


@pytest.mark.parametrize(
    ("genres", "test_size", "told"),
    [
        (["blues"] * 5 + ["rock"], 0.2, ["'rock'", "single"]),
        (["blues"] * 5 + ["rock"] * 5, 0.1, ["`split.test_size`", "0.1"]),
        (["blues"] * 5 + ["rock"] * 5, 9, ["`split.test_size`", "9"]),
        (["blues"] * 5 + ["rock"] * 5, 10, ["`split.test_size`", "10"]),
    ],
)
def test_too_few_clips_to_split_are_refused(empty: Path, genres: list[str], test_size: float, told: list[str]) -> None:
    write_params(empty, {"split.test_size": test_size})
    rows = [f"{genre}/{number},{genre},,,,,ok," for number, genre in enumerate(genres)]
    (empty / "data/clips.csv").write_text("\n".join([",".join(CLIPS), *rows, ""]))
    (empty / "data/duplicates.csv").write_text(",".join(DUPLICATES) + "\n")
    message = refuse(empty, "split")
    assert all(words in message for words in told), message


# --- Files of other stages ---

MAKERS = {output: stage for stage in STAGES for output in outputs(stage)}
READ = [(stage, dep) for stage in STAGES for dep in PIPELINE[stage]["deps"] if dep in MAKERS and Path(dep).suffix]
FAST = (("resize", "data/mel.npy"), ("train_svm", "data/split.csv"), ("report", "plots/comparisons.csv"))
CASES = [case if case in FAST else pytest.param(*case, marks=pytest.mark.slow) for case in READ]


@pytest.fixture
def project(tmp_path: Path, first_run: FirstRun) -> Path:
    """A copy of a project after its first run."""
    ignored = shutil.ignore_patterns(".git", ".dvc", "src", "stages", "tests")
    return Path(shutil.copytree(first_run.clone.folder, tmp_path / "project", ignore=ignored))


@pytest.mark.parametrize(("stage", "file"), CASES)
def test_a_missing_or_damaged_file_is_named_with_the_stage_that_makes_it(project: Path, stage: str, file: str) -> None:
    remove_outputs(project, stage)
    (project / file).write_bytes(b"\0\1 garbage")
    message = refuse(project, stage)
    assert file in message
    assert f"`dvc repro -f {MAKERS[file]}`" in message
    (project / file).unlink()
    message = refuse(project, stage)
    assert f"{file} is not there" in message
    assert f"`dvc repro {MAKERS[file]}`" in message


def test_a_split_of_other_clips_is_refused(project: Path) -> None:
    file = project / "data/split.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("rock/rock.00003", "rock/rock.10003"), encoding="utf-8")
    message = refuse(project, "train_svm")
    assert "'rock/rock.10003'" in message
    assert "`dvc repro -f split`" in message


def test_predictions_of_different_splits_are_refused(project: Path) -> None:
    file = project / "data/predictions/svm.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([lines[0], *reversed(lines[1:]), ""]), encoding="utf-8")
    assert "svm.csv" in refuse(project, "evaluate")


def test_a_clip_that_cannot_be_played_is_named(project: Path) -> None:
    for clip in (project / "data/audio").glob("*/*"):
        clip.write_bytes(b"no sound")
    message = refuse(project, "report")
    assert "data/audio/" in message
    assert "`dvc repro -f download`" in message


def test_a_refused_download_leaves_the_older_one(project: Path) -> None:
    write_params(project, {"dataset.name": "local", "dataset.path": "nowhere"})
    refuse(project, "download")  # which checks that nothing has changed


def test_a_device_that_is_not_there_is_refused(project: Path) -> None:
    device = "cuda" if sys.platform == "darwin" else "mps"
    write_params(project, {"train.device": device})
    message = refuse(project, "train_linear")
    assert device in message
    assert "`train.device: cpu`" in message


def test_all_numbers_in_metrics_have_four_decimals(first_run: FirstRun) -> None:
    numbers: list[float] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                collect(inner)
        elif isinstance(value, float):
            numbers.append(value)

    for file in sorted((first_run.clone.folder / "metrics").rglob("*.json")):
        collect(json.loads(file.read_text(encoding="utf-8")))
    assert len(numbers) > 30
    assert all(number == round(number, 4) for number in numbers)
