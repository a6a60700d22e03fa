"""GTZAN from the hub or its archive, and gtzan-mini, all from one local server; clips excluded by name."""

import gzip
import io
import json
import os
import re
import shutil
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
import huggingface_hub.constants
import pytest
from misbehaving import Behaviour, Handler, Server, hang, isolate, raw, reset, serve, sha256, status
from project import files_in, run_code

from genres.core.errors import InputError
from genres.datasets import DATASETS, describe_dataset, gtzan, gtzan_mini, obtain_clips, retry, synthetic
from genres.datasets.gtzan_mini import CHECKSUMS
from genres.datasets.layout import Skipped
from genres.datasets.retry import PAUSES
from genres.schema import Dataset, Synthetic

CLIPS = {f"{genre}/{genre}.{number:05}": os.urandom(999) for genre in ("blues", "jazz") for number in (0, 54)}
EXCLUDED = ["jazz.00054"]
UNUSED = ThreadPoolExecutor(1)  # only the synthetic data set computes anything


def as_files(extension: str, *excluded: str) -> dict[str, bytes]:
    return {f"{path}.{extension}": content for path, content in CLIPS.items() if Path(path).name not in excluded}


def archive_of(clips: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gtzan_mini-a61439e/README.md", "about it")
        for path, content in clips.items():
            archive.writestr(f"gtzan_mini-a61439e/genres/{path}", content)
    return stream.getvalue()


MINI = as_files("wav")
ON_HUB, ORIGINAL = archive_of(MINI), archive_of(as_files("au"))


HUB_PATH = f"/datasets/marsyas/gtzan/resolve/{gtzan.REVISION}/data/genres.tar.gz"


class Internet(Server):
    """The hub, the CDN that it redirects to, the Internet Archive and GitHub, each under its path."""

    def __init__(self) -> None:
        super().__init__()
        self.etag, self.size, self.revision = sha256(ON_HUB), len(ON_HUB), gtzan.REVISION
        self.hub: Behaviour = self.redirect
        self.cdn = serve(ON_HUB)
        self.original = serve(ORIGINAL)
        self.mini = serve(archive_of(MINI), with_ranges=False, with_length=False)
        self.base = f"http://127.0.0.1:{self.server_port}"
        self.location = f"http://localhost:{self.server_port}/cdn"
        self.waits: list[float] = []
        self.behave = self.route

    def route(self, handler: Handler) -> None:
        path = urlsplit(handler.path).path  # a request to a proxy has a host before it
        behaviours = {HUB_PATH: self.hub, "/cdn": self.cdn, "/original": self.original, "/mini": self.mini}
        behaviours.get(path, status(404))(handler)

    def redirect(self, handler: Handler) -> None:
        """As the hub does for a file in its large storage: size and checksum are those of the target."""
        handler.head(
            302,
            Location=self.location,
            X_Linked_Etag=f'"{self.etag}"',
            X_Linked_Size=self.size,
            X_Repo_Commit=self.revision,
            ETag='"of the redirect"',
            Content_Length=0,
        )

    @property
    def log(self) -> list[str]:
        return [f"{method} {path.split('/')[-1]}" for method, path, _ in self.requests]


def change(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, **fields: object) -> None:
    """Put another `Remote` in the place of the one that ``module`` calls ``name``."""
    monkeypatch.setattr(module, name, replace(getattr(module, name), **fields))


FROM_HUB = ["HEAD genres.tar.gz", "GET genres.tar.gz", "GET cdn"]


@pytest.fixture
def internet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    # Otherwise the library looks up once a day on the hub which program it runs in.
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_TELEMETRY", True)
    with Internet() as server:
        server.waits = isolate(tmp_path / "cache", monkeypatch)
        change(monkeypatch, gtzan, "GTZAN_ON_HUB", url=server.base + HUB_PATH, size=len(ON_HUB))
        original = {"url": f"{server.base}/original", "size": len(ORIGINAL), "sha256": sha256(ORIGINAL)}
        change(monkeypatch, gtzan, "GTZAN_ORIGINAL", **original)
        change(monkeypatch, gtzan_mini, "ARCHIVE", url=f"{server.base}/mini")
        checksums = tmp_path / "list.sha256"
        checksums.write_text("".join(f"{sha256(content)}  {path}\n" for path, content in MINI.items()))
        monkeypatch.setattr(gtzan_mini, "CHECKSUMS", checksums)
        yield server
    huggingface_hub.close_session()  # which keeps the proxy of its first request


def folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    return folder(tmp_path / "audio")


def write_gtzan(folder: Path) -> None:
    obtain_clips(dataset("gtzan", exclude=[]), folder, UNUSED)


def dataset(name: str, *, path: Path | None = None, exclude: object = EXCLUDED) -> Dataset:
    values = {"clips_per_genre": 2, "seconds": 1.0, "seed": 0}
    return Dataset(name=name, path=path and str(path), depth=None, exclude=exclude, synthetic=Synthetic(**values))


@pytest.mark.parametrize(("source", "extension"), [("hub", "wav"), ("original", "au")])
def test_either_source_is_cached_and_loses_the_excluded_clip(
    internet: Internet, audio: Path, source: str, extension: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if source == "original":
        internet.hub = status(404)
    obtain_clips(dataset("gtzan"), audio, UNUSED)
    assert files_in(audio) == as_files(extension, "jazz.00054")
    assert f"left out, as `dataset.exclude` says: jazz/jazz.00054.{extension}" in capsys.readouterr().err
    log = FROM_HUB if source == "hub" else ["HEAD genres.tar.gz", "GET original"]
    assert internet.log == log
    write_gtzan(folder(tmp_path / "again"))
    assert files_in(tmp_path / "again") == as_files(extension)
    assert internet.log == log
    (tmp_path / f"cache/genres/gtzan-{source}.tar.gz").write_bytes(b"of another size")
    write_gtzan(folder(tmp_path / "anew"))
    assert files_in(tmp_path / "anew") == as_files(extension)


@pytest.mark.parametrize(
    ("hub", "message"),
    [
        (status(404), "status 404"),
        (status(401), "status 401"),
        (status(500), "status 500, 6 times in a row"),
        (status(429, Retry_After=999), "asks to wait for 999 s"),
        (status(200, b"<html>", Content_Type="text/html"), "revision None"),
        (reset, "no response from the hub .*, 6 times in a row"),
        (hang, "no response from the hub .*timed out.*, 6 times in a row"),
        ({"revision": "0" * 40}, "answers for revision 0000"),
        ({"size": 9}, "the hub has 9 bytes"),
        ({"etag": "d" * 40}, "which is not a sha256"),
        ({"etag": "0" * 64}, ", not 0000"),
        ({"location": "http://[bad"}, "Invalid IPv6 URL"),
        ({"location": f"http://{'a' * 64}.example/"}, "label empty or too long"),
        ({"location": "http://\xff/"}, "answer is not valid .*can't decode byte"),
        ({"location": HUB_PATH}, "Exceeded .* redirects"),
        (raw("HTTP/1.1 200 OK", "X-\xff: \xff", ""), "illegal header line.*, 6 times in a row"),
        (
            {"cdn": raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", body=b"-5\r\na")},
            "broke .*, 6 times in a row",
        ),
        (
            {"cdn": raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Length: 1", "", body=b"x")},
            "announces 1 byte",
        ),
        ({"cdn": raw("HTTP/1.1 302 Found", "Location: /cdn", "")}, "Exceeded 30 redirects"),
    ],
)
def test_if_the_hub_fails_the_original_is_downloaded(
    internet: Internet,
    audio: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub: Behaviour | dict[str, Any],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if hub is hang:
        monkeypatch.setattr(gtzan, "CONNECT_SECONDS", 0.1)
    if isinstance(hub, dict):
        vars(internet).update(hub)
    else:
        internet.hub = hub
    write_gtzan(audio)
    assert files_in(audio) == as_files("au")
    assert re.search(f"warning: {internet.base}{HUB_PATH}: .*{message}", capsys.readouterr().err)
    assert internet.waits == (list(PAUSES) if "6 times" in message else [])


@pytest.mark.parametrize("source", ["hub", "original"])
def test_a_cached_archive_that_was_damaged_is_told_once_and_downloaded_again(
    internet: Internet, tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if source == "original":
        internet.hub = status(404)
    write_gtzan(folder(tmp_path / "first"))
    once = internet.log
    cached = tmp_path / f"cache/genres/gtzan-{source}.tar.gz"
    content = bytearray(cached.read_bytes())
    content[len(content) // 2] ^= 1
    cached.write_bytes(content)
    capsys.readouterr()
    for run, log, told in (("second", once * 2, 1), ("third", once * 2, 0)):
        write_gtzan(folder(tmp_path / run))
        assert files_in(tmp_path / run) == as_files("wav" if source == "hub" else "au")
        assert internet.log == log
        output = capsys.readouterr().err
        assert output.count(f"{cached} is deleted and downloaded again\n") == told
        assert f"checking {cached}, 0 MB, against its checksum\n" in output


@pytest.mark.parametrize("checksum", [None, b"", b"no checksum", b"\xff"])
def test_without_its_checksum_a_cached_archive_is_verified_by_the_hubs(
    internet: Internet, audio: Path, tmp_path: Path, checksum: bytes | None
) -> None:
    cache = folder(folder(tmp_path / "cache") / "genres")
    (cache / "gtzan-hub.tar.gz").write_bytes(ON_HUB)
    if checksum is not None:
        (cache / "gtzan-hub.tar.gz.sha256").write_bytes(checksum)
    write_gtzan(audio)
    assert files_in(audio) == MINI
    assert internet.log == FROM_HUB[:1]
    assert (cache / "gtzan-hub.tar.gz.sha256").read_text() == f"{sha256(ON_HUB)}  gtzan-hub.tar.gz\n"


@pytest.mark.parametrize(
    ("cached", "checksum", "extension"),
    [(ON_HUB, None, "wav"), (ON_HUB[:-1], None, "au"), (ON_HUB, "0" * 64 + "  gtzan-hub.tar.gz\n", "au")],
    ids=["whole", "cut", "another checksum"],
)
def test_without_its_checksum_and_the_hub_a_cached_archive_is_used_if_its_size_is_right(
    internet: Internet,
    audio: Path,
    tmp_path: Path,
    cached: bytes,
    checksum: str | None,
    extension: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    internet.hub = status(404)
    cache = folder(folder(tmp_path / "cache") / "genres")
    archive = cache / "gtzan-hub.tar.gz"
    archive.write_bytes(cached)
    if checksum:
        (cache / "gtzan-hub.tar.gz.sha256").write_text(checksum)
    write_gtzan(audio)
    assert files_in(audio) == as_files(extension)
    is_used = extension == "wav"
    assert (f"status 404; using {archive}, whose sha256 is not known\n" in capsys.readouterr().err) == is_used
    assert ("GET original" in internet.log) != is_used
    assert archive.read_bytes() == cached


def test_a_hub_that_sends_a_byte_now_and_then_is_given_up(
    internet: Internet, audio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(retry, "WINDOW_SECONDS", 0.2)
    internet.hub = raw("HTTP/1.1 302 Found", drips=b"a: b\r\n" * 80)
    write_gtzan(audio)
    assert files_in(audio) == as_files("au")
    assert "the server sends less than 60 kB in 0.2 s, 6 times in a row; trying the arch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [("HF_HUB_ETAG_TIMEOUT", "abc"), ("HF_HUB_DOWNLOAD_TIMEOUT", "1 s"), ("HF_ENDPOINT", "http://[bad")],
)
def test_the_hubs_settings_matter_to_gtzan_alone(tmp_path: Path, name: str, value: str) -> None:
    code = """
import sys
from pathlib import Path
from genres.core.errors import InputError
from genres.datasets import DATASETS
print([name for name in sys.modules if name in ("huggingface_hub", "httpx2")])
try:
    DATASETS["gtzan"].obtain(None, Path(), None)
except InputError as error:
    print(error)
"""
    loaded, *_, message = run_code(code, **{"XDG_CACHE_HOME": str(tmp_path), name: value}).splitlines()
    assert loaded == "[]"
    assert message.startswith("huggingface_hub cannot be used (")
    assert re.search(f"; of (HF_[A-Z_]+, )*{name}(, HF_[A-Z_]+)*, correct or unset that one$", message)


def test_a_busy_hub_is_asked_again_and_a_broken_download_resumed(internet: Internet, audio: Path) -> None:
    internet.script = [status(429, Retry_After=5), status(503), *[internet.route] * 2, serve(ON_HUB, stop_at=0.5)]
    write_gtzan(audio)
    assert files_in(audio) == MINI
    assert internet.waits == [5, PAUSES[1], PAUSES[0]]
    assert internet.log == [FROM_HUB[0], FROM_HUB[0], *FROM_HUB, *FROM_HUB[1:]]
    assert internet.ranges[-1] == f"bytes={len(ON_HUB) // 2}-"


def test_without_any_source_both_are_reported(internet: Internet, audio: Path) -> None:
    internet.hub = internet.original = status(503)
    sources = f"Tried {internet.base}{HUB_PATH}: .*; {internet.base}/original: "
    alternatives = "HF_ENDPOINT.*HTTPS_PROXY.*`dataset.name: local`.*`dataset.name: synthetic`"
    with pytest.raises(InputError, match=f"^GTZAN cannot be downloaded. {sources}.*{alternatives}.*$"):
        write_gtzan(audio)
    assert internet.waits == [*PAUSES, *PAUSES]
    assert files_in(audio) == {}


@pytest.mark.parametrize(
    ("endpoint", "proxy", "message"),
    [
        ("http://127.0.0.1:1", "", "cannot connect"),
        ("no URL", "", "protocol"),
        ("http://a:b", "", "Invalid port"),
        (f"http://{'a' * 70}.example", "", "too long"),
        ("http://hub.example", "::bad", "Invalid port"),
        ("http://hub.example", "ftp://x", "Unknown scheme"),
        ("http://hub.example", "socks5://127.0.0.1:1", "SOCKS"),
    ],
)
def test_an_unreachable_or_invalid_hub_or_proxy_is_not_tried_twice(
    internet: Internet, audio: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, proxy: str, message: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    change(monkeypatch, gtzan, "GTZAN_ON_HUB", url=endpoint + HUB_PATH)
    change(monkeypatch, gtzan, "GTZAN_ORIGINAL", url="http://127.0.0.1:1/")
    with pytest.raises(InputError, match=f"^GTZAN cannot be downloaded.*{message}.*; http://127.0.0.1:1/.*$"):
        write_gtzan(audio)
    assert internet.waits == []


def test_a_proxy_is_used(internet: Internet, audio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", internet.base)
    monkeypatch.setenv("no_proxy", "localhost")
    change(monkeypatch, gtzan, "GTZAN_ON_HUB", url=f"http://hub.example{HUB_PATH}")
    write_gtzan(audio)
    assert files_in(audio) == MINI
    assert internet.log == FROM_HUB


def test_a_mirror_of_the_hub_is_used(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", internet.base)  # read on import
    code = "from genres.datasets.gtzan import GTZAN_ON_HUB; print(GTZAN_ON_HUB.url)"
    assert run_code(code) == f"{internet.base}{HUB_PATH}\n"


def test_gtzan_mini_is_cached_even_if_there_is_no_space_for_its_clips(
    internet: Internet,
    audio: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gtzan_mini.write_gtzan_mini(audio)
    assert files_in(audio) == MINI
    usage = shutil.disk_usage(tmp_path)
    with (
        monkeypatch.context() as patch,
        pytest.raises(InputError, match="where only 0.0 MB are free. Free some space.$"),
    ):
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2))
        gtzan_mini.write_gtzan_mini(folder(tmp_path / "full"))
    obtain_clips(dataset("gtzan-mini", exclude=["blues.00000"]), folder(tmp_path / "again"), UNUSED)
    assert files_in(tmp_path / "again") == as_files("wav", "blues.00000")
    assert internet.log == ["GET mini"]
    assert "damaged" not in capsys.readouterr().err


def test_a_cached_gtzan_mini_that_is_damaged_is_downloaded_again_in_the_same_run(
    internet: Internet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gtzan_mini.write_gtzan_mini(folder(tmp_path / "first"))
    (tmp_path / "cache/genres/gtzan-mini.zip").write_bytes(archive_of(MINI | {"jazz/jazz.00000.wav": b"other"}))
    gtzan_mini.write_gtzan_mini(folder(tmp_path / "second"))
    assert files_in(tmp_path / "second") == MINI
    assert internet.log == ["GET mini"] * 2
    assert "warning: the archive in the cache is damaged and downloaded again: " in capsys.readouterr().err


DIFFERENT = "mini does not hold the clips of gtzan-mini: 1 are .* e.g. jazz/jazz.0000"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (status(200, archive_of(MINI | {"jazz/jazz.00000.wav": b"other"})), DIFFERENT),
        (status(200, archive_of(MINI | {"jazz/jazz.00001.wav": b"more"})), DIFFERENT),
        (status(200, archive_of(as_files("wav", "jazz.00000"))), DIFFERENT),
        (status(200, gzip.compress(b"no tar")), "neither a tar"),
        (status(404), "gtzan-mini cannot be downloaded. Tried .*/mini: .*status 404.*local"),
    ],
)
def test_a_missing_or_different_gtzan_mini_is_reported_and_deleted(
    internet: Internet, audio: Path, answer: Behaviour, message: str, tmp_path: Path
) -> None:
    internet.mini = answer
    with pytest.raises(InputError, match=message):
        gtzan_mini.write_gtzan_mini(audio)
    assert [file.name for file in (tmp_path / "cache/genres").iterdir() if file.suffix != ".lock"] == []
    assert internet.log == ["GET mini"]


def test_the_list_has_ten_clips_of_each_genre() -> None:
    lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  ([a-z]+)/\1\.000[01][0-9]\.wav", line) for line in lines)
    assert set(Counter(line[66:].split("/")[0] for line in lines).values()) == {10}
    assert len(lines) == len(set(lines)) == 100


@pytest.mark.slow
def test_the_list_matches_the_real_clips(
    internet: Internet, audio: Path, monkeypatch: pytest.MonkeyPatch, real_data: Path
) -> None:
    with tarfile.open(real_data / "gtzan-mini" / "genres.tar.gz") as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        clips = {name.removeprefix("genres/"): file.read() for name, file in files.items() if file}
    internet.mini = serve(archive_of(clips))
    monkeypatch.setattr(gtzan_mini, "CHECKSUMS", CHECKSUMS)
    gtzan_mini.write_gtzan_mini(audio)
    assert len(files_in(audio)) == 100


@pytest.mark.parametrize(
    ("exclude", "missing"),
    [
        ([], []),
        (EXCLUDED, []),
        (["a.00054", *EXCLUDED, "rock.00016", "a/1"], ["a.00054", "rock.00016", "a/1"]),
        (["jazz.00054.wav"], []),
        (["jazz/jazz.00054", "blues/jazz.00054"], ["blues/jazz.00054"]),
        (["jazz/jazz.00054.wav", "jazz.00054.au"], ["jazz.00054.au"]),
    ],
)
def test_the_users_own_clips_can_be_excluded_by_name(
    audio: Path, tmp_path: Path, exclude: list[str], missing: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "mine.tar.gz"
    source.write_bytes(ON_HUB)
    skipped = obtain_clips(dataset("local", path=source, exclude=exclude), audio, UNUSED)
    assert files_in(audio) == as_files("wav", *(EXCLUDED if exclude else []))
    excluded = [skip for skip in skipped if skip.reason == "named in dataset.exclude"]
    assert excluded == [("jazz/jazz.00054.wav", "named in dataset.exclude")] * bool(exclude)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert told == [f"note: `dataset.exclude` names clips that are not there: {', '.join(missing)}"] * bool(missing)
    with pytest.raises(InputError, match="`dataset.exclude` leaves no clip: all of 4 are named"):
        everything = dataset("local", path=source, exclude=[Path(path).name for path in CLIPS])
        obtain_clips(everything, folder(tmp_path / "empty"), UNUSED)


def test_of_the_synthetic_set_all_but_the_unreadable_clip_can_be_excluded(
    audio: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(target: Path, *_: object) -> list[Skipped]:
        for path in as_files("wav"):
            (target / path).parent.mkdir(exist_ok=True)
            (target / path).touch()
        return []

    monkeypatch.setattr(synthetic, "write_clips", write)
    skipped = obtain_clips(dataset("synthetic", exclude=["jazz.00054", "blues.00000", "no.00000"]), audio, UNUSED)
    assert set(files_in(audio)) == set(as_files("wav", "blues.00000.wav", "blues.00000"))
    assert skipped == [("blues/blues.00000.wav", "named in dataset.exclude")]
    assert capsys.readouterr().err.splitlines() == [
        "left out, as `dataset.exclude` says: blues/blues.00000.wav",
        "note: `dataset.exclude` names clips that are not there: no.00000",
    ]


def test_the_clip_that_stays_is_the_unreadable_one(audio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "UNREADABLE_CLIP", ("jazz", 1))
    obtain_clips(dataset("synthetic", exclude=[]), audio, UNUSED)
    unreadable = [path for path, content in files_in(audio).items() if b"but this is none" in content]
    assert unreadable == ["jazz/jazz.00001.wav"]


def test_an_unknown_data_set_and_one_without_its_path_are_refused(audio: Path) -> None:
    with pytest.raises(InputError, match="`dataset.name` should be one of synthetic, gtzan, .* but is 'gtzn'"):
        obtain_clips(dataset("gtzn"), audio, UNUSED)
    with pytest.raises(InputError, match="`dataset.path` is null"):
        obtain_clips(dataset("local"), audio, UNUSED)
    with pytest.raises(InputError, match="`dataset.path` is '~no one/music', whose home folder is not known"):
        obtain_clips(dataset("local", path=Path("~no one/music")), audio, UNUSED)


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_is_described_as_json(name: str) -> None:
    described = describe_dataset(dataset(name, path="/my/music"))
    assert json.loads(json.dumps(described)) == described
    assert described["name"] == name
    assert described["synthetic"] == ("SYNTHETIC" in described["title"]) == (name == "synthetic")
    assert described["paper"] == (name == "gtzan")
    assert "/my" not in described["description"]
