"""Clips out of archives, most of which are damaged or hostile here."""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import re
import shutil
import stat
import tarfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from project import files_in

from genres.core.errors import InputError
from genres.datasets import archives, tar
from genres.datasets.archives import MAX_CLIP_BYTES, extract_clips

CLIPS = {
    "genres/blues/blues.00000.wav": os.urandom(70_000),
    'genres/rock/it\'s "a" clip.MP3': b"",
    "genres/-日本/-e\u0301.au": b"3",
}
FIRST = ("blues/first.wav", b"sound")
LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)
EXTENDED_HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class Place(NamedTuple):
    """A folder in which everything is known, so that whatever is written beside ``target`` shows."""

    root: Path
    archive: Path
    target: Path

    def extract(self, content: bytes) -> dict[str, bytes]:
        self.archive.write_bytes(content)
        extract_clips(self.archive, self.target)
        return files_in(self.target)

    def refuses(self, content: bytes, *messages: str) -> None:
        """Check that the archive is refused in one line that names it, and that no file leaves ``target``."""
        with pytest.raises(InputError) as caught:
            self.extract(content)
        assert set(self.root.rglob("*")) - set(self.target.rglob("*")) == {self.archive, self.target}
        assert self.archive.read_bytes() == content
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


def link(path: str, leads_to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    return file(path, 0, type=kind, linkname=leads_to)


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
    return tar_bytes(FIRST, (path, b"sound"))


def as_zip(path: str) -> bytes:
    return zip_bytes(FIRST, (zip_entry(path, stat.S_IFREG | 0o644), b"sound"))


BOTH = pytest.mark.parametrize("pack", [as_tar, as_zip])


def overwritten(content: bytes, field: bytes, central: int, local: int | None) -> bytes:
    """A zip with another ``field`` at these offsets in the header of each member, and in its copy at the end."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x01\x02", central), (b"PK\x03\x04", local)):
        for found in re.finditer(mark, content) if offset is not None else ():
            changed[found.start() + offset : found.start() + offset + len(field)] = field
    return bytes(changed)


def flipped(content: bytes, offset: int, bits: int = 1) -> bytes:
    changed = bytearray(content)
    changed[offset] ^= bits
    return bytes(changed)


def sparse_tar(further_maps: int = 0) -> bytes:
    """In GNU's old format, 5 bytes that lie at 100000 in a file of 100010, with more blocks of its map."""
    header = bytearray(file("blues/sparse.wav", 5, type=tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (100_000, 5)
    header[482] = further_maps > 0
    header[483:495] = b"%011o\0" % 100_010
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    map_block = b"%011o\0%011o\0" % (9, 9) * 21
    maps = (map_block + b"\1".ljust(8, b"\0")) * (further_maps - 1) + map_block.ljust(512, b"\0") * (further_maps > 0)
    return bytes(header) + maps + b"sound".ljust(512, b"\0") + bytes(1024)


def xz(content: bytes, dictionary_code: int) -> bytes:
    """An xz file that claims to need a dictionary of 1 MiB (16), 64 MiB (28, as with `xz -9`) or 1 GiB (36)."""
    packed = bytearray(lzma.compress(content))
    block = slice(12, 12 + 4 * packed[12])  # the header of the first block, without its checksum
    packed[packed.index(b"\x21\x01", block.start) + 2] = dictionary_code
    packed[block.stop : block.stop + 4] = zlib.crc32(packed[block]).to_bytes(4, "little")
    return bytes(packed)


LINKED_TAR = tar_bytes(
    link("rock/early.wav", "../blues/./a.wav"),
    ("./blues/a.wav", b"sound"),
    link("./blues/hard.wav", "./blues/a.wav", tarfile.LNKTYPE),
    link("blues/chain.wav", "hard.wav"),
    link("latest", "blues"),
)
LINKED = dict.fromkeys(("rock/early.wav", "blues/a.wav", "blues/hard.wav", "blues/chain.wav"), b"sound")
MACOS_ZIP = overwritten(zip_bytes(("blues/e\u0301.wav", b"1"), ("blues/é.wav", b"2")), b"\0\0", central=8, local=6)


@pytest.mark.parametrize(
    ("content", "clips"),
    [
        pytest.param(content, {path.removeprefix("genres/"): clip for path, clip in CLIPS.items()}, id=kind)
        for kind, content in {
            "tar": tar_bytes(*CLIPS.items()),
            "gnu": tar_bytes(*CLIPS.items(), format=tarfile.GNU_FORMAT),
            "gz": gzip.compress(tar_bytes(*CLIPS.items())),
            "bz2": bz2.compress(tar_bytes(*CLIPS.items())),
            "xz": lzma.compress(tar_bytes(*CLIPS.items())),
            "xz of two streams": lzma.compress(tar_bytes(*CLIPS.items())[:99]) + xz(tar_bytes(*CLIPS.items())[99:], 28),
            "zip": zip_bytes(*CLIPS.items()),
            "stored": zip_bytes(*CLIPS.items(), compression=zipfile.ZIP_STORED),
        }.items()
    ]
    + [
        pytest.param(LINKED_TAR, LINKED, id="links become copies"),
        pytest.param(tar_bytes(link("blues", "rock"), FIRST), dict([FIRST]), id="a link diverts nothing"),
        pytest.param(  # é as MS-DOS wrote it
            MACOS_ZIP.replace("é".encode(), b"\x82!"),
            {"blues/e\u0301.wav": b"1", "blues/é!.wav": b"2"},
            id="a zip of macOS holds UTF-8 without saying so",
        ),
    ],
)
def test_an_archive_is_known_by_its_content(
    place: Place, content: bytes, clips: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.extract(content) == clips
    assert set(place.root.iterdir()) == {place.archive, place.target}
    for path in place.target.rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.stat().st_nlink == 1
    assert capsys.readouterr().err.startswith("extract archive: 1 of 1 MB\n")


def test_progress_counts_megabytes_of_the_archive(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for pack in (tar_bytes, zip_bytes):
        place.extract(pack(*((f"{pack.__name__}/{number}.wav", os.urandom(900_000)) for number in range(4))))
        assert capsys.readouterr().err == "extract archive: 4 of 4 MB\n"


def test_copies_get_ordinary_permissions(place: Place) -> None:
    place.extract(tar_bytes(file("a/1.wav", mode=0o4777), file("a/2.wav", mode=0)))
    entries = (zip_entry("b/1.wav", stat.S_IFREG | 0o4777), zip_entry("b/2.wav", stat.S_IFREG))
    place.extract(zip_bytes(*((entry, b"") for entry in entries)))
    assert [path.stat().st_mode for path in place.target.rglob("*.wav")] == [place.archive.stat().st_mode] * 4


def shrink_disk(place: Place, monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=total - sum(path.stat().st_size for path in place.target.rglob("*.wav")))

    monkeypatch.setattr(shutil, "disk_usage", usage)


@BOTH
@pytest.mark.parametrize(
    "path",
    ["README.txt", "._a.wav", "blues/._first.wav", "__MACOSX/blues/a.wav", ".git/b/a.wav", "blues/a.m4a"],
)
def test_what_is_no_clip_is_left_out_and_told_and_takes_no_room(
    place: Place,
    pack: Callable[[str], bytes],
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shrink_disk(place, monkeypatch, 9)
    assert place.extract(pack(path)) == dict([FIRST])
    assert capsys.readouterr().err.splitlines()[-1].endswith(f", e.g. {path!r}")


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (as_tar("blues/second.wav"), "blues/second.wav"),
        (as_zip("blues/second.wav"), "blues/second.wav"),
        (tar_bytes(FIRST, link("blues/link.wav", "blues/first.wav", tarfile.LNKTYPE)), "blues/link.wav"),
    ],
    ids=["tar", "zip", "link"],
)
def test_clips_need_room_on_the_disk(place: Place, content: bytes, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_disk(place, monkeypatch, 9)
    place.refuses(content, f"{path!r} takes 0.0 MB in {place.target / Path(path).parent}, where only 0.0 MB are free")
    assert files_in(place.target) == dict([FIRST])


CLIMBS = ["../escaped.wav", "../a/escaped.wav", "a/../../a/escaped.wav", "a/b/../escaped.wav", "a/..", ".."]
LEADS_OUT = ["/a/escaped.wav", "//a/escaped.wav", "/README.txt", "../README.txt", "../.hidden"]
BACKSLASHES = ["\\a\\escaped.wav", "..\\a\\escaped.wav", "a\\escaped.wav", "a/b\\escaped.wav", "a\\README.txt"]
DRIVES = ["C:/a/escaped.wav", "C:\\a\\escaped.wav", "c:escaped.txt"]
BREAKS_LAYOUT = ["blues/a\n.wav", "bl\tues/a.wav", "blues/\x1b[2J.wav", "second.wav", "blues/first.mp3", "", "."]
MIXED_UP = ["blues/first.wav", "./blues//first.wav", "Blues/a.wav", "blues/FIRST.wav"]


@BOTH
@pytest.mark.parametrize(
    ("path", "messages"),
    [
        *((path, [repr(path)]) for path in CLIMBS + LEADS_OUT + BACKSLASHES + DRIVES + BREAKS_LAYOUT),
        *((path, [repr("blues/first.wav"), repr(path), "rename one"]) for path in MIXED_UP),
        (f"blues/{'n' * 300}.wav", ["cannot be written", "File name too long"]),
    ],
)
def test_a_path_that_leads_out_or_breaks_the_layout_is_refused_by_name(
    place: Place, pack: Callable[[str], bytes], path: str, messages: list[str]
) -> None:
    place.refuses(pack(path), *messages)
    assert files_in(place.target) == dict([FIRST])


A, B = ("blues/a.wav", b"sound"), ("blues/b.wav", b"other")
BIG = 3 * 1024**3
NOISE = tar_bytes(*((f"blues/{number}.wav", os.urandom(9000)) for number in range(20)))[:-8192]
TWO_IN_ZIP = zip_bytes(("blues/a.wav", os.urandom(999)), B)
REFUSED = {  # what it is: the archive and what its message says
    "a name in a tar that is no UTF-8": (
        tar_bytes(("blues/\udcff.wav", b""), format=tarfile.GNU_FORMAT, encoding="utf-8"),
        r"'blues/\udcff.wav' has control characters or bytes that are not UTF-8",
    ),
    "a name in a zip that is no UTF-8": (
        zip_bytes(("blues/é.wav", b"")).replace("é".encode(), b"\xff\xff"),
        "cannot be read",
        "utf-8",
    ),
    "a size in a zip": (
        overwritten(zip_bytes(A), BIG.to_bytes(4, "little"), central=24, local=None),
        f"'blues/a.wav' claims {BIG} bytes",
    ),
    "endlessly nested headers": (
        tar_bytes(*[file("extended", 0, type=tarfile.GNUTYPE_LONGNAME)] * 5000, format=tarfile.GNU_FORMAT),
        "the extended header 'extended'",
        "at most 1048576 in all extended headers of a file",
    ),
    "a tar cut between two members": (
        tar_bytes(A, B)[:1024],
        "what follows 'blues/a.wav' cannot be read (the mark of the end is missing)",
    ),
    "a damaged header": (
        flipped(tar_bytes(A, B, FIRST), 1024),
        "what follows 'blues/a.wav' cannot be read (a header is damaged",
    ),
    "two tars in one": (tar_bytes(A) + tar_bytes(B), "a second archive follows"),
    "a wrong checksum of gzip": (flipped(gzip.compress(tar_bytes(A)), -8), "CRC check failed"),
    "a zip of damaged compression": (
        flipped(zip_bytes(A), 41, 4),
        "'blues/a.wav' cannot be read",
        "invalid block type",
    ),
    "an encrypted zip": (
        overwritten(zip_bytes(A), b"\1", central=8, local=6),
        "'blues/a.wav' is encrypted",
        "without a password",
    ),
}
for path in ("../out/", "/out/", "a/../../out/", "C:\\out/"):
    folder = file(path, 0, type=tarfile.DIRTYPE)
    REFUSED[f"tar: folder {path}"] = (tar_bytes(A, folder), repr(path.rstrip("/")))
    REFUSED[f"zip: folder {path}"] = (zip_bytes(A, (zip_entry(path, stat.S_IFDIR), b"")), repr(path))
for kind, leads_to in product(
    LINKS, ["/etc/passwd", "../../outside.wav", "../../../etc/passwd", "C:\\x.wav", "a\\..\\b"]
):
    for path in ("blues/link.wav", "README", "blues/.hidden"):
        name = re.split(r"[\\/]", leads_to)[-1]
        REFUSED[f"link {kind!r} {path} out to {leads_to}"] = (tar_bytes(A, link(path, leads_to, kind)), name)
for kind, leads_to in product(LINKS, ["", ".", "missing.wav", "README", "blues/link.wav", "link.wav", "blues"]):
    REFUSED[f"link {kind!r} to {leads_to!r}, no clip"] = (
        tar_bytes(A, ("README", b"text"), link("blues/link.wav", leads_to, kind)),
        "the link 'blues/link.wav' leads to",
        "not a clip of this archive",
    )
for path in ("blues/odd.wav", "odd"):
    for kind in (tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"Z"):
        content = tar_bytes(A, file(path, 0, type=kind))
        REFUSED[f"tar: special {kind!r} {path}"] = (content, repr(path), "neither file nor folder")
    for mode in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK):
        content = zip_bytes((zip_entry(path, mode | 0o777), b"/etc/passwd"))
        REFUSED[f"zip: special {mode:o} {path}"] = (content, repr(path), "neither file nor folder")
for path in ("blues/big.wav", "README"):
    for size in (MAX_CLIP_BYTES + 1, 10**11):
        claim = f"{path!r} claims {size} bytes; expected at most {MAX_CLIP_BYTES}"
        REFUSED[f"{path} of {size} bytes"] = (file(path, size).tobuf(tarfile.GNU_FORMAT) + bytes(1024), claim)
        extended = file(path, 0, pax_headers={"size": str(size)})
        REFUSED[f"{path} of {size} bytes in an extended header"] = (tar_bytes(extended), claim)
    for size in (-1, -512, -1536):  # back to an earlier header, for ever; newer versions of tarfile refuse it
        header = file(path, size).tobuf(tarfile.GNU_FORMAT)
        REFUSED[f"{path} of {size} bytes"] = (tar_bytes(file("a", 0))[:512] + header + bytes(1024),)
        extended = file(path, 0, pax_headers={"size": str(size)})
        REFUSED[f"{path} of {size} bytes in an extended header"] = (tar_bytes(file("a", 0), extended),)
for kind, size in product(EXTENDED_HEADERS, [10**11, 2 * 1024**2, -512]):
    for before in ([], [file("blues/a.wav")]):
        content = tar_bytes(*before, file("extended", size, type=kind), format=tarfile.GNU_FORMAT)
        REFUSED[f"extended header {kind!r} of {size} bytes after {len(before)}"] = (
            content,
            "'extended'",
            f"claims {size} bytes",
        )
for compress, share in product((bytes, gzip.compress, bz2.compress, lzma.compress), (0.99, 0.9, 0.5, 0.1, 0.01)):
    content = compress(NOISE)
    REFUSED[f"{share} of a tar by {compress.__module__}"] = (content[: int(len(content) * share)],)
for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
    content = zip_bytes(A, compression=compression)
    REFUSED[f"a zip of method {compression}"] = (content, f"'blues/a.wav' is compressed by the method {compression}")
for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
    content = zip_bytes(A, ("blues/noise.wav", os.urandom(999)), compression=compression)
    damaged = flipped(content, content.index(b"blues/noise.wav") + 400, 255)
    REFUSED[f"a damaged file in a zip, {compression}"] = (damaged, "'blues/noise.wav' cannot be read")
SPARSE_FIELDS = {
    "0.0": {"GNU.sparse.size": "9", "GNU.sparse.numblocks": "1", "GNU.sparse.offset": "0", "GNU.sparse.numbytes": "5"},
    "0.1": {"GNU.sparse.size": "9", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,5"},
    "1.0": {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"},
}
REFUSED["a sparse file"] = (sparse_tar(), "'blues/sparse.wav' is packed as a sparse file", "without `--sparse`")
for version, fields in SPARSE_FIELDS.items():
    named = fields | {"GNU.sparse.name": "blues/sparse.wav"}
    messages = ("'blues/sparse.wav' is packed as a sparse file", "without `--sparse`")
    REFUSED[f"a sparse file {version}"] = (tar_bytes(file("blues/GNUSparseFile.7", pax_headers=named)), *messages)
    REFUSED[f"all files sparse {version}"] = (tar_bytes(A, pax_headers=fields), "'blues/a.wav' is packed as a sparse")
for damage in (b"x", b"9", b"9 ", b"0 path=a\n", b"99 path=a\n", b"-9 path=a\n", b"1" * 30 + b" path=a\n"):
    header = file("extended", len(damage), type=tarfile.XHDTYPE).tobuf() + damage.ljust(512, b"\0")
    message = "cannot be read (an extended header is damaged)"
    REFUSED[f"a damaged extended header {damage!r}"] = (header + tar_bytes(A), message)
for kept in (-1, -30, 500, 3):
    REFUSED[f"a zip cut to {kept}"] = (TWO_IN_ZIP[:kept],)
for content in (b"", b"text", bytes(100), gzip.compress(b"text"), b"PK\x03\x04", b"RIFF" + bytes(999)):
    REFUSED[f"no archive: {content[:4]!r}"] = (content, "neither a tar (plain or compressed) nor a zip")
for content in (tar_bytes(), zip_bytes(), tar_bytes(("README", b"text")), gzip.compress(tar_bytes())):
    REFUSED[f"no clip: {content[:4]!r}"] = (content, "holds no clip; expected <genre>/<clip>")


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_damaged_or_hostile_is_refused_by_name(place: Place, case: str) -> None:
    place.refuses(*REFUSED[case])


@pytest.mark.parametrize("claim", [10, 0, 200_000])
def test_a_zip_that_lies_about_a_size_is_refused(place: Place, claim: int) -> None:
    content = zip_bytes(("blues/bomb.wav", bytes(100_000)))
    place.refuses(overwritten(content, claim.to_bytes(4, "little"), central=24, local=22), "blues/bomb.wav")
    assert len(files_in(place.target)["blues/bomb.wav"]) <= claim


def extended_header(fields: dict[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """One of PAX, of one file or (XGLTYPE) all that follow."""
    content = b"".join(pax_line(*field) for field in fields.items())
    return file("extended", len(content), type=kind).tobuf() + content + bytes(-len(content) % 512)


def pax_line(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    return b"%d%s" % (next(n for n in range(len(rest), len(rest) + 9) if len(b"%d" % n) + len(rest) == n), rest)


MEGABYTE = 10**6
LONG = "c" * (MEGABYTE - 100)
FOLDER = file("folder", 0, type=tarfile.DIRTYPE).tobuf()
TAIL = tar_bytes(A)


def long_headers(kind: bytes, between: bytes) -> bytes:
    return b"".join(extended_header({f"k{number}": LONG}, kind) + between for number in range(20)) + TAIL


HUNGRY: dict[str, tuple[Callable[[], bytes], str | None]] = {  # what reads up memory if it is kept, and the message
    "extended headers of a file each": (lambda: long_headers(tarfile.XHDTYPE, FOLDER), None),
    "extended headers of all files": (lambda: long_headers(tarfile.XGLTYPE, FOLDER), None),
    "extended headers of one file": (lambda: long_headers(tarfile.XHDTYPE, b""), "extended header 'extended' claims"),
    "extended headers of all files at once": (
        lambda: long_headers(tarfile.XGLTYPE, b""),
        "the extended header 'extended' claims",
    ),
    "long names": (
        lambda: b"".join(file(f"{n}{LONG[:400_000]}", 0).tobuf(tarfile.GNU_FORMAT) for n in range(20)) + TAIL,
        "holds more than 1000000 characters of names",
    ),
    "members": (lambda: FOLDER * 10_000 + TAIL, None),
    "the old map of a sparse file": (lambda: sparse_tar(further_maps=10_000), "is packed as a sparse file"),
    "the map 1.0 in a sparse file": (
        lambda: (
            extended_header(SPARSE_FIELDS["1.0"]) + tar_bytes(file("a.wav", 4_000_000)).replace(b"s" * 8, b"1000000\n")
        ),
        "is packed as a sparse file",
    ),
    "the map 0.1 of a sparse file": (
        lambda: extended_header({"GNU.sparse.map": "1000," * 190_000 + "1000"}) + TAIL,
        "is packed as a sparse file",
    ),
    "the dictionary of an xz": (lambda: xz(TAIL, 36), "takes over 128 MiB of memory to decompress; make it anew"),
    "the dictionary of a later stream of an xz": (
        lambda: xz(TAIL[:1024], 16) + xz(TAIL[1024:], 36),
        "takes over 128 MiB of memory to decompress; make it anew",
    ),
    "the list of a zip": (
        lambda: zip_bytes(*((str(number), b"") for number in range(10_000)), compression=zipfile.ZIP_STORED),
        "its list of files takes 498890 bytes",
    ),
}


@pytest.mark.parametrize("case", HUNGRY)
def test_memory_is_bounded(place: Place, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pack, message = HUNGRY[case]
    content = pack()
    is_packed = content.startswith((b"PK", b"\xfd7zXZ"))
    place.archive.write_bytes(content if is_packed else gzip.compress(content, 1))
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 400_000)
    monkeypatch.setattr(archives, "MAX_NAME_CHARACTERS", MEGABYTE)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=message) if message else contextlib.nullcontext():
            extract_clips(place.archive, place.target)
        assert tracemalloc.get_traced_memory()[1] < 5 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_an_extended_header_of_digits_is_read_at_once(place: Place) -> None:
    # tarfile takes a quarter of an hour for it, up to Python 3.11.9 and 3.12.5.
    assert place.extract(extended_header({"comment": "1" * (MEGABYTE - 100)}) + tar_bytes(FIRST)) == dict([FIRST])


def test_an_extended_header_holds_for_one_file_or_for_all_that_follow(place: Place) -> None:
    content = (
        extended_header({"path": "jazz/é.wav", "mtime": "0.5"})
        + tar_bytes(A)[:1024]
        + extended_header({"size": "3"}, tarfile.XGLTYPE)
        + tar_bytes(A)[:1024]
        + tar_bytes(B)
    )
    assert place.extract(content) == {"jazz/é.wav": b"sound", "blues/a.wav": b"sou", "blues/b.wav": b"oth"}


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_few_zeros_may_follow_the_end_of_a_tar(
    place: Place, monkeypatch: pytest.MonkeyPatch, compress: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(tar, "MAX_PADDING_BYTES", 100_000)
    place.archive.write_bytes(compress(tar_bytes(FIRST) + bytes(90_000)))
    extract_clips(place.archive, place.target)
    shutil.rmtree(place.target / "blues")
    place.refuses(compress(tar_bytes(FIRST) + bytes(200_000)), "more than 100000 zeros follow its end")


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MAX_MEMBERS", 9, "holds more than 9 files and folders; if that is meant, unpack it and set `dataset.path`"),
        ("MAX_NAME_CHARACTERS", 99, "holds more than 99 characters of names"),
        ("MAX_EXPANSION", 5, "bytes, in an archive of"),
    ],
)
@pytest.mark.parametrize("pack", [tar_bytes, zip_bytes])
def test_an_archive_may_not_hold_more_than_music_can(
    place: Place, monkeypatch: pytest.MonkeyPatch, pack: Callable[..., bytes], limit: str, value: int, message: str
) -> None:
    content = pack(*((f"blues/{number:06}.txt", bytes(900)) for number in range(10)))
    content = gzip.compress(content) if pack is tar_bytes else content
    monkeypatch.setattr(archives, "MAX_CLIP_BYTES", 1000)
    monkeypatch.setattr(archives, limit, value)
    place.refuses(content, message)
