"""Clips out of archives, most of which are damaged or hostile here."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from genres.datasets.archives import MAX_CLIP_BYTES, extract_clips
from genres.errors import InputError

CLIPS = {
    "genres/blues/blues.00000.wav": os.urandom(70_000),
    'genres/rock/it\'s "a" clip.MP3': b"",
    "genres/-日本/-e\u0301.au": b"3",
}
EXTRACTED = {path.removeprefix("genres/"): content for path, content in CLIPS.items()}


LOCAL_HEADER, CENTRAL_HEADER = b"PK\x03\x04", b"PK\x01\x02"  # of a member of a zip


class Place(NamedTuple):
    """A folder in which everything is known, so that whatever is written beside ``target`` shows."""

    root: Path
    archive: Path
    target: Path

    def held(self) -> dict[str, bytes]:
        files = (path for path in self.target.rglob("*") if path.is_file())
        return {path.relative_to(self.target).as_posix(): path.read_bytes() for path in files}

    def refuses(self, *messages: str) -> None:
        """Check that the archive is refused in one line that names it, and that no file leaves ``target``."""
        before = self.archive.read_bytes()
        with pytest.raises(InputError) as caught:
            extract_clips(self.archive, self.target)
        assert set(self.root.rglob("*")) - set(self.target.rglob("*")) == {self.archive, self.target}
        assert self.archive.read_bytes() == before
        for message in (f"{self.archive}: ", *messages):
            assert message in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "root"
    target = root / "target"
    target.mkdir(parents=True)
    return Place(root, root / "archive", target)


def file(path: str, size: int = 5, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size = size
    for name, value in fields.items():
        setattr(info, name, value)
    return info


def tar_bytes(*members: tarfile.TarInfo | tuple[str, bytes], **options: object) -> bytes:
    """A tar whose members have their own content, or as much as their header claims."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", **options) as tar:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tuple):
                tar.addfile(file(member[0], len(member[1])), io.BytesIO(member[1]))
            elif member.isreg():
                tar.addfile(member, io.BytesIO(b"s" * member.size))
            else:
                tar.addfile(member)
    return stream.getvalue()


