"""Splits by recordings, by lists and by folds, and how much a split leaks."""

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from genres import fault_filtered
from genres.errors import InputError
from genres.params import Split, parse_group
from genres.splits import (
    count_clips,
    draw_split,
    grouped_split,
    kfold_split,
    number_recordings,
    stratified_split,
)
from genres.tables import DUPLICATES, LEFT_OUT, TEST, TRAIN

PARAMS = {"method": "stratified", "test_size": 0.2, "lists": None, "folds": 5, "fold": 0}
GENRES = np.repeat([f"genre{number}" for number in range(10)], 100)


def per_genre(genres: NDArray[np.str_], subsets: NDArray[np.str_]) -> list[int]:
    return [int((subsets[genres == genre] == TEST).sum()) for genre in np.unique(genres)]


def groups_of(sizes: Sequence[int]) -> NDArray[np.int64]:
    """Number recordings of these sizes, one after the other."""
    return np.repeat(np.arange(len(sizes)), sizes)


def table(names: Sequence[str]) -> pd.DataFrame:
    """Return clips as the split sees them, from "blues/blues.00000"."""
    return pd.DataFrame([name.split("/")[::-1] for name in names], columns=["clip", "genre"])


# --- Recordings ---


def pairs(*names: tuple[str, str]) -> pd.DataFrame:
    rows = [(*a.split("/"), *b.split("/"), "0.5") for a, b in names]
    return pd.DataFrame(rows, columns=DUPLICATES)


def test_copies_of_copies_are_one_recording() -> None:
    clips = table(["a/1", "a/2", "b/1", "b/2", "b/3", "c/1"])
    recordings = number_recordings(clips, pairs(("a/1", "b/2"), ("b/2", "c/1"), ("b/1", "b/3")))
    assert recordings[0] == recordings[3] == recordings[5]
    assert recordings[2] == recordings[4]
    assert len(set(recordings)) == 3
    assert len(set(number_recordings(clips, pairs()))) == 6


def test_a_pair_of_an_unknown_clip_is_refused() -> None:
    with pytest.raises(InputError, match=r"names '9' of the genre 'a'.*dvc repro -f find_duplicates"):
        number_recordings(table(["a/1", "b/1"]), pairs(("a/1", "a/9")))


def test_leaked_counts_test_clips_and_not_pairs() -> None:
    subsets = np.array([TRAIN, TRAIN, TEST, TEST, TEST, "valid", LEFT_OUT, TEST])
    recordings = np.array([0, 0, 0, 0, 1, 2, 3, 3])
    assert count_clips(subsets, recordings) == {"train": 2, "test": 4, "valid": 1, "leaked": 2}
    assert count_clips(subsets, np.arange(8))["leaked"] == 0


# --- grouped ---


@pytest.mark.parametrize("seed", range(5))
def test_a_grouped_split_keeps_recordings_together_and_has_the_shares_of_a_stratified_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    recordings = np.arange(len(GENRES))
    for _ in range(150):  # larger and larger recordings, some of them across genres
        first, second = rng.integers(len(GENRES), size=2)
        recordings[recordings == recordings[second]] = recordings[first]
    subsets = grouped_split(GENRES, recordings, 0.2, seed)
    assert per_genre(GENRES, subsets) == [20] * 10
    assert count_clips(subsets, recordings)["leaked"] == 0
    assert count_clips(stratified_split(GENRES, 0.2, seed), recordings)["leaked"] > 0


def test_a_grouped_split_repeats_with_its_seed_and_differs_with_another() -> None:
    recordings = np.arange(len(GENRES)) // 2
    first = grouped_split(GENRES, recordings, 0.2, 0)
    assert np.array_equal(first, grouped_split(GENRES, recordings, 0.2, 0))
    assert not np.array_equal(first, grouped_split(GENRES, recordings, 0.2, 1))


