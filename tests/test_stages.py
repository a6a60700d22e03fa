"""The stages as scripts: the same bytes each time, nothing half-written when killed, a clear end on bad input."""

import csv
import itertools
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from tiny import ROOT, STAGES, contents, environment, run_stage, write_params

from genres.tables import DUPLICATES

NETWORKS = ("linear", "simple", "complex")
OUTPUTS = {
    "download": ["data/audio", "data/clips.csv"],
    "find_duplicates": ["data/duplicates.csv"],
    "featurize": ["data/mel.npy", "data/mel.csv"],
    "split": ["data/split.csv", "metrics/split.json"],
    **{f"train_{network}": [f"models/{network}.safetensors"] for network in NETWORKS},
    "train_svm": ["models/svm.safetensors", "metrics/train_svm/metrics.json"],
    "evaluate": [
        *(f"metrics/{name}.json" for name in ("evaluate", "comparisons", "convergence")),
        *(f"plots/confusion/{model}.csv" for model in (*NETWORKS, "svm")),
        *(f"plots/confusion_{model}.png" for model in (*NETWORKS, "svm")),
        *(f"plots/curves_{network}.png" for network in NETWORKS),
        *(f"plots/spectrogram_{subset}.png" for subset in ("train", "test")),
        *(f"plots/{name}" for name in ("accuracy.png", "agreement.png", "curves.png", "misjudged.png", "report.html")),
    ],
}
TRAINED_ALIKE = tuple(f"train_{network}" for network in NETWORKS)
WITH_PROCESSES = ("download", "find_duplicates", "featurize")
# All networks are trained by the same code.
UNLIKE = ("download", "find_duplicates", "featurize", "split", "train_linear", "train_svm", "evaluate")
COUNT_ONLY = 0
HANG = 120  # seconds after which a test is given up; no test measures time


class Prepared(NamedTuple):
    """A project after its first run, and how many changes of files each stage made in it."""

    folder: Path
    changes: dict[str, int]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "data").mkdir()
    write_params(folder, {})
    return Prepared(folder, {stage: count_changes(folder, stage) for stage in STAGES})


