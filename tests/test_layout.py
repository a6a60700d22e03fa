"""The layout rules: which paths are clips, and which cannot be kept apart."""

import pytest

from genres.datasets.layout import Clip, LeftOut, Roster, clip_at, split_path
from genres.errors import InputError


@pytest.mark.parametrize(
    ("path", "clip"),
    [
        ("blues/a.wav", Clip("blues", "a.wav")),
        ("genres/blues/a.wav", Clip("blues", "a.wav")),
        ("deep/er/still/genres/blues/blues.00000.au", Clip("blues", "blues.00000.au")),
        ("./blues//./a.wav", Clip("blues", "a.wav")),
        ("blues/A.WaV", Clip("blues", "A.WaV")),
        ("blues/a.flac", Clip("blues", "a.flac")),
        ("blues/a.ogg", Clip("blues", "a.ogg")),
        ("blues/a.mp3", Clip("blues", "a.mp3")),
        ('hip hop/it\'s "a" clip.wav', Clip("hip hop", 'it\'s "a" clip.wav')),
        ("-rf/-n.wav", Clip("-rf", "-n.wav")),
        ("müsic/日本 e\u0301.wav", Clip("müsic", "日本 e\u0301.wav")),
        (" / .wav", Clip(" ", " .wav")),
        ("a\\b/c:d.wav", Clip("a\\b", "c:d.wav")),
    ],
)
def test_a_clip_belongs_to_the_folder_that_holds_it(path: str, clip: Clip) -> None:
    assert clip_at(path) == clip


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("README", LeftOut.NOT_AUDIO),
        ("blues/wav", LeftOut.NOT_AUDIO),
        ("blues/a.wav.txt", LeftOut.NOT_AUDIO),
        ("blues/a.m4a", LeftOut.NOT_AUDIO),
        ("blues/new\nline.txt", LeftOut.NOT_AUDIO),
        ("blues/._a.wav", LeftOut.HIDDEN),
        ("blues/.wav", LeftOut.HIDDEN),
        (".trash/blues/a.wav", LeftOut.HIDDEN),
        (".hidden.wav", LeftOut.HIDDEN),
        ("...../a.wav", LeftOut.HIDDEN),
        ("__MACOSX/blues/a.wav", LeftOut.HIDDEN),
    ],
)
def test_what_is_no_clip_is_left_out(path: str, reason: LeftOut) -> None:
    assert clip_at(path) is reason


@pytest.mark.parametrize("path", ["a.wav", "./a.wav", ".//a.MP3"])
def test_a_clip_without_a_genre_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=r"a\.(wav|MP3)' lies in no genre.*<genre>/<clip>"):
        clip_at(path)


@pytest.mark.parametrize("path", ["", ".", "/", "./", "//"])
def test_a_file_without_a_name_is_refused(path: str) -> None:
    with pytest.raises(InputError):
        clip_at(path)


@pytest.mark.parametrize(
    "path", ["..", "../a.wav", "a/../b.wav", "a/..", "../x/README", "/a/b.wav", "/x", "./../a/b.wav"]
)
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(InputError, match="leads out"):
        split_path(path)
    with pytest.raises(InputError):
        clip_at(path)


@pytest.mark.parametrize("character", ["\n", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\udcff"])
@pytest.mark.parametrize("path", ["bl{}ues/a.wav", "blues/a{}.wav"])
def test_names_that_break_rows_and_terminals_are_refused(path: str, character: str) -> None:
    with pytest.raises(InputError, match="control characters or bytes that are no UTF-8") as caught:
        clip_at(path.format(character))
    assert character not in str(caught.value)
    assert repr(path.format(character)) in str(caught.value)


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
    with pytest.raises(InputError, match="same clip.*rename one") as caught:
        roster.add(second)
    assert repr(first) in str(caught.value)
    assert repr(second) in str(caught.value)


@pytest.mark.parametrize(("first", "second"), [("Blues", "blues"), ("é", "e\u0301"), ("a/Pop", "b/pop")])
def test_genres_that_differ_only_by_case_or_normalisation_are_refused(first: str, second: str) -> None:
    roster = Roster()
    roster.add(f"{first}/1.wav")
    with pytest.raises(InputError, match="differ only by case") as caught:
        roster.add(f"{second}/2.wav")
    assert repr(f"{first}/1.wav") in str(caught.value)
    assert repr(f"{second}/2.wav") in str(caught.value)


def test_what_differs_is_kept_apart() -> None:
    paths = ["a/1.wav", "b/1.wav", "a/1.0.wav", "x/a/2.wav", "a/1 .wav", "ab/1.wav"]
    roster = Roster()
    assert [roster.add(path) for path in paths] == [clip_at(path) for path in paths]


def test_what_was_left_out_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    roster = Roster()
    for path in ("README\x1b.txt", "blues/a.wav", "blues/b.m4a", ".DS_Store"):
        roster.add(path)
    roster.close()
    assert capsys.readouterr().err == (
        "files left out: 2 as no audio, e.g. 'README\\x1b.txt', 1 as hidden, e.g. '.DS_Store'\n"
    )


def test_nothing_is_told_if_nothing_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    roster = Roster()
    roster.add("blues/a.wav")
    roster.close()
    assert capsys.readouterr().err == ""


def test_a_source_without_clips_is_refused() -> None:
    with pytest.raises(InputError, match="holds no clip; expected <genre>.*found no file"):
        Roster().close()
    roster = Roster()
    roster.add("blues/a.m4a")
    with pytest.raises(InputError, match="holds no clip.*1 as no audio, e.g. 'blues/a.m4a'"):
        roster.close()