def test_copies_are_tested_as_often_as_other_clips() -> None:
    recordings = np.concatenate([np.arange(500) // 2, np.arange(500, 1000)])
    shares = [(grouped_split(GENRES, recordings, 0.2, seed)[:500] == TEST).mean() for seed in range(10)]
    assert np.mean(shares) == pytest.approx(0.2, abs=1e-9)
    mixed = np.tile(np.concatenate([np.arange(50) // 2, np.arange(50, 100)]), 10) + 100 * (np.arange(1000) // 100)
    copies = np.tile(np.arange(100) < 50, 10)
    shares = [(grouped_split(GENRES, mixed, 0.2, seed)[copies] == TEST).mean() for seed in range(20)]
    assert np.mean(shares) == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("sizes", "test_size", "expected"),
    [
        ([3, 2, 2, 3], 4, 4),  # two of two, whichever recording is drawn first
        ([5, 5], 2, 5),  # nothing nearer leaves both sides a clip
        ([4, 4, 4], 5, 4),
        ([4, 4, 4], 7, 8),
        ([9, 1], 2, 1),
    ],
)
def test_the_size_is_met_as_nearly_as_recordings_allow(sizes: list[int], test_size: int, expected: int) -> None:
    recordings = groups_of([*sizes, *sizes])
    genres = np.repeat(["a", "b"], sum(sizes))
    for seed in range(3):
        assert per_genre(genres, grouped_split(genres, recordings, 2 * test_size, seed)) == [expected, expected]


def test_a_genre_of_one_recording_cannot_be_grouped() -> None:
    genres = np.repeat(["a", "b"], 5)
    with pytest.raises(InputError, match=r"The 5 clips of the genre 'b' come from 1 recording"):
        grouped_split(genres, groups_of([1, 1, 1, 1, 1, 5]), 0.4, 0)


# --- kfold ---


def test_folds_partition_the_clips_and_each_has_the_genres_shares() -> None:
    genres = GENRES[:-1]
    tested = np.array([kfold_split(genres, 5, fold, 0) == TEST for fold in range(5)])
    assert (tested.sum(axis=0) == 1).all()
    for fold in range(5):
        counts = per_genre(genres, kfold_split(genres, 5, fold, 0))
        assert counts[:-1] == [20] * 9
        assert counts[-1] in (19, 20)


def test_folds_repeat_with_their_seed_and_differ_with_another() -> None:
    assert np.array_equal(kfold_split(GENRES, 5, 2, 7), kfold_split(GENRES, 5, 2, 7))
    assert not np.array_equal(kfold_split(GENRES, 5, 2, 7), kfold_split(GENRES, 5, 2, 8))


def test_more_folds_than_clips_of_a_genre_are_refused() -> None:
    with pytest.raises(InputError, match=r"'genre0' has 100 readable clips, but `split.folds` is 101"):
        kfold_split(GENRES, 101, 0, 0)


# --- fault-filtered ---


def write_lists(folder: Path, **lists: str) -> str:
    for subset, lines in lists.items():
        (folder / f"{subset}_filtered.txt").write_text(lines, encoding="utf-8")
    return str(folder)


def draw_listed(clips: pd.DataFrame, lists: str | None) -> list[str]:
    split = parse_group(Split, PARAMS | {"method": "fault-filtered", "lists": lists})
    return draw_split(clips, np.arange(len(clips)), split, 0).tolist()


def test_lists_name_each_clip_s_subset_and_the_rest_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = write_lists(
        tmp_path, train="a/a.1.wav\nb/b.1.wav\n", valid="a/a.2.au\r\n", test="b/b.2.wav\na/a.3.wav\nb/9.wav"
    )
    clips = table(["a/a.1", "a/a.2", "a/a.3", "a/a.4", "b/b.1", "b/b.2", "b/a.1"])
    assert draw_listed(clips, lists) == ["train", "valid", "test", LEFT_OUT, "train", "test", LEFT_OUT]
    said = capsys.readouterr().err
    assert "2 of 7 clips are in none of the lists and left out (a/a.4, for one)" in said
    assert "1 of 6 clips of the lists are not among the data (b/9, for one)" in said


def test_lists_that_fit_are_not_spoken_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists = write_lists(tmp_path, train="a/1.wav\nb/1.wav\n", valid="", test="a/2.wav\nb/2.wav\n")
    draw_listed(table(["a/1", "a/2", "b/1", "b/2"]), lists)
    assert capsys.readouterr().err == ""


def test_a_genre_without_training_clips_is_refused(tmp_path: Path) -> None:
    lists = write_lists(tmp_path, train="a/1.wav\n", valid="b/1.wav\n", test="a/2.wav\nb/2.wav\n")
    with pytest.raises(InputError, match=r"name no train clip of the genre 'b'"):
        draw_listed(table(["a/1", "a/2", "b/1", "b/2"]), lists)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("blues.00000.wav", r"line 2: expected <genre>/<clip>\.<extension>, but found 'blues\.00000\.wav'"),
        ("genres/blues/blues.00000.wav", r"line 2: expected"),
        ("", r"line 2: expected"),
        ("a/1.au", r"line 2: 'a/1\.au' is named a second time; it is in the train list already"),
    ],
)
def test_a_list_with_a_wrong_line_is_refused(tmp_path: Path, line: str, message: str) -> None:
    lists = write_lists(tmp_path, train=f"a/1.wav\n{line}\n", valid="", test="")
    with pytest.raises(InputError, match=r"train_filtered\.txt, " + message):
        draw_listed(table(["a/1"]), lists)


def test_a_clip_in_two_lists_is_refused(tmp_path: Path) -> None:
    lists = write_lists(tmp_path, train="a/1.wav\n", valid="", test="a/1.wav\n")
    with pytest.raises(InputError, match=r"test_filtered\.txt, line 1: .* it is in the train list already"):
        draw_listed(table(["a/1"]), lists)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"valid_filtered\.txt cannot be read .*`split.lists` should be a folder with"):
        draw_listed(table(["a/1"]), write_lists(tmp_path, train="a/1.wav\n"))


def test_a_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    lists = write_lists(tmp_path, train="", valid="", test="")
    (tmp_path / "test_filtered.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"test_filtered\.txt cannot be read \(no UTF-8 text\)"):
        draw_listed(table(["a/1"]), lists)


# --- by parameters ---


@pytest.mark.parametrize("method", ["stratified", "grouped", "kfold"])
def test_a_method_is_chosen_by_its_name(method: str) -> None:
    clips = table([f"{genre}/{number}" for number, genre in enumerate(GENRES)])
    recordings = np.arange(len(clips)) // 2
    subsets = draw_split(clips, recordings, parse_group(Split, PARAMS | {"method": method}), 3)
    expected = {
        "stratified": stratified_split(GENRES, 0.2, 3),
        "grouped": grouped_split(GENRES, recordings, 0.2, 3),
        "kfold": kfold_split(GENRES, 5, 0, 3),
    }[method]
    assert np.array_equal(subsets, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "random"}, r"`split.method` should be one of stratified, grouped, fault-filtered, kfold"),
        ({"folds": 1}, r"`split.folds` should be a whole number from 2, but is 1"),
        ({"folds": 5.0}, r"`split.folds`"),
        ({"fold": -1}, r"`split.fold` should be"),
        ({"fold": 5}, r"`split.fold` should be below `split.folds`, which is 5, but is 5"),
        ({"lists": ""}, r"`split.lists` should be a folder or null"),
        ({"lists": 3}, r"`split.lists`"),
    ],
)
def test_a_wrong_parameter_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_group(Split, PARAMS | changes, "split")


