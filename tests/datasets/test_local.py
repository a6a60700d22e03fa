"""The user's own clips out of a folder; archives have tests of their own."""

import contextlib
import errno
import io
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any
from unittest.mock import Mock

import pytest
from project import files_in

from genres.core.errors import InputError
from genres.datasets import local
from genres.datasets.local import copy_clips

NOBODY = 65534


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "audio"
    folder.mkdir()
    return folder


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder of a user whom permissions bind, which they do not bind root, and who runs the test."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    folder = Path(tempfile.mkdtemp())
    yield folder
    if is_root:
        os.seteuid(0)
    shutil.rmtree(folder)


def put(folder: Path, path: str, content: bytes = b"sound") -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_clips_are_copied_as_they_are_and_what_is_skipped_is_returned(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = {
        "blues/long.wav": os.urandom(3_000_000),
        "rock/a.AU": b"",
        'rock/it\'s "b".mp3': b"1",
        "-n/-rf.flac": b"2",
        "日本/e\u0301 \U0001f3b8.ogg": b"3",
    }
    for path, content in clips.items():
        put(source, path, content)
    for path in ("README.txt", "blues/cover.jpg", "blues/._a.wav", ".git/x/y.wav"):
        put(source, path)
    skipped = copy_clips(source, target)
    assert files_in(target) == clips
    assert sorted(path for path, _ in skipped) == ["README.txt", "blues/._a.wav", "blues/cover.jpg"]
    assert "files skipped, all listed in skipped.csv: 2 not wav, " in capsys.readouterr().err


def test_a_genre_may_be_a_folder_above_artists(source: Path, target: Path) -> None:
    put(source, "Rock/Ana/live/1.wav", b"1")
    put(source, "Rock/Bob/1.wav", b"2")
    put(source, "Jazz/Cem/1.wav", b"3")
    with pytest.raises(InputError, match=r"`dataset\.depth`.*1 for 'Rock', 2 for 'Ana', 3 for 'live'"):
        copy_clips(source, target)
    copy_clips(source, target, depth=1)
    assert files_in(target) == {"Rock/Ana - live - 1.wav": b"1", "Rock/Bob - 1.wav": b"2", "Jazz/Cem - 1.wav": b"3"}


def test_the_folder_itself_is_no_genre(source: Path, target: Path) -> None:
    put(source, "blues/a.wav")
    put(source, "b.wav")
    with pytest.raises(InputError, match=r"clips: 'b\.wav' lies in no genre's folder"):
        copy_clips(source, target)
    assert files_in(target) == {}


def test_originals_stay_and_copies_are_ordinary_files(source: Path, target: Path) -> None:
    modes = {"blues/a.wav": 0o400, "blues/b.wav": 0o755, "rock/c.wav": 0o666}
    for number, (path, mode) in enumerate(modes.items()):
        put(source, path).chmod(mode)
        os.utime(source / path, ns=(10**18, 10**18 + number))

    def originals() -> tuple[dict[str, bytes], list[tuple[int, int]]]:
        stats = [path.stat() for path in (source, *sorted(source.rglob("*")))]
        return files_in(source), [(stat.st_mode, stat.st_mtime_ns) for stat in stats]

    before = originals()
    copy_clips(source, target)
    ordinary = put(source.parent, "ordinary").stat().st_mode
    for path in modes:
        assert (target / path).stat().st_mode == ordinary
        (target / path).write_bytes(b"changed")
    assert originals() == before


def test_a_full_disk_is_told(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail = Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    put(source, "blues/a.wav")
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(InputError, match=r"blues/a\.wav' cannot be copied.*No space left on device"):
        copy_clips(source, target)


@pytest.mark.parametrize("sizes", [range(4000, 20_000, 1000), [1500]], ids=["grows", "shrinks"])
def test_a_file_that_changes_while_it_is_copied_is_refused(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, sizes: Iterable[int]
) -> None:
    original = put(source, "blues/a.wav", bytes(3000))
    later = iter(sizes)

    class Changing(io.FileIO):
        """A file that has another size after each reading of it."""

        def read(self, size: int | None = -1, /) -> bytes:
            chunk = super().read(size)
            os.truncate(original, next(later, original.stat().st_size))
            return chunk

    def open_file(path: Path, mode: str) -> IO[Any]:
        return open(path, mode) if mode == "wb" else Changing(path, mode)  # noqa: PTH123 - Path.open is this

    monkeypatch.setattr(local, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(Path, "open", open_file)
    with pytest.raises(InputError, match=r"blues/a\.wav' changes while it is copied; try again when nothing writes"):
        copy_clips(source, target)
    assert (target / "blues/a.wav").stat().st_size <= 3000


def test_links_to_files_are_copied_by_content(tmp_path: Path, source: Path, target: Path) -> None:
    elsewhere = put(tmp_path, "elsewhere/a.wav", b"linked")
    (source / "blues").mkdir()
    (source / "blues/symbolic.wav").symlink_to(elsewhere)
    os.link(elsewhere, source / "blues/hard.wav")
    copy_clips(source, target)
    assert files_in(target) == {"blues/symbolic.wav": b"linked", "blues/hard.wav": b"linked"}
    for copy in (target / "blues").iterdir():
        assert not copy.is_symlink()
        assert copy.stat().st_nlink == 1


def test_a_link_may_stand_for_the_source_but_for_no_folder_in_it(tmp_path: Path, source: Path, target: Path) -> None:
    put(source, "blues/a.wav")
    put(tmp_path, "elsewhere/b.wav")
    (source / ".rock").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(source)
    copy_clips(tmp_path / "link", target)
    assert files_in(target) == {"blues/a.wav": b"sound"}
    (source / "rock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="clips/rock' links to a folder"):
        copy_clips(source, target)


def make_link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(path.parent):  # a socket's path must be short
        listener.bind(path.name)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to(path.name),  # in a circle
        os.mkfifo,
        make_link_to_pipe,
        make_socket,
    ],
)
def test_what_is_no_file_is_refused_by_name_and_never_opened(
    source: Path, target: Path, make: Callable[[Path], None]
) -> None:
    put(source, "blues/a.wav")
    make(source / "blues/odd.wav")
    with pytest.raises(InputError, match=r"blues/odd\.wav'"):
        copy_clips(source, target)
    assert files_in(target) == {}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "missing: cannot be found.*expected a folder, or a tar"),
        ("a\0b", "cannot be found.*expected a folder, or a tar"),
        ("pipe.tar", r"pipe\.tar: is neither a folder nor a file"),
        ("clips", "clips: holds no clip"),
    ],
)
def test_what_is_no_source_is_named(tmp_path: Path, source: Path, target: Path, path: str, message: str) -> None:
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(InputError, match=message):
        copy_clips(tmp_path / path, target)


