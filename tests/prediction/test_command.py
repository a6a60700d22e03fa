"""``python -m genres predict``, as users run it."""

import csv
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import mutagen
import numpy as np
import pytest
import soundfile
from project import MODELS, ROOT, FirstRun, environment, read_table, run_code, run_genres, write_noise

from genres.__main__ import main
from genres.core.errors import InputError
from genres.models.base.weights import read_weights, write_weights


@pytest.fixture(scope="module")
def model(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model, alone in a folder, as if it had been handed on."""
    folder = tmp_path_factory.mktemp("handed on")
    return Path(shutil.copy(first_run.clone.folder / "models/scattering.safetensors", folder))


def predict(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> tuple[list[str], list[str]]:
    """Run the command, and return the lines on standard output, and the errors on standard error."""
    assert main(["predict", *map(str, arguments)]) == status
    captured = capsys.readouterr()
    return captured.out.splitlines(), [line for line in captured.err.splitlines() if line.startswith("error: ")]


def run_shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in ``folder``, which succeeds."""
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT / "src")),
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize(
    "name", [name if name == "scattering" else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
)
def test_the_clips_of_the_split_are_predicted_to_the_last_digit(first_run: FirstRun, tmp_path: Path, name: str) -> None:
    project = first_run.clone.folder
    expected = {row["clip_id"]: row for row in read_table(project / f"data/predictions/{name}.csv")}
    result = run_genres(
        tmp_path,
        "predict",
        "--model",
        name,
        "--csv",
        project / "data/audio/jazz",
        project / "data/audio/pop",
        code=project,
    )
    found = {
        Path(row["file"]).relative_to(project / "data/audio").with_suffix("").as_posix(): row
        for row in csv.DictReader(result.stdout.splitlines())
    }
    assert found.keys() == {clip for clip in expected if clip.startswith(("jazz/", "pop/"))}
    n_not_music = 0
    for clip, row in found.items():
        if row["not_music"]:
            n_not_music += 1
        else:
            assert row["genre"] == expected[clip]["predicted"]
        for genre in {clip.partition("/")[0] for clip in expected}:
            assert row[genre] == expected[clip].get(genre, "")
    assert n_not_music < len(found)
    assert result.stderr.startswith(f"model: {name}, trained on ")
    assert "warning: it was trained on synthetic clips" in result.stderr


def test_a_file_and_its_model_are_all_that_is_needed(tmp_path: Path, model: Path) -> None:
    write_noise(tmp_path / "song.wav", seconds=5)
    result = run_genres(tmp_path, "predict", "--model", model, "song.wav")
    assert (result.returncode, len(result.stdout.splitlines())) == (0, 2)
    assert result.stdout.startswith("song.wav: ")


def test_the_model_of_scattering_features_loads_neither_torch_nor_scikit_learn(tmp_path: Path, model: Path) -> None:
    write_noise(tmp_path / "song.wav", seconds=2)
    code = (
        "import sys; from genres.__main__ import main; main(sys.argv[1:]); "
        "print(*{'torch', 'sklearn', 'dvc', 'matplotlib'} & set(sys.modules))"
    )
    output = run_code(code, "predict", "--model", str(model), str(tmp_path / "song.wav"))
    assert output.splitlines()[-1] == ""


def test_many_files_in_processes_give_the_lines_of_few(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        write_noise(tmp_path / f"{number}.wav", seconds=1 + number, seed=number)
    (tmp_path / "3.wav").write_bytes(b"no audio")
    together, errors = predict(capsys, 1, "--model", model, "--json", tmp_path)
    alone = [
        predict(capsys, number == 3, "--model", model, "--json", tmp_path / f"{number}.wav")[0] for number in range(6)
    ]
    assert together == [line for lines in alone for line in lines]
    assert len(errors) == 1


UNREADABLE = {
    "empty.wav": (b"", "the file is empty"),
    "text.mp3": (b"This is no audio at all.", "no readable audio"),
    "header.wav": (
        b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0data\0\0\0\0",
        "a header that",
    ),
    "playlist.m4a": (b"#EXTM3U\n", "no readable audio"),
}


def test_every_unreadable_file_is_named_with_its_reason_and_the_others_are_classified(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, (content, _) in UNREADABLE.items():
        (tmp_path / name).write_bytes(content)
    write_noise(tmp_path / "cut.wav", seconds=5)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:-100_000])
    write_noise(tmp_path / "good.wav", seconds=3)
    soundfile.write(tmp_path / "nan.wav", np.full(9999, np.nan), 22050, "FLOAT")
    soundfile.write(tmp_path / "rate.wav", np.zeros(999), 900)
    soundfile.write(tmp_path / "cancel.wav", np.outer(np.sin(np.arange(22050)), [0.5, -0.5]), 22050)
    (tmp_path / "loop").symlink_to(tmp_path)
    named = [tmp_path, tmp_path / "missing.flac", tmp_path / "empty folder"]
    (tmp_path / "empty folder").mkdir()
    output, errors = predict(capsys, 1, "--model", model, *named)
    assert [line for line in output if not line.startswith("  ")] == [output[0]]
    assert output[0].startswith(f"{tmp_path}/good.wav: ")
    reasons = {name: reason for name, (_, reason) in UNREADABLE.items()} | {
        "cut.wav": "truncated or damaged",
        "nan.wav": "samples that are NaN",
        "rate.wav": "a sample rate of 900 Hz",
        "cancel.wav": "channels that cancel",
        "missing.flac": "No such file or directory",
        "empty folder": "a folder without audio files",
    }
    for name, reason in reasons.items():
        assert any(line.startswith(f"error: {tmp_path}/{name}: {reason}") for line in errors), (name, errors)
    assert len(errors) == len(reasons)


def test_programs_get_a_line_of_json_for_an_error_too(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.mp3")
    Path(name).write_bytes(b"x" * 100)
    (line,), (error,) = predict(capsys, 1, "--model", model, "--json", name)
    assert json.loads(line)["file"] == name
    assert json.loads(line)["error"].startswith("no readable audio")
    assert error.startswith(f"error: {tmp_path}/caf\\xe9\\n.mp3: no readable audio")


@pytest.mark.parametrize("others", [[], ["1.wav", "2.wav", "3.wav"]])  # few files, and many, which processes read
def test_standard_input_is_read(tmp_path: Path, model: Path, others: list[str]) -> None:
    for name in ("song.wav", *others):
        write_noise(tmp_path / name, seconds=2)
    files = " ".join(["-", *others])
    command = f'"{sys.executable}" -m genres predict --model "{model}" --json {files} < song.wav'
    result = run_shell(tmp_path, command)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["file"] for line in found] == ["-", *others]
    assert all("genre" in line for line in found)


def test_a_name_that_the_terminal_has_no_letters_for_is_escaped(tmp_path: Path, model: Path) -> None:
    write_noise(tmp_path / "x.wav", seconds=2)
    (tmp_path / "x.wav").rename(tmp_path / "Mötley.raw")  # soundfile takes this name for that of bare samples
    result = subprocess.run(
        [sys.executable, "-m", "genres", "predict", "--model", model, "Mötley.raw"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT / "src"), PYTHONIOENCODING="ascii"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.startswith("M\\xf6tley.raw: ")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, model: Path) -> None:
    for number in range(8):
        write_noise(tmp_path / f"{number}.wav", seconds=1, seed=number)
    command = f'"{sys.executable}" -m genres predict --model "{model}" *.wav | head -1'
    result = run_shell(tmp_path, command)
    assert result.stdout.startswith("0.wav: ")
    assert "Traceback" not in result.stderr
    assert "rror" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--json", "--csv", "x.wav"],
        ["--write-tags", "1.5", "x.wav"],
        ["--write-tags", "x", "x.wav"],
        ["--yes", "x.wav"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["predict", *arguments])
    assert ended.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["truncated", "other genres", "another version", "missing"])