def serve_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: dict[str, bytes], url: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    remotes = [
        replace(
            remote,
            url=f"{url}/{Path(remote.file).name}",
            size=len(content[Path(remote.file).name]),
            sha256=hashlib.sha256(content[Path(remote.file).name]).hexdigest(),
        )
        for remote in fault_filtered.FAULT_FILTERED_LISTS
    ]
    monkeypatch.setattr(fault_filtered, "FAULT_FILTERED_LISTS", tuple(remotes))


def test_without_a_folder_of_lists_the_published_ones_are_fetched_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lists = tmp_path / "served"
    lists.mkdir()
    write_lists(lists, train="a/1.wav\nb/1.wav\n", valid="c/1.wav\n", test="a/2.wav\nb/2.wav")
    content = {file.name: file.read_bytes() for file in lists.iterdir()}
    handler = partial(SimpleHTTPRequestHandler, directory=str(lists))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        serve_lists(monkeypatch, tmp_path, content, f"http://127.0.0.1:{server.server_port}")
        first = draw_listed(table(["a/1", "a/2", "b/1", "b/2"]), None)
        server.shutdown()
    assert first == [TRAIN, TEST, TRAIN, TEST]
    assert draw_listed(table(["a/1", "a/2", "b/1", "b/2"]), None) == first  # the server is gone


def test_lists_that_cannot_be_fetched_are_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        names = [Path(remote.file).name for remote in fault_filtered.FAULT_FILTERED_LISTS]
        serve_lists(monkeypatch, tmp_path, dict.fromkeys(names, b"a/1.wav\n"), url)
        with pytest.raises(InputError, match="lists of the fault-filtered split cannot be fetched.*`split.lists`"):
            draw_listed(table(["a/1", "a/2"]), None)
