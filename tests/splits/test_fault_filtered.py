"""Splits by lists: the published ones, and the user's own."""

import hashlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from genres.core.columns import UNASSIGNED
from genres.core.errors import InputError
from genres.splits.fault_filtered import PUBLISHED, listed_split

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


def clips_of(*clip_ids: str) -> pd.DataFrame:
    return pd.DataFrame({"clip_id": clip_ids, "genre": [clip_id.partition("/")[0] for clip_id in clip_ids]})


def write_lists(folder: Path, **lists: str) -> Path:
    for subset, lines in lists.items():
        (folder / f"{subset}_filtered.txt").write_text(lines, encoding="utf-8")
    return folder


def test_the_published_lists_split_gtzan(capsys: pytest.CaptureFixture[str]) -> None:
    gtzan = clips_of(*(f"{genre}/{genre}.{number:05d}" for genre in GENRES for number in range(100)))
    assert Counter(listed_split(gtzan, PUBLISHED)) == {"train": 443, "valid": 197, "test": 290, UNASSIGNED: 70}
    assert capsys.readouterr().err.startswith("70 of 1000 clips are in none of the lists and left out (")


def test_the_published_lists_are_those_that_were_published() -> None:
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in PUBLISHED.iterdir()} == {
        "train_filtered.txt": "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa",
        "valid_filtered.txt": "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956",
        "test_filtered.txt": "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72",
    }


def test_lists_name_each_clip_s_subset_and_the_rest_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = write_lists(
        tmp_path, train="a/a.1.wav\nb/b.1.wav\n", valid="a/a.2.au\r\n", test="b/b.2.wav\na/a.3.wav\nb/9.wav"
    )
    clips = clips_of("a/a.1", "a/a.2", "a/a.3", "a/a.4", "b/b.1", "b/b.2", "b/a.1")
    assert listed_split(clips, lists).tolist() == ["train", "valid", "test", UNASSIGNED, "train", "test", UNASSIGNED]
    assert capsys.readouterr().err.splitlines() == [
        "2 of 7 clips are in none of the lists and left out (a/a.4, for one)",
        "1 of 6 clips of the lists are not among the data (b/9, for one)",
    ]
    lists = write_lists(tmp_path, train="a/1.wav\nb/1.wav\n", valid="", test="a/2.wav\nb/2.wav\n")
    listed_split(clips_of("a/1", "a/2", "b/1", "b/2"), lists)
    assert capsys.readouterr().err == ""  # as the lists fit


def test_a_byte_order_mark_is_no_part_of_a_list(tmp_path: Path) -> None:
    lists = write_lists(tmp_path, train="\ufeffa/1.wav\n", valid="\ufeff", test="\ufeffa/2.wav\r\n")
    assert listed_split(clips_of("a/1", "a/2"), lists).tolist() == ["train", "test"]


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"train": "a/1.wav\n", "valid": "b/1.wav\n", "test": "a/2.wav\nb/2.wav\n"}, "name no train clip of .* 'b'"),
        ({"train": "a/1.wav\nb/1.wav\n", "valid": "", "test": "a/2.wav\n"}, "name no test clip of .* 'b'"),
        ({"train": "a/1.wav\n"}, r"valid_filtered\.txt cannot be read .*`split.lists` should be a folder with"),
        ({"train": "a/1.wav\n", "valid": "", "test": "a/1.wav\n"}, r"test_filtered\.txt, line 1: .* in the train list"),
        (
            {"train": "a/1.wav\nblues.1.wav"},
            r"train_.*, line 2: expected <genre>/<clip>.<extension>, .*'blues\.1\.wav'",
        ),
        ({"train": "a/1.wav\ngenres/blues.0/blues.1.wav\n"}, "line 2: expected"),
        ({"train": "a/1.wav\n\n"}, "line 2: expected"),
        ({"train": "a/1.wav\na/1.au"}, r"line 2: 'a/1\.au' is named a second time; it is in the train list already"),
    ],
)
def test_lists_that_are_wrong_or_do_not_fit_are_refused(tmp_path: Path, lists: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        listed_split(clips_of("a/1", "a/2", "b/1", "b/2"), write_lists(tmp_path, **lists))


@pytest.mark.parametrize("content", [b"\xff\xfe", "a/1.wav\n".encode("utf-16"), "é/1.wav".encode("latin-1")])
def test_a_list_that_is_no_text_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train_filtered.txt").write_bytes(content)
    with pytest.raises(InputError, match=r"train_filtered\.txt cannot be read \(not UTF-8 text\)"):
        listed_split(clips_of("a/1"), tmp_path)