def test_a_model_that_cannot_be_used_is_named_before_any_file(tmp_path: Path, model: Path, damage: str) -> None:
    path = tmp_path / "model.safetensors"
    if damage == "truncated":
        path.write_bytes(model.read_bytes()[:-1])
    elif damage != "missing":
        arrays, description = read_weights(model)
        changes = {"class_names": description.class_names[:-1]} if damage == "other genres" else {"featurize": {"n": 1}}
        write_weights(path, arrays, type(description)(**(vars(description) | changes)))
    write_noise(tmp_path / "song.wav", seconds=1)
    result = run_genres(tmp_path, "predict", "--model", path, "song.wav")
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert re.match(f"error: {re.escape(str(path))} is (not there|damaged, or not a model of this version)", line)


def write_real(model: Path, path: Path, inverse_temperature: float) -> Path:
    """Write a model as if it had been trained on real music, and were more or less sure of what it says."""
    arrays, description = read_weights(model)
    real = replace(description, dataset={**description.dataset, "synthetic": False})
    write_weights(path, arrays | {"inverse_temperature": np.array(inverse_temperature)}, real)
    return path


def sure_model(model: Path, folder: Path) -> Path:
    """Return a model that is sure of whatever it says."""
    return write_real(model, folder / "sure.safetensors", 1e4)