@pytest.fixture
def project(tmp_path: Path, prepared: Prepared) -> Path:
    """A copy of the prepared project."""
    return copy_of(prepared.folder, tmp_path / "project")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project in which nothing has run."""
    folder = tmp_path / "empty"
    (folder / "data").mkdir(parents=True)
    write_params(folder, {})
    return folder


def copy_of(folder: Path, place: Path) -> Path:
    shutil.copytree(folder, place)
    return place


def start(folder: Path, script: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> int:
    """Wait until neither the process nor a worker of it holds its output open any more, and return its status."""
    try:
        output = process.communicate(timeout=HANG)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail("a worker has survived the stage")
    assert "Traceback" not in output
    return process.returncode


def run_to_change(folder: Path, stage: str, change: int) -> int:
    """Run a stage that is killed right before so many changes of files, and return its status."""
    arguments = ["--processes", "2"] if stage in WITH_PROCESSES else []
    script = str(ROOT / "stages" / f"{stage}.py")
    return ended(start(folder, ROOT / "tests/kill_at.py", str(change), script, *arguments))


def count_changes(folder: Path, stage: str) -> int:
    assert run_to_change(folder, stage, COUNT_ONLY) == 0
    record = folder / "changes.txt"
    changes = int(record.read_text())
    record.unlink()
    return changes


def remove_outputs(folder: Path, stage: str) -> None:
    for output in [*OUTPUTS[stage], f"metrics/{stage}"]:
        if (folder / output).is_dir():
            shutil.rmtree(folder / output)
        else:
            (folder / output).unlink(missing_ok=True)


def part(found: dict[str, str], place: str) -> dict[str, str]:
    """Return what lies at or below a place."""
    return {path: what for path, what in found.items() if path == place or path.startswith(f"{place}/")}


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- The same bytes each time ---


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_makes_the_same_bytes_again(project: Path, stage: str) -> None:
    before = contents(project)
    remove_outputs(project, stage)
    run_stage(project, stage)
    assert contents(project) == before


@pytest.mark.parametrize("stage", WITH_PROCESSES)
@pytest.mark.parametrize("processes", ["1", pytest.param("3", marks=pytest.mark.slow)])
def test_the_bytes_do_not_depend_on_the_number_of_processes(project: Path, stage: str, processes: str) -> None:
    before = contents(project)
    remove_outputs(project, stage)
    run_stage(project, stage, "--processes", processes)
    assert contents(project) == before


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_where_the_project_lies_or_on_the_locale(tmp_path: Path, prepared: Prepared) -> None:
    folder = tmp_path / "elsewhere é 'x'"
    (folder / "data").mkdir(parents=True)
    write_params(folder, {})
    for stage in STAGES:
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py")]
        settings = environment(LC_ALL="C", TZ="Asia/Tokyo", PYTHONHASHSEED="1", PYTHONUTF8="0")
        subprocess.run(command, cwd=folder, env=settings, capture_output=True, check=True)
    assert contents(folder) == contents(prepared.folder)


def test_the_accuracies_of_the_evaluation_are_those_of_the_last_epoch(prepared: Prepared) -> None:
    evaluated = json.loads((prepared.folder / "metrics/evaluate.json").read_bytes())
    for network in NETWORKS:
        trained = json.loads((prepared.folder / f"metrics/train_{network}/metrics.json").read_bytes())
        predictions = read_table(prepared.folder / f"plots/confusion/{network}.csv")
        right = sum(row["actual"] == row["predicted"] for row in predictions)
        assert evaluated[network]["accuracy"] == trained["test"]["accuracy"] == round(right / len(predictions), 4)


@pytest.mark.parametrize("stage", [*STAGES, "results"])
def test_help_tells_every_option(stage: str, tmp_path: Path) -> None:
    printed = run_stage(tmp_path, stage, "--help").stdout
    mentioned = set(re.findall(r"^  (?:-h, )?(--[a-z-]+)", printed, re.MULTILINE))
    script = (ROOT / "stages" / f"{stage}.py").read_text(encoding="utf-8")
    shared = (ROOT / "stages" / "train_network.py").read_text(encoding="utf-8") if stage in TRAINED_ALIKE else ""
    added = set(re.findall(r'add_(?:path|argument)\(\s*"(--[a-z-]+)"', script + shared))
    assert added
    assert mentioned == {"--help", "--params"} | added | ({"--processes"} if stage in WITH_PROCESSES else set())
    assert not list(tmp_path.iterdir())


# --- Killed in the middle ---


def assert_whole_or_absent(folder: Path, stage: str, undisturbed: dict[str, str]) -> None:
    left = contents(folder)
    for output in OUTPUTS[stage]:
        assert part(left, output) in ({}, part(undisturbed, output)), output


@pytest.mark.parametrize(
    "stage",
    [stage if stage in ("split", "train_linear") else pytest.param(stage, marks=pytest.mark.slow) for stage in UNLIKE],
)
def test_a_killed_stage_leaves_only_whole_outputs_and_the_next_run_makes_the_same_bytes(
    prepared: Prepared, project: Path, stage: str
) -> None:
    undisturbed = contents(project)
    remove_outputs(project, stage)
    # Half-way, and before its last file takes its name, which is followed by tidying up.
    for moment in (prepared.changes[stage] // 2, prepared.changes[stage] - 1):
        folder = copy_of(project, project.with_name(f"killed before change {moment}"))
        assert run_to_change(folder, stage, moment) == -signal.SIGKILL
        assert_whole_or_absent(folder, stage, undisturbed)
        assert not all((folder / output).exists() for output in OUTPUTS[stage])
    run_stage(folder, stage)
    assert contents(folder) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("stage", [stage for stage in UNLIKE if stage != "evaluate"])  # whose changes are many alike
def test_a_stage_may_be_killed_between_any_two_changes(prepared: Prepared, project: Path, stage: str) -> None:
    undisturbed = contents(project)
    remove_outputs(project, stage)
    # Each run goes over what the one before it has left.
    for moment in itertools.count(1):
        status = run_to_change(project, stage, moment)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert_whole_or_absent(project, stage, undisturbed)
    assert moment >= prepared.changes[stage]
    assert contents(project) == undisturbed


def test_a_training_killed_over_an_older_one_leaves_no_model(prepared: Prepared, project: Path) -> None:
    write_params(project, {"seed": 1})
    assert run_to_change(project, "train_linear", prepared.changes["train_linear"] // 2) == -signal.SIGKILL
    assert not (project / "models/linear.safetensors").exists()


def listed_clips_are_there(folder: Path) -> bool:
    listed = {f"data/audio/{row['path']}": row["sha256"] for row in read_table(folder / "data/clips.csv")}
    audio = {path: what for path, what in part(contents(folder), "data/audio").items() if what != "folder"}
    return listed == audio


@pytest.mark.slow
def test_a_download_killed_over_an_older_one_never_leaves_a_list_of_other_clips(tmp_path: Path, empty: Path) -> None:
    source = tmp_path / "source"
    write_params(empty, {"dataset.name": "local", "dataset.path": str(source)})
    for genre in ("blues", "rock"):
        write_noise(source / genre / "1.wav")
    run_stage(empty, "download")
    write_noise(source / "blues" / "1.wav", seed=1)
    changes = count_changes(copy_of(empty, tmp_path / "counted"), "download")
    states = []
    for moment in range(changes, max(0, changes - 8), -1):
        folder = copy_of(empty, tmp_path / str(moment))
        assert run_to_change(folder, "download", moment) == -signal.SIGKILL
        states.append((folder / "data/clips.csv").exists())
        assert not states[-1] or listed_clips_are_there(folder), f"killed before change {moment} of {changes}"
    assert set(states) == {False, True}  # the moments reach back to before the older list is removed


@pytest.mark.slow
def test_spectrograms_killed_before_their_list_are_refused(project: Path, prepared: Prepared) -> None:
    write_params(project, {"featurize.top_db": 60})
    changes = count_changes(copy_of(project, project.with_name("counted")), "featurize")
    assert run_to_change(project, "featurize", changes - 1) == -signal.SIGKILL
    assert (project / "data/mel.csv").read_bytes() == (prepared.folder / "data/mel.csv").read_bytes()
    assert (project / "data/mel.npy").read_bytes() != (prepared.folder / "data/mel.npy").read_bytes()
    message = refuse(project, "train_linear")
    assert "data/mel.npy" in message
    assert "`dvc repro -f featurize`" in message


@pytest.mark.parametrize(
    ("stage", "changes", "sign"),
    [
        ("download", {"dataset.synthetic.clips_per_genre": 20, "dataset.synthetic.seconds": 10}, "data/.audio.*/*/*"),
        ("featurize", {"featurize.hop_length": 16}, "data/.mel.npy.*"),
    ],
)
def test_workers_end_with_a_killed_stage(project: Path, stage: str, changes: dict[str, int], sign: str) -> None:
    remove_outputs(project, stage)
    write_params(project, changes)
    process = start(project, ROOT / "stages" / f"{stage}.py", "--processes", "2")
    try:
        # A worker has done its first clip, and many are left.
        while process.poll() is None and not any(file.stat().st_size > 1000 for file in project.glob(sign)):
            time.sleep(0.01)
    finally:
        process.kill()
    assert ended(process) == -signal.SIGKILL
    assert not any((project / output).exists() for output in OUTPUTS[stage])


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
    return {"clip": Path(name).stem, "genre": genre}


def in_order(paths: Sequence[str]) -> list[str]:
    return sorted(paths, key=lambda path: (path.split("/")[0], Path(path).stem))


def test_every_file_is_listed_with_what_is_in_it(mixed: Path) -> None:
    rows = read_table(mixed / "data/clips.csv")
    assert [row["path"] for row in rows] == in_order([*GOOD, *BAD])
    assert [{key: row[key] for key in ("clip", "genre")} for row in rows] == [named(row["path"]) for row in rows]
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
    assert [{key: row[key] for key in ("clip", "genre", "frames")} for row in rows] == expected
    mel = np.load(mixed / "data/mel.npy")
    assert mel.shape == (len(GOOD), 128, 80)
    assert mel.dtype == np.float32
    assert np.isfinite(mel).all()
    assert mel.min() >= -80
    assert (mel.max(axis=(1, 2)) <= 0).all()


def test_the_split_keeps_every_name_apart(mixed: Path) -> None:
    rows = read_table(mixed / "data/split.csv")
    assert [{key: row[key] for key in ("clip", "genre")} for row in rows] == [named(path) for path in in_order([*GOOD])]
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
    assert part(made, "data/audio") == {"data/audio": "folder"} | originals
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
    metrics = json.loads((empty / "metrics/evaluate.json").read_bytes())
    for network in NETWORKS:
        assert list(metrics[network]["recall"]) == sorted(genres)
        rows = read_table(empty / f"plots/confusion/{network}.csv")
        assert Counter(row["actual"] for row in rows) == dict.fromkeys(genres, 2)
        assert {row["predicted"] for row in rows} <= set(genres)
    printed = run_stage(empty, "results").stdout
    assert "your own clips" in printed
    assert "paper" not in printed


# --- Input that is refused ---


def refuse(folder: Path, stage: str, *arguments: str) -> str:
    """Run a stage that refuses what it finds, writes nothing, and return its one message."""
    before = contents(folder)
    result = run_stage(folder, stage, *arguments, status=1)
    assert contents(folder) == before
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    assert len(starts) == 1, result.stderr
    return "\n".join(lines[starts[0] :])


def download_local(folder: Path) -> str:
    write_params(folder, {"dataset.name": "local", "dataset.path": "source"})
    return refuse(folder, "download", "--processes", "1")


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
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "find_duplicates"])  # it has none
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


def test_a_refused_download_leaves_the_older_one(project: Path) -> None:
    write_params(project, {"dataset.name": "local", "dataset.path": "nowhere"})
    refuse(project, "download")  # which checks that nothing has changed


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
    rows = [f"{number},{genre},9,0" for number, genre in enumerate(genres)]
    (empty / "data/mel.csv").write_text("\n".join(["clip,genre,frames,sha256", *rows, ""]))
    (empty / "data/duplicates.csv").write_text(",".join(DUPLICATES) + "\n")
    message = refuse(empty, "split")
    assert all(words in message for words in told), message


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def cut_to_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20])


def make_empty(file: Path) -> None:
    file.write_bytes(b"")


def edit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-50] ^= 1
    file.write_bytes(content)


def remove(file: Path) -> None:
    file.unlink()


DAMAGE = [  # file, what happens to it, the stage that reads it, the stage that makes it
    ("data/clips.csv", make_empty, "featurize", "download"),
    ("data/audio/rock/rock.00003.wav", edit, "featurize", "download"),
    ("data/mel.csv", remove, "split", "featurize"),
    ("data/mel.npy", cut, "train_linear", "featurize"),
    ("data/mel.npy", edit, "evaluate", "featurize"),
    ("models/complex.safetensors", remove, "evaluate", "train_complex"),
    ("models/complex.safetensors", cut, "evaluate", "train_complex"),
    ("models/complex.safetensors", edit, "evaluate", "train_complex"),
]
MORE_DAMAGE = [
    ("data/clips.csv", remove, "featurize", "download"),
    ("data/audio/rock/rock.00003.wav", cut, "featurize", "download"),
    ("data/audio/rock/rock.00003.wav", remove, "featurize", "download"),
    ("data/mel.csv", remove, "train_linear", "featurize"),
    ("data/mel.npy", remove, "train_linear", "featurize"),
    ("data/mel.npy", cut, "evaluate", "featurize"),
    ("data/mel.npy", cut_to_header, "train_linear", "featurize"),
    ("data/mel.npy", make_empty, "train_linear", "featurize"),
    ("data/mel.npy", edit, "train_complex", "featurize"),
    ("data/split.csv", remove, "train_simple", "split"),
    ("models/complex.safetensors", cut_to_header, "evaluate", "train_complex"),
    ("models/complex.safetensors", make_empty, "evaluate", "train_complex"),
]


@pytest.mark.parametrize(
    ("file", "damage", "stage", "maker"),
    DAMAGE + [pytest.param(*damage, marks=pytest.mark.slow) for damage in MORE_DAMAGE],
)
def test_a_damaged_file_is_named_with_the_stage_that_makes_it(
    project: Path, file: str, damage: Callable[[Path], None], stage: str, maker: str
) -> None:
    remove_outputs(project, stage)
    damage(project / file)
    message = refuse(project, stage)
    assert file in message
    force = "" if damage is remove else "-f "
    assert f"`dvc repro {force}{maker}`" in message


def test_networks_of_other_genres_are_refused(project: Path) -> None:
    remove_outputs(project, "evaluate")
    for table in ("mel", "split"):
        file = project / f"data/{table}.csv"
        file.write_text(file.read_text(encoding="utf-8").replace(",rock,", ",reggaeton,"), encoding="utf-8")
    message = refuse(project, "evaluate")
    assert "'linear'" in message
    assert "reggaeton" in message
    assert re.search("`dvc repro (-f )?train_linear`", message)


def test_a_split_of_other_clips_is_refused(project: Path) -> None:
    file = project / "data/split.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("rock.00003", "rock.10003"), encoding="utf-8")
    message = refuse(project, "train_linear")
    assert "'rock.10003'" in message
    assert "`dvc repro -f split`" in message


def test_a_device_that_is_not_there_is_refused(project: Path) -> None:
    device = "cuda" if sys.platform == "darwin" else "mps"
    message = refuse(project, "train_linear", "--device", device)
    assert device in message
    assert "--device auto" in message
