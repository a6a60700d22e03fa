"""The layout rules: which paths are clips, and which cannot be kept apart."""

from pathlib import PurePosixPath

import pytest

from genres.core.errors import InputError
from genres.datasets.layout import Roster, Skipped, clip_at

USUAL = ["blues/a.wav", "blues/0.1.au", "blues/A.WaV", "blues/a.flac", "blues/a.ogg", "blues/a.opus", "blues/a.mp3"]
ODD = ['hip hop/it\'s "a" clip.wav', "-rf/-n.wav", "müsic/日本 e\u0301.wav", " / .wav", "a\\b/c:d.wav"]


@pytest.mark.parametrize("path", USUAL + ODD)
def test_a_clip_belongs_to_the_folder_that_holds_it(path: str) -> None:
    for above in ("", "genres/", "deep/er/still/genres/", "./", ".//./"):
        assert clip_at(above + path.replace("/", "//./"), None) == PurePosixPath(path)


@pytest.mark.parametrize(
    ("reason", "paths"),
    [
        (
            "not wav, au, flac, ogg, opus or mp3",
            ["README", "blues/wav", "blues/a.wav.txt", "blues/a.m4a", "blues/new\nline.txt"],
        ),
        ("hidden", ["blues/._a.wav", "blues/.wav", ".trash/blues/a.wav", ".hidden.wav"]),
        ("hidden", ["...../a.wav", "__MACOSX/blues/a.wav"]),
    ],
)
def test_what_is_no_clip_is_skipped(reason: str, paths: list[str]) -> None:
    assert [clip_at(path, None) for path in paths] == [Skipped(path, reason) for path in paths]


@pytest.mark.parametrize(
    ("depth", "clip"),
    [(1, "Rock/Ana - 2020 - 1.wav"), (2, "Ana/2020 - 1.wav"), (3, "2020/1.wav"), (None, "2020/1.wav")],
)
def test_the_genre_is_the_folder_at_the_depth_and_those_below_it_name_the_clip(depth: int | None, clip: str) -> None:
    assert clip_at("Rock/Ana/2020/1.wav", depth) == PurePosixPath(clip)


@pytest.mark.parametrize("depth", [4, 5])
def test_a_clip_above_the_depth_is_refused(depth: int) -> None:
    with pytest.raises(InputError, match=f"'Rock/Ana/2020/1.wav' lies above the level {depth} that `dataset.depth`"):
        clip_at("Rock/Ana/2020/1.wav", depth)


@pytest.mark.parametrize("second", ["genres/Jazz/Bob/2.wav", "genres/Ana/2.wav", "genres/Rock/Ana/live/2.wav"])
def test_genres_that_are_not_side_by_side_are_refused_and_the_levels_named(second: str) -> None:
    roster = Roster()
    roster.add("genres/Rock/Ana/1.wav")
    roster.add("genres/Rock/Bob/1.wav")
    with pytest.raises(InputError, match=f"'genres/Rock/Ana/1.wav' and '{second}'.*`dataset.depth`.*1 for 'genres', 2"):
        roster.add(second)
    told = Roster(2)
    assert told.add("genres/Rock/Ana/1.wav") == PurePosixPath("Rock/Ana - 1.wav")
    assert told.add(second) is not None


NAMES = ["bl{}ues/a.wav", "blues/a{}.wav"]
CHARACTERS = ["\n", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\udcff"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["a.wav", "./a.wav", ".//a.MP3"], "lies in no genre's folder; expected <genre>/<clip>"),
        (["", ".", "./"], "a file has the name"),
        (["/", "//", "/a/b.wav", "/x"], "escapes its folder"),
        (["..", "../a.wav", "a/../b.wav", "a/..", "../x/README", "./../a/b.wav"], "escapes its folder"),
        ([name.format(character) for name in NAMES for character in CHARACTERS], "bytes that are not UTF-8"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(paths: list[str], message: str) -> None:
    for path in paths:
        with pytest.raises(InputError, match=message) as caught:
            clip_at(path, None)
        assert repr(path) in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("blues/a.wav", "blues/a.mp3"),
        ("blues/a.wav", "blues/A.wav"),
        ("blues/a.wav", "blues/a.wav"),
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


@pytest.mark.parametrize(("first", "second"), [("Blues", "blues"), ("é", "e\u0301")])
def test_genres_that_differ_only_by_case_or_normalisation_are_refused(first: str, second: str) -> None:
    roster = Roster()
    roster.add(f"{first}/1.wav")
    with pytest.raises(InputError, match=f"'{first}/1.wav'.*'{second}/2.wav'. differ only by case"):
        roster.add(f"{second}/2.wav")


def test_what_differs_is_kept_apart_and_nothing_told(capsys: pytest.CaptureFixture[str]) -> None:
    paths = ["a/1.wav", "b/1.wav", "a/1.0.wav", "a/2.wav", "a/1 .wav", "ab/1.wav"]
    roster = Roster()
    assert [roster.add(path) for path in paths] == [PurePosixPath(path) for path in paths]
    roster.close()
    assert capsys.readouterr().err == ""


def test_what_was_skipped_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    roster = Roster()
    for path in ("README\x1b.txt", "blues/a.wav", "blues/b.m4a", ".DS_Store"):
        roster.add(path)
    roster.close()
    assert capsys.readouterr().err == (
        "files skipped, all listed in skipped.csv: 2 not wav, au, flac, ogg, opus or mp3, e.g. 'README\\x1b.txt'; "
        "1 hidden, e.g. '.DS_Store'\n"
    )
    assert [path for path, _ in roster.skipped] == ["README\x1b.txt", "blues/b.m4a", ".DS_Store"]


def test_a_source_without_clips_is_refused() -> None:
    roster = Roster()
    with pytest.raises(InputError, match="holds no clip; expected <genre>.*found no file"):
        roster.close()
    roster.add("blues/a.m4a")
    with pytest.raises(InputError, match="holds no clip.*1 not wav, au, .* or mp3, e.g. 'blues/a.m4a'"):
        roster.close()
