"""The layout rules: which paths are clips, and which cannot be kept apart."""

from pathlib import PurePosixPath

import pytest

from genres.core.errors import InputError
from genres.datasets.layout import Roster, clip_at

USUAL = ["blues/a.wav", "blues/0.1.au", "blues/A.WaV", "blues/a.flac", "blues/a.ogg", "blues/a.mp3"]
ODD = ['hip hop/it\'s "a" clip.wav', "-rf/-n.wav", "müsic/日本 e\u0301.wav", " / .wav", "a\\b/c:d.wav"]


@pytest.mark.parametrize("path", USUAL + ODD)
def test_a_clip_belongs_to_the_folder_that_holds_it(path: str) -> None:
    for above in ("", "genres/", "deep/er/still/genres/", "./", ".//./"):
        assert clip_at(above + path.replace("/", "//./")) == PurePosixPath(path)


@pytest.mark.parametrize(
    ("reason", "paths"),
    [
        ("no audio", ["README", "blues/wav", "blues/a.wav.txt", "blues/a.m4a", "blues/new\nline.txt"]),
        ("hidden", ["blues/._a.wav", "blues/.wav", ".trash/blues/a.wav", ".hidden.wav"]),
        ("hidden", ["...../a.wav", "__MACOSX/blues/a.wav"]),
    ],
)
def test_what_is_no_clip_is_left_out(reason: str, paths: list[str]) -> None:
    assert {clip_at(path) for path in paths} == {reason}


NAMES = ["bl{}ues/a.wav", "blues/a{}.wav"]
CHARACTERS = ["\n", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\udcff"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["a.wav", "./a.wav", ".//a.MP3"], "lies in no genre's folder; expected <genre>/<clip>"),
        (["", ".", "./"], "a file has the name"),
        (["/", "//", "/a/b.wav", "/x"], "escapes its folder"),
        (["..", "../a.wav", "a/../b.wav", "a/..", "../x/README", "./../a/b.wav"], "escapes its folder"),
        ([name.format(character) for name in NAMES for character in CHARACTERS], "bytes that are no UTF-8"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(paths: list[str], message: str) -> None:
    for path in paths:
        with pytest.raises(InputError, match=message) as caught:
            clip_at(path)
        assert repr(path) in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("blues/a.wav", "blues/a.mp3"),
        ("blues/a.wav", "blues/A.wav"),
        ("blues/a.wav", "blues/a.wav"),
        ("train/blues/a.wav", "test/blues/a.wav"),
        ("blues/é.wav", "blues/e\u0301.wav"),
        ("blues/É.wav", "blues/e\u0301.wav"),
        ("blues/straße.wav", "blues/STRASSE.wav"),
    ],
)
def test_two_files_that_would_be_one_clip_are_refused(first: str, second: str) -> None:
    roster = Roster()
    roster.add(first)
    with pytest.raises(InputError, match=f"{first!r} and {second!r} would be the same clip.*rename one"):
        roster.add(second)


@pytest.mark.parametrize(("first", "second"), [("Blues", "blues"), ("é", "e\u0301"), ("a/Pop", "b/pop")])
def test_genres_that_differ_only_by_case_or_normalisation_are_refused(first: str, second: str) -> None:
    roster = Roster()
    roster.add(f"{first}/1.wav")
    with pytest.raises(InputError, match=f"'{first}/1.wav'.*'{second}/2.wav'. differ only by case"):
        roster.add(f"{second}/2.wav")


def test_what_differs_is_kept_apart_and_nothing_told(capsys: pytest.CaptureFixture[str]) -> None:
    paths = ["a/1.wav", "b/1.wav", "a/1.0.wav", "x/a/2.wav", "a/1 .wav", "ab/1.wav"]
    roster = Roster()
    assert [roster.add(path) for path in paths] == [clip_at(path) for path in paths]
    roster.close()
    assert capsys.readouterr().err == ""


def test_what_was_left_out_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    roster = Roster()
    for path in ("README\x1b.txt", "blues/a.wav", "blues/b.m4a", ".DS_Store"):
        roster.add(path)
    roster.close()
    assert capsys.readouterr().err == (
        "files skipped: 2 as no audio, e.g. 'README\\x1b.txt', 1 as hidden, e.g. '.DS_Store'\n"
    )


def test_a_source_without_clips_is_refused() -> None:
    roster = Roster()
    with pytest.raises(InputError, match="holds no clip; expected <genre>.*found no file"):
        roster.close()
    roster.add("blues/a.m4a")
    with pytest.raises(InputError, match="holds no clip.*1 as no audio, e.g. 'blues/a.m4a'"):
        roster.close()