def zip_bytes(*members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a name comes twice
        for path, content in members:
            archive.writestr(path, content)
    return stream.getvalue()


def zip_entry(path: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    info.filename = path  # as it is: the constructor would change some
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def as_tar(path: str) -> bytes:
    return tar_bytes(("blues/first.wav", b"sound"), (path, b"sound"))


def as_zip(path: str) -> bytes:
    return zip_bytes(("blues/first.wav", b"sound"), (zip_entry(path, stat.S_IFREG | 0o644), b"sound"))


def starts(content: bytes | bytearray, mark: bytes, offset: int) -> list[int]:
    """Where a field lies that follows each ``mark`` after ``offset`` bytes, the mark included."""
    return [start + offset for start in range(len(content)) if content.startswith(mark, start)]


BOTH = pytest.mark.parametrize("pack", [as_tar, as_zip])


@pytest.mark.parametrize(
    "content",
    [
        tar_bytes(*CLIPS.items()),
        tar_bytes(*CLIPS.items(), format=tarfile.GNU_FORMAT),
        gzip.compress(tar_bytes(*CLIPS.items())),
        bz2.compress(tar_bytes(*CLIPS.items())),
        lzma.compress(tar_bytes(*CLIPS.items())),
        zip_bytes(*CLIPS.items()),
        zip_bytes(*CLIPS.items(), compression=zipfile.ZIP_STORED),
        zip_bytes(*CLIPS.items(), compression=zipfile.ZIP_LZMA),
    ],
    ids=["tar", "gnu", "gz", "bz2", "xz", "zip", "stored", "lzma"],
)
def test_an_archive_is_known_by_its_content(place: Place, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    place.archive.write_bytes(content)
    extract_clips(place.archive, place.target)
    assert place.held() == EXTRACTED
    assert set(place.root.iterdir()) == {place.archive, place.target}
    assert capsys.readouterr().err == "extract archive: 1 of 1 MB\n"


def test_progress_counts_megabytes_of_the_archive(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for content in (
        tar_bytes(*((f"a/{number}.wav", os.urandom(900_000)) for number in range(4))),
        zip_bytes(*((f"b/{number}.wav", os.urandom(900_000)) for number in range(4))),
    ):
        place.archive.write_bytes(content)
        extract_clips(place.archive, place.target)
        assert capsys.readouterr().err == "extract archive: 4 of 4 MB\n"


def test_copies_get_ordinary_permissions(place: Place) -> None:
    for content in (
        tar_bytes(file("a/1.wav", mode=0o4777), file("a/2.wav", mode=0)),
        zip_bytes((zip_entry("b/1.wav", stat.S_IFREG | 0o4777), b""), (zip_entry("b/2.wav", stat.S_IFREG), b"")),
    ):
        place.archive.write_bytes(content)
        mask = os.umask(0o022)
        try:
            extract_clips(place.archive, place.target)
        finally:
            os.umask(mask)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in place.target.rglob("*.wav")}
    assert modes == {0o644}


@BOTH
@pytest.mark.parametrize(
    "path",
    ["README.txt", "._a.wav", "blues/._first.wav", "__MACOSX/blues/a.wav", ".git/b/a.wav", "blues/a.m4a"],
)
def test_what_is_no_clip_is_left_out_and_told(
    place: Place, pack: Callable[[str], bytes], path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place.archive.write_bytes(pack(path))
    extract_clips(place.archive, place.target)
    assert set(place.held()) == {"blues/first.wav"}
    assert capsys.readouterr().err.splitlines()[-1].endswith(f", e.g. {path!r}")


@BOTH
@pytest.mark.parametrize(
    "path",
    [
        "../escaped.wav",
        "../a/escaped.wav",
        "a/../../a/escaped.wav",
        "a/b/../escaped.wav",
        "../README.txt",
        "a/..",
        "../.hidden",
        "..",
        "/a/escaped.wav",
        "//a/escaped.wav",
        "/README.txt",
        "\\a\\escaped.wav",
        "..\\a\\escaped.wav",
        "a\\escaped.wav",
        "a/b\\escaped.wav",
        "a\\README.txt",
        "C:/a/escaped.wav",
        "C:\\a\\escaped.wav",
        "c:escaped.txt",
    ],
)
def test_a_path_that_leads_out_is_refused_by_name(place: Place, pack: Callable[[str], bytes], path: str) -> None:
    place.archive.write_bytes(pack(path))
    place.refuses(repr(path))


@pytest.mark.parametrize("path", ["../out/", "/out/", "a/../../out/", "C:\\out/"])
def test_a_folder_that_leads_out_is_refused_by_name(place: Place, path: str) -> None:
    place.archive.write_bytes(tar_bytes(("a/b.wav", b""), file(path, 0, type=tarfile.DIRTYPE)))
    place.refuses(repr(path.rstrip("/")))
    shutil.rmtree(place.target / "a")
    place.archive.write_bytes(zip_bytes(("a/b.wav", b""), (zip_entry(path, stat.S_IFDIR), b"")))
    place.refuses(repr(path))


@BOTH
@pytest.mark.parametrize(
    "path", ["blues/a\n.wav", "bl\tues/a.wav", "blues/\x1b[2J.wav", "second.wav", "blues/first.mp3"]
)
def test_the_rules_of_the_layout_hold(place: Place, pack: Callable[[str], bytes], path: str) -> None:
    place.archive.write_bytes(pack(path))
    place.refuses(repr(path))


@BOTH
@pytest.mark.parametrize("path", ["blues/first.wav", "./blues//first.wav", "other/Blues/a.wav", "x/blues/FIRST.wav"])
def test_what_could_be_mixed_up_is_refused_by_name(place: Place, pack: Callable[[str], bytes], path: str) -> None:
    place.archive.write_bytes(pack(path))
    place.refuses(repr("blues/first.wav"), repr(path), "rename one")
    assert place.held() == {"blues/first.wav": b"sound"}


@BOTH
def test_a_name_too_long_for_the_disk_is_refused(place: Place, pack: Callable[[str], bytes]) -> None:
    place.archive.write_bytes(pack(f"blues/{'n' * 300}.wav"))
    place.refuses("cannot be written", "File name too long")


@BOTH
@pytest.mark.parametrize("path", ["", "."])
def test_a_file_without_a_name_is_refused(place: Place, pack: Callable[[str], bytes], path: str) -> None:
    place.archive.write_bytes(pack(path))
    place.refuses(repr(path))


def test_names_that_are_no_utf8_are_refused(place: Place) -> None:
    place.archive.write_bytes(tar_bytes(("blues/\udcff.wav", b""), format=tarfile.GNU_FORMAT, encoding="utf-8"))
    place.refuses(r"'blues/\udcff.wav' has control characters or bytes that are no UTF-8")
    content = zip_bytes(("blues/é.wav", b""))
    place.archive.write_bytes(content.replace("é".encode(), b"\xff\xff"))
    place.refuses("cannot be read", "utf-8")


def test_a_zip_of_macos_holds_utf8_without_saying_so(place: Place) -> None:
    content = bytearray(zip_bytes(("blues/e\u0301.wav", b"1"), ("blues/é.wav", b"2")))
    for start in (*starts(content, LOCAL_HEADER, 6), *starts(content, CENTRAL_HEADER, 8)):
        assert content[start : start + 2] == b"\x00\x08"
        content[start : start + 2] = b"\x00\x00"
    place.archive.write_bytes(content.replace("é".encode(), b"\x82!"))  # é as MS-DOS wrote it
    extract_clips(place.archive, place.target)
    assert place.held() == {"blues/e\u0301.wav": b"1", "blues/é!.wav": b"2"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("path", ["blues/link.wav", "README", "blues/.hidden"])
@pytest.mark.parametrize(
    "leads_to", ["/etc/passwd", "../../outside.wav", "../../../etc/passwd", "C:\\x.wav", "a\\..\\b"]
)
def test_a_link_out_of_a_tar_is_refused_by_name(place: Place, kind: bytes, path: str, leads_to: str) -> None:
    place.archive.write_bytes(tar_bytes(("blues/a.wav", b""), file(path, 0, type=kind, linkname=leads_to)))
    place.refuses(leads_to.rpartition("\\")[2].rpartition("/")[2])


def test_links_within_a_tar_become_copies(place: Place) -> None:
    place.archive.write_bytes(
        tar_bytes(
            file("rock/early.wav", 0, type=tarfile.SYMTYPE, linkname="../blues/./a.wav"),
            ("./blues/a.wav", b"sound"),
            file("./blues/hard.wav", 0, type=tarfile.LNKTYPE, linkname="./blues/a.wav"),
            file("blues/chain.wav", 0, type=tarfile.SYMTYPE, linkname="hard.wav"),
            file("latest", 0, type=tarfile.SYMTYPE, linkname="blues"),
        )
    )
    extract_clips(place.archive, place.target)
    names = ("rock/early.wav", "blues/a.wav", "blues/hard.wav", "blues/chain.wav")
    assert place.held() == dict.fromkeys(names, b"sound")
    files = [place.target / name for name in names]
    assert not any(path.is_symlink() or path.stat().st_nlink > 1 for path in files)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("leads_to", ["", ".", "missing.wav", "README", "blues/link.wav", "link.wav", "blues"])
def test_a_link_to_no_clip_is_refused_by_name(place: Place, kind: bytes, leads_to: str) -> None:
    link = file("blues/link.wav", 0, type=kind, linkname=leads_to)
    place.archive.write_bytes(tar_bytes(("blues/a.wav", b""), ("README", b"text"), link))
    place.refuses("the link 'blues/link.wav' leads to", "no clip of this archive")


def test_a_link_in_a_folders_place_diverts_nothing(place: Place) -> None:
    content = tar_bytes(file("blues", 0, type=tarfile.SYMTYPE, linkname="rock"), ("blues/a.wav", b"sound"))
    place.archive.write_bytes(content)
    extract_clips(place.archive, place.target)
    assert place.held() == {"blues/a.wav": b"sound"}
    assert not (place.target / "blues").is_symlink()


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"Z"])
@pytest.mark.parametrize("path", ["blues/odd.wav", "odd"])
def test_a_special_file_in_a_tar_is_refused_by_name(place: Place, kind: bytes, path: str) -> None:
    place.archive.write_bytes(tar_bytes(("blues/a.wav", b""), file(path, 0, type=kind)))
    place.refuses(repr(path), "neither file nor folder")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
@pytest.mark.parametrize("path", ["blues/odd.wav", "odd"])
def test_a_special_file_in_a_zip_is_refused_by_name(place: Place, kind: int, path: str) -> None:
    place.archive.write_bytes(zip_bytes((zip_entry(path, kind | 0o777), b"/etc/passwd")))
    place.refuses(repr(path), "neither file nor folder")


@pytest.mark.parametrize("path", ["blues/big.wav", "README"])
@pytest.mark.parametrize("size", [MAX_CLIP_BYTES + 1, 10**11])
def test_a_size_out_of_bounds_is_refused_by_name(place: Place, path: str, size: int) -> None:
    place.archive.write_bytes(file(path, size).tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    place.refuses(repr(path), f"claims {size} bytes; expected at most {MAX_CLIP_BYTES}")


def test_a_size_out_of_bounds_in_a_comment_is_refused_by_name(place: Place) -> None:
    place.archive.write_bytes(tar_bytes(file("blues/a.wav", 0, pax_headers={"size": str(10**11)})))
    place.refuses("'blues/a.wav' claims 100000000000 bytes")


@pytest.mark.parametrize("path", ["blues/a.wav", "README"])
@pytest.mark.parametrize("size", [-1, -512, -1536])
def test_a_negative_size_is_refused(place: Place, path: str, size: int) -> None:
    """It would lead tarfile back to an earlier header, for ever; newer versions refuse it themselves."""
    header = file(path, size).tobuf(tarfile.GNU_FORMAT)
    place.archive.write_bytes(tar_bytes(file("a", 0))[:512] + header + bytes(1024))
    place.refuses()
    place.archive.write_bytes(tar_bytes(file("a", 0), file(path, 0, pax_headers={"size": str(size)})))
    place.refuses()


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
@pytest.mark.parametrize("size", [10**11, 2 * 1024**2, -512])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_comment_that_would_fill_the_memory_is_refused(place: Place, kind: bytes, size: int, is_first: bool) -> None:
    members = [file("blues/a.wav"), file("note", size, type=kind)]
    place.archive.write_bytes(tar_bytes(*members[is_first:], format=tarfile.GNU_FORMAT))
    place.refuses("'note'", f"claims {size} bytes")


def test_endlessly_nested_headers_are_refused(place: Place) -> None:
    nested = file("note", 0, type=tarfile.GNUTYPE_LONGNAME)
    place.archive.write_bytes(tar_bytes(*[nested] * 5000, format=tarfile.GNU_FORMAT))
    place.refuses("cannot be read")


def test_a_size_out_of_bounds_in_a_zip_is_refused_by_name(place: Place) -> None:
    content = bytearray(zip_bytes(("blues/big.wav", b"sound")))
    [start] = starts(content, CENTRAL_HEADER, 24)
    content[start : start + 4] = (3 * 1024**3).to_bytes(4, "little")
    place.archive.write_bytes(content)
    place.refuses("'blues/big.wav' claims 3221225472 bytes")


def shrink_disk(place: Place, monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=total - sum(path.stat().st_size for path in place.target.rglob("*.wav")))

    monkeypatch.setattr(shutil, "disk_usage", usage)


@BOTH
def test_clips_need_room_on_the_disk(
    place: Place, pack: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    shrink_disk(place, monkeypatch, 9)
    place.archive.write_bytes(pack("README.txt"))
    extract_clips(place.archive, place.target)
    shutil.rmtree(place.target / "blues")
    place.archive.write_bytes(pack("blues/second.wav"))
    place.refuses("'blues/second.wav' takes 5 bytes but only 4 are free")
    assert place.held() == {"blues/first.wav": b"sound"}


def test_copies_for_links_need_room_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_disk(place, monkeypatch, 9)
    link = file("blues/link.wav", 0, type=tarfile.LNKTYPE, linkname="blues/a.wav")
    place.archive.write_bytes(tar_bytes(("blues/a.wav", b"sound"), link))
    place.refuses("'blues/link.wav' takes 5 bytes but only 4 are free")


@pytest.mark.parametrize("claim", [10, 0, 200_000])
def test_a_zip_that_lies_about_a_size_is_refused(place: Place, claim: int) -> None:
    content = bytearray(zip_bytes(("blues/bomb.wav", bytes(100_000))))
    for mark, offset in ((CENTRAL_HEADER, 24), (LOCAL_HEADER, 22)):
        [start] = starts(content, mark, offset)
        content[start : start + 4] = claim.to_bytes(4, "little")
    place.archive.write_bytes(content)
    place.refuses("blues/bomb.wav")
    assert len(place.held()["blues/bomb.wav"]) <= claim


def test_a_sparse_file_is_expanded(place: Place) -> None:
    # Old GNU format: 5 bytes that lie at 100000 in a file of 100010
    header = bytearray(file("blues/sparse.wav", 5, type=tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (100_000, 5)
    header[483:495] = b"%011o\0" % 100_010
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    place.archive.write_bytes(bytes(header) + b"sound".ljust(512, b"\0") + bytes(1024))
    extract_clips(place.archive, place.target)
    assert place.held() == {"blues/sparse.wav": bytes(100_000) + b"sound" + bytes(5)}


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("share", [0.99, 0.9, 0.5, 0.1, 0.01])
def test_a_tar_cut_short_is_refused(place: Place, compress: Callable[[bytes], bytes], share: float) -> None:
    content = compress(tar_bytes(*((f"blues/{number}.wav", os.urandom(9000)) for number in range(20)))[:-8192])
    place.archive.write_bytes(content[: int(len(content) * share)])
    place.refuses()


def test_a_tar_cut_between_two_members_is_refused(place: Place) -> None:
    place.archive.write_bytes(tar_bytes(("blues/a.wav", b"1"), ("blues/b.wav", b"2"))[:1024])
    place.refuses("what follows 'blues/a.wav' cannot be read (the mark of the end is missing)")


def test_a_damaged_header_in_a_tar_is_refused(place: Place) -> None:
    content = bytearray(tar_bytes(("blues/a.wav", b"1"), ("blues/b.wav", b"2"), ("blues/c.wav", b"3")))
    content[1024] ^= 1
    place.archive.write_bytes(content)
    place.refuses("what follows 'blues/a.wav' cannot be read (a header is damaged")


def test_two_tars_in_one_file_are_refused(place: Place) -> None:
    place.archive.write_bytes(tar_bytes(("blues/a.wav", b"1")) + tar_bytes(("blues/b.wav", b"2")))
    place.refuses("a second archive follows")


def test_a_wrong_checksum_of_gzip_is_refused(place: Place) -> None:
    content = bytearray(gzip.compress(tar_bytes(("blues/a.wav", b"sound"))))
    content[-8] ^= 1
    place.archive.write_bytes(content)
    place.refuses("CRC check failed")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_file_in_a_zip_is_named(place: Place, compression: int) -> None:
    content = bytearray(zip_bytes(("blues/a.wav", b"1"), ("blues/b.wav", os.urandom(999)), compression=compression))
    content[content.index(b"blues/b.wav") + 400] ^= 255
    place.archive.write_bytes(content)
    place.refuses("'blues/b.wav' cannot be read")


@pytest.mark.parametrize("kept", [-1, -30, 500, 3])
def test_a_zip_cut_short_is_refused(place: Place, kept: int) -> None:
    place.archive.write_bytes(zip_bytes(("blues/a.wav", os.urandom(999)), ("blues/b.wav", b"2"))[:kept])
    place.refuses()


def test_an_encrypted_zip_is_refused(place: Place) -> None:
    content = bytearray(zip_bytes(("blues/a.wav", b"sound")))
    for mark, offset in ((CENTRAL_HEADER, 8), (LOCAL_HEADER, 6)):
        [start] = starts(content, mark, offset)
        content[start] |= 1
    place.archive.write_bytes(content)
    place.refuses("'blues/a.wav' is encrypted", "without a password")


@pytest.mark.parametrize(
    "content", [b"", b"text", bytes(100), gzip.compress(b"text"), b"PK\x03\x04", b"RIFF" + bytes(999)]
)
def test_what_is_no_archive_is_refused(place: Place, content: bytes) -> None:
    place.archive.write_bytes(content)
    place.refuses("neither a tar (plain or compressed) nor a zip")


@pytest.mark.parametrize(
    "content", [tar_bytes(), zip_bytes(), tar_bytes(("README", b"text")), gzip.compress(tar_bytes())]
)
def test_an_archive_without_clips_is_refused(place: Place, content: bytes) -> None:
    place.archive.write_bytes(content)
    place.refuses("holds no clip; expected <genre>/<clip>")