@pytest.mark.parametrize(
    ("source", "unreadable"),
    [*(("clips", path) for path in ("clips/blues/a.wav", "clips/blues", "clips")), ("clips.tar", "clips.tar")],
)
def test_what_cannot_be_read_is_named(ordinary_user: Path, source: str, unreadable: str) -> None:
    for file in ("clips.tar", "clips/blues/a.wav", "clips/rock/b.wav"):
        put(ordinary_user, file)
    (ordinary_user / "audio").mkdir()
    place = ordinary_user / unreadable
    place.chmod(0)
    try:
        with pytest.raises(InputError, match=f"{place}(: |' )cannot be .*Permission denied.*readable"):
            copy_clips(ordinary_user / source, ordinary_user / "audio")
    finally:
        place.chmod(0o700)


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("clips", "clips"),
        ("clips", "clips/audio"),
        ("clips", "clips/data/deep/audio"),
        ("clips", "link"),
        ("clips/data", "clips"),
        ("", "clips"),  # from within tmp_path
    ],
)
def test_a_source_that_overlaps_with_the_target_is_refused(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, read: str, written: str
) -> None:
    put(source, "data/blues/a.wav")
    for folder in ("audio", "data/deep/audio"):
        (source / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to(source / "audio")
    monkeypatch.chdir(tmp_path)
    for folder in (Path(), tmp_path):
        with pytest.raises(InputError, match="overlaps"):
            copy_clips(folder / read, folder / written)
    assert files_in(source) == {"data/blues/a.wav": b"sound"}


def test_the_current_folder_can_be_the_source_and_a_name_may_begin_alike(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(put(tmp_path, "audio2/blues/a.wav").parents[1])
    copy_clips(Path(), target)
    assert files_in(target) == {"blues/a.wav": b"sound"}