def test_tags_are_written_only_when_confirmed_and_above_the_probability(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = tmp_path / "song.flac"
    soundfile.write(song, np.sin(np.arange(66150) / 9) * (1 + np.sin(np.arange(66150) / 2000)) / 3, 22050)
    before = song.read_bytes()
    sure = sure_model(model, tmp_path)
    assert main(["predict", "--model", str(sure), "--write-tags", "0.9", str(song)]) == 0
    assert "would write the genre" in capsys.readouterr().err
    unsure = write_real(model, tmp_path / "unsure.safetensors", 1e-3)
    assert main(["predict", "--model", str(unsure), "--write-tags", "0.9", "--yes", str(song)]) == 0
    assert "the genre" not in capsys.readouterr().err
    with pytest.raises(InputError, match="trained on synthetic clips writes no tags"):
        main(["predict", "--model", str(model), "--write-tags", "0", "--yes", str(song)])
    assert song.read_bytes() == before
    assert main(["predict", "--model", str(sure), "--write-tags", "0.9", "--yes", "--csv", str(song)]) == 0
    captured = capsys.readouterr()
    (row,) = csv.DictReader(captured.out.splitlines())
    assert f"wrote the genre {row['genre']} into" in captured.err
    assert mutagen.File(song)["genre"] == [row["genre"]]


def test_a_file_whose_tags_cannot_be_written_is_named(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sure = sure_model(model, tmp_path)
    soundfile.write(
        tmp_path / "song.au", np.sin(np.arange(66150) / 9) * (1 + np.sin(np.arange(66150) / 2000)) / 3, 22050
    )
    output, errors = predict(capsys, 1, "--model", sure, "--write-tags", "0.9", "--yes", tmp_path / "song.au")
    assert len(output) == 2
    assert errors == [f"error: {tmp_path}/song.au: its format has no tags"]


def test_a_folder_that_cannot_be_written_to_ends_nothing(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1.wav", "2.wav"):
        soundfile.write(
            tmp_path / name, np.sin(np.arange(66150) / 9) * (1 + np.sin(np.arange(66150) / 2000)) / 3, 22050
        )
    refused = Mock(side_effect=PermissionError(errno.EACCES, "Permission denied"))
    monkeypatch.setattr("genres.prediction.command.write_genre", refused)
    output, errors = predict(
        capsys, 1, "--model", sure_model(model, tmp_path), "--write-tags", "0.9", "--yes", tmp_path
    )
    assert len(output) == 4
    assert errors == [
        f"error: {tmp_path}/{name}: its tags cannot be written (Permission denied)" for name in ("1.wav", "2.wav")
    ]
