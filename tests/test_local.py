"""The user's own clips out of a folder; archives have tests of their own."""

import errno
import os
import shutil
import socket
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genres.datasets.local import copy_clips
from genres.errors import InputError

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


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_clips_are_copied_as_they_are(source: Path, target: Path) -> None:
    long = os.urandom(3_000_000)
    put(source, "blues/long.wav", long)
    put(source, "genres/deep/rock/a.AU", b"")
    put(source, 'rock/it\'s "b".mp3', b"1")
    put(source, "-n/-rf.flac", b"2")
    put(source, "日本/e\u0301 \U0001f3b8.ogg", b"3")
    copy_clips(source, target)
    assert held(target) == {
        "blues/long.wav": long,
        "rock/a.AU": b"",
        'rock/it\'s "b".mp3': b"1",
        "-n/-rf.flac": b"2",
        "日本/e\u0301 \U0001f3b8.ogg": b"3",
    }


def test_the_folder_itself_is_no_genre(tmp_path: Path, source: Path, target: Path) -> None:
    put(source, "blues/a.wav")
    put(source, "b.wav")
    with pytest.raises(InputError, match=r"clips: 'b\.wav' lies in no genre's folder"):
        copy_clips(source, target)
    assert held(target) == {}


def test_what_is_left_out_is_told(source: Path, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("blues/a.wav", "README.txt", "blues/cover.jpg", "blues/._a.wav", ".git/x/y.wav"):
        put(source, path)
    copy_clips(source, target)
    assert set(held(target)) == {"blues/a.wav"}
    last = capsys.readouterr().err.splitlines()
    assert "files left out: 2 as no audio, e.g. 'README.txt', 1 as hidden, e.g. 'blues/._a.wav'" in last


def test_originals_stay_and_copies_are_ordinary_files(source: Path, target: Path) -> None:
    modes = {"blues/a.wav": 0o400, "blues/b.wav": 0o755, "rock/c.wav": 0o666}
    files = {put(source, path): mode for path, mode in modes.items()}
    for number, (file, mode) in enumerate(files.items()):
        file.chmod(mode)
        os.utime(file, ns=(10**18, 10**18 + number))
    before = {file: (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns) for file in files}
    folder_before = (source / "blues").stat().st_mtime_ns
    mask = os.umask(0o022)
    try:
        copy_clips(source, target)
    finally:
        os.umask(mask)
    assert {file: (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns) for file in files} == before
    assert (source / "blues").stat().st_mtime_ns == folder_before
    for path in modes:
        copy = target / path
        assert stat.S_IMODE(copy.stat().st_mode) == 0o644
        assert not copy.samefile(source / path)
        copy.write_bytes(b"changed")
        assert (source / path).read_bytes() == b"sound"


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_where_the_kernel_cannot_copy_python_does(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail_midway(source_file: int, copy: int, count: int) -> int:
        if os.lseek(source_file, 0, os.SEEK_CUR) == 0:
            return os.write(copy, os.read(source_file, 1000))
        raise OSError(code, os.strerror(code))

    content = os.urandom(5000)
    put(source, "blues/a.wav", content)
    monkeypatch.setattr(os, "copy_file_range", fail_midway, raising=False)
    copy_clips(source, target)
    assert held(target) == {"blues/a.wav": content}


@pytest.mark.parametrize("known", [True, False])
def test_the_kernel_may_copy_nothing_or_not_know_how(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    put(source, "blues/a.wav")
    if known:
        monkeypatch.setattr(os, "copy_file_range", lambda *_: 0, raising=False)
    else:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    copy_clips(source, target)
    assert held(target) == {"blues/a.wav": b"sound"}


def test_a_full_disk_is_told(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put(source, "blues/a.wav")
    monkeypatch.setattr(os, "copy_file_range", fail, raising=False)
    monkeypatch.setattr(shutil, "copyfileobj", fail)
    with pytest.raises(InputError, match=r"blues/a\.wav' cannot be copied.*No space left on device"):
        copy_clips(source, target)


def test_links_to_files_are_copied_by_content(tmp_path: Path, source: Path, target: Path) -> None:
    elsewhere = put(tmp_path, "elsewhere/a.wav", b"linked")
    (source / "blues").mkdir()
    (source / "blues/symbolic.wav").symlink_to(elsewhere)
    os.link(elsewhere, source / "blues/hard.wav")
    copy_clips(source, target)
    assert held(target) == {"blues/symbolic.wav": b"linked", "blues/hard.wav": b"linked"}
    for copy in (target / "blues").iterdir():
        assert not copy.is_symlink()
        assert copy.stat().st_nlink == 1


def test_a_link_may_stand_for_the_whole_folder(tmp_path: Path, source: Path, target: Path) -> None:
    put(source, "blues/a.wav")
    (tmp_path / "link").symlink_to(source)
    copy_clips(tmp_path / "link", target)
    assert held(target) == {"blues/a.wav": b"sound"}


def test_a_link_to_a_folder_is_refused_by_name(tmp_path: Path, source: Path, target: Path) -> None:
    put(source, "blues/a.wav")
    put(tmp_path, "elsewhere/b.wav")
    (source / ".rock").symlink_to(tmp_path / "elsewhere")
    copy_clips(source, target)
    (source / "rock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="clips/rock' links to a folder"):
        copy_clips(source, target)


def make_broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def make_circular_link(path: Path) -> None:
    path.symlink_to(path.name)


def make_link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path must be short
        try:
            listener.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize("make", [make_broken_link, make_circular_link, os.mkfifo, make_link_to_pipe, make_socket])
def test_what_is_no_file_is_refused_by_name_and_never_opened(
    source: Path, target: Path, make: Callable[[Path], None]
) -> None:
    put(source, "blues/a.wav")
    make(source / "blues/odd.wav")
    with pytest.raises(InputError, match=r"blues/odd\.wav'"):
        copy_clips(source, target)
    assert held(target) == {}


def test_names_that_are_no_utf8_are_refused(source: Path, target: Path) -> None:
    (source / "blues").mkdir()
    Path(os.fsdecode(os.fsencode(source / "blues") + b"/\xff.wav")).write_bytes(b"")
    with pytest.raises(InputError, match=r"blues/\\udcff\.wav' has control characters or bytes"):
        copy_clips(source, target)


def test_a_source_that_is_not_there_is_named(tmp_path: Path, target: Path) -> None:
    with pytest.raises(InputError, match="missing: cannot be found.*expected a folder, or a tar"):
        copy_clips(tmp_path / "missing", target)
    with pytest.raises(InputError, match="expected a folder, or a tar"):
        copy_clips(Path("a\0b"), target)


def test_an_empty_source_is_named(source: Path, target: Path) -> None:
    with pytest.raises(InputError, match="clips: holds no clip"):
        copy_clips(source, target)


def test_a_pipe_is_no_source(tmp_path: Path, target: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(InputError, match=r"pipe\.tar: is neither a folder nor a file"):
        copy_clips(tmp_path / "pipe.tar", target)


@pytest.mark.parametrize("path", ["blues/a.wav", "blues", ""])
def test_what_cannot_be_read_is_named(ordinary_user: Path, path: str) -> None:
    source, target = ordinary_user / "clips", ordinary_user / "audio"
    target.mkdir()
    put(source, "blues/a.wav")
    put(source, "rock/b.wav")
    (source / path).chmod(0)
    try:
        with pytest.raises(InputError, match="Permission denied.*readable") as caught:
            copy_clips(source, target)
    finally:
        (source / path).chmod(0o700)
    assert repr(str(source / path)) in str(caught.value)


def test_an_archive_that_cannot_be_read_is_named(ordinary_user: Path) -> None:
    archive = put(ordinary_user, "clips.tar")
    archive.chmod(0)
    with pytest.raises(InputError, match=r"clips\.tar: cannot be opened \(Permission denied\)"):
        copy_clips(archive, ordinary_user)


@pytest.mark.parametrize("inner", ["", "audio", "data/deep/audio"])
def test_a_target_within_the_source_is_refused(source: Path, inner: str) -> None:
    put(source, "blues/a.wav")
    (source / inner).mkdir(parents=True, exist_ok=True)
    with pytest.raises(InputError, match="overlaps"):
        copy_clips(source, source / inner)
    assert held(source) == {"blues/a.wav": b"sound"}


def test_overlaps_are_found_behind_links_and_relative_paths(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(source, "blues/a.wav")
    (source / "audio").mkdir()
    (tmp_path / "link").symlink_to(source / "audio")
    with pytest.raises(InputError, match="overlaps"):
        copy_clips(source, tmp_path / "link")
    monkeypatch.chdir(source)
    with pytest.raises(InputError, match="overlaps"):
        copy_clips(Path(), Path("audio"))


def test_a_source_within_the_target_is_refused(target: Path) -> None:
    put(target, "clips/blues/a.wav")
    with pytest.raises(InputError, match="overlaps"):
        copy_clips(target / "clips", target)


def test_a_name_that_only_begins_alike_is_no_overlap(tmp_path: Path, target: Path) -> None:
    put(tmp_path, "audio2/blues/a.wav")
    copy_clips(tmp_path / "audio2", target)
    assert held(target) == {"blues/a.wav": b"sound"}


def test_the_current_folder_can_be_the_source(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(source, "blues/a.wav")
    monkeypatch.chdir(source)
    copy_clips(Path(), target)
    assert held(target) == {"blues/a.wav": b"sound"}


def test_an_archive_gives_what_its_folder_gives(tmp_path: Path, source: Path, target: Path) -> None:
    for path in ("genres/blues/a.wav", "genres/hip hop/ü.mp3", "README"):
        put(source, path, path.encode())
    with tarfile.open(tmp_path / "clips.tgz", "w:gz") as tar:
        tar.add(source, ".")
    before = (tmp_path / "clips.tgz").read_bytes()
    copy_clips(source, target)
    (tmp_path / "other").mkdir()
    copy_clips(tmp_path / "clips.tgz", tmp_path / "other")
    assert held(tmp_path / "other") == held(target) != {}
    assert (tmp_path / "clips.tgz").read_bytes() == before
