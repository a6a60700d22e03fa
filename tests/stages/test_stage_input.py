"""The stages on clips of every kind under any name, and on input that is refused."""

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    write_noise,
    write_params,
)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project in which nothing has run."""
    write_params(tmp_path, {})
    return tmp_path


# --- Clips of every kind, under any name ---


READABLE: dict[str, dict[str, Any]] = {  # and how each differs from half a second of mono at 22,050 Hz
    "NA/007.wav": {},
    "NA/1e5.wav": {"seed": 1},
    "NA/7.wav": {"seed": 2},
    '-rock \'n" röll, 日本/-- it\'s "x", y.wav': {},
    "-rock 'n\" röll, 日本/null.flac": {},
    "formats/six channels.wav": {"channels": 6},
    "formats/sun.au": {},
    "formats/free.flac": {"channels": 2, "rate": 44100},
    "formats/vorbis.ogg": {},
    "formats/opus.opus": {"rate": 24000},
    "formats/mpeg.mp3": {"rate": 44100},
    "formats/one sample.wav": {"seconds": 1 / 22050},
    "formats/below a window.wav": {"seconds": 2000 / 22050},
    "formats/below a hop at 8k.wav": {"seconds": 100 / 8000, "rate": 8000},
}


NO_FORMAT = "not wav, au, flac, ogg, opus or mp3"


def test_clips_of_every_kind_under_any_name_are_featurized_and_split_but_for_unreadable_ones(empty: Path) -> None:
    source = empty / "source"
    for path, form in READABLE.items():
        write_noise(source / path, **form)
    (source / "formats/no sound.wav").touch()
    for name in ("song.m4a", "cover.jpg"):
        (source / "formats" / name).touch()
    write_params(empty, {"dataset.name": "local", "dataset.path": "source", "split.test_size": 5})
    for stage in ("download", "find_duplicates", "featurize", "split"):
        run_stage(empty, stage)
    listed = {row["path"]: row["sha256"] for row in read_table(empty / "data/clips.csv")}
    assert listed.keys() == {*READABLE, "formats/no sound.wav"}
    assert listed.items() <= contents(source).items()
    skipped = [(row["path"], row["reason"]) for row in read_table(empty / "data/skipped.csv")]
    assert skipped == [(f"formats/{name}", NO_FORMAT) for name in ("cover.jpg", "song.m4a")]
    expected = []
    for path in sorted(READABLE, key=lambda path: (path.split("/")[0], Path(path).stem)):
        info = soundfile.info(source / path)
        n_frames = 1 + math.ceil(info.frames * 22050 / info.samplerate) // 512
        expected.append((path.rpartition(".")[0], path.split("/")[0], str(n_frames)))
    assert [tuple(row.values()) for row in read_table(empty / "data/mel.csv")] == expected
    mel = np.load(empty / "data/mel.npy")
    assert (mel.shape, mel.dtype) == ((len(READABLE), 128, 80), np.float32)
    assert mel.min() >= -80  # and not NaN
    assert (mel.max(axis=(1, 2)) <= 0).all()
    split = read_table(empty / "data/split.csv")
    assert [(row["clip_id"], row["genre"]) for row in split] == [row[:2] for row in expected]
    assert len({(row["genre"], row["subset"]) for row in split}) == 6  # each of three genres in train and test
    assert json.loads((empty / "metrics/split.json").read_bytes())["leaked"] > 0  # for most hold the same noise


@pytest.mark.slow
@pytest.mark.parametrize("genres", [("-rock 'n\" röll", "NA"), ("$5_{x}$", "blues", "ελληνικά")])
def test_other_genres_go_all_the_way_and_the_results_follow_them(empty: Path, genres: Sequence[str]) -> None:
    for genre in genres:
        for number in range(5):
            write_noise(empty / "source" / genre / f"{number}.wav", seed=number)
    changes = {"dataset.name": "local", "dataset.path": "source", "split.test_size": 2 * len(genres)}
    write_params(empty, changes | {"train.epochs": 1})
    for stage in STAGES:
        run_stage(empty, stage)
    assert set(json.loads((empty / "metrics/evaluate.json").read_bytes())) == set(MODELS)
    assert [row["genre"] for row in read_table(empty / "plots/per_genre.csv")] == sorted(genres) * len(MODELS)
    for model in MODELS:
        rows = read_table(empty / f"plots/confusion/{model}.csv")
        assert Counter(row["actual"] for row in rows) == dict.fromkeys(genres, 2)
        assert {row["predicted"] for row in rows} <= set(genres)
    assert "your own clips" in (empty / "plots/report.html").read_text(encoding="utf-8")


# --- Input that is refused ---


@pytest.mark.parametrize(
    "stage",
    [
        stage if stage == "split" else pytest.param(stage, marks=pytest.mark.slow)
        for stage in STAGES
        if "params" in PIPELINE[stage]
    ],
)
def test_every_stage_checks_all_parameters_before_it_works(empty: Path, stage: str) -> None:
    write_params(empty, {"simple.dropout": 1.5})
    assert refuse(empty, stage).startswith("error: params.yaml: `simple.dropout`")


def test_a_refused_download_leaves_the_older_one(project: Path) -> None:
    write_noise(project / "source/blues/1.wav")
    (project / "source/rock").mkdir()
    (project / "source/rock/1.wav").touch()
    write_params(project, {"dataset.name": "local", "dataset.path": "source"})
    assert "None of the 1 clips of the genre 'rock'" in refuse(project, "download")  # and checks that nothing changed


def test_a_device_that_is_not_there_is_refused(project: Path) -> None:
    device = "cuda" if sys.platform == "darwin" else "mps"
    write_params(project, {"train.device": device})
    message = refuse(project, "train_linear")
    assert device in message
    assert "`train.device: cpu`" in message


# --- Files of other stages ---


MAKERS = {output: stage for stage in STAGES for output in outputs(stage)}
READ = [(stage, dep) for stage in STAGES for dep in PIPELINE[stage]["deps"] if dep in MAKERS and Path(dep).suffix]
FAST = (("resize", "data/mel.npy"), ("train_svm", "data/split.csv"), ("report", "plots/comparisons.csv"))
CASES = [case if case in FAST else pytest.param(*case, marks=pytest.mark.slow) for case in READ]


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


def test_a_clip_to_be_heard_that_is_not_listed_is_named(project: Path) -> None:
    remove_outputs(project, "report")
    path = project / "data/clips.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    first = {row.partition("/")[0]: row for row in reversed(rows)}  # of each genre
    path.write_text("".join([header, *first.values()]), encoding="utf-8")
    assert "data/clips.csv has no row for '" in refuse(project, "report")


def test_all_numbers_in_metrics_have_four_decimals(first_run: FirstRun) -> None:
    numbers: list[str] = []
    for file in (first_run.clone.folder / "metrics").rglob("*.json"):
        json.loads(file.read_text(encoding="utf-8"), parse_float=numbers.append)
    assert len(numbers) > 30
    assert [number for number in numbers if not re.fullmatch(r"-?\d+\.\d{1,4}", number)] == []
