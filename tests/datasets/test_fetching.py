"""One file from a misbehaving server."""

import errno
import io
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from queue import Queue
from threading import Event
from types import SimpleNamespace
from typing import Any
from unittest.mock import DEFAULT, Mock

import pytest
from misbehaving import CONTENT, PIECE, Behaviour, Handler, Server, hang, isolate, raw, reset, serve, sha256, status
from project import ROOT, environment
from urllib3.util.connection import create_connection

from genres.core import progress
from genres.core.errors import InputError
from genres.datasets import fetching, retry
from genres.datasets.fetching import CHUNK_BYTES, CONNECT_SECONDS, Remote, cached_file, fetch
from genres.datasets.retry import MAX_PAUSE, PAUSES, SourceError, TransientError, supervise

HALF = len(CONTENT) // 2
CHANGED = CONTENT[:HALF] + bytes([CONTENT[HALF] ^ 1]) + CONTENT[HALF + 1 :]
CONNECT = "urllib3.util.connection.create_connection"
PAGE = b"<!DOCTYPE html><html><body>Please log in to this network.</body></html>"


FILE, PARTIAL = "music.bin", "music.bin.partial"
BESIDE = (".lock", ".sha256")  # what lies beside a file
COMPLETE = {FILE: CONTENT}


@dataclass
class Download:
    """A file on a server, the cache folder that it goes to, and the seconds waited between attempts."""

    server: Server
    remote: Remote
    cache: Path
    waits: list[float]

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.cache.iterdir() if path.suffix not in BESIDE}

    def write_partial(self, content: bytes) -> None:
        (self.cache / PARTIAL).write_bytes(content)


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Download]:
    cache = tmp_path / "genres"
    cache.mkdir()
    with Server() as server:
        remote = Remote("music", FILE, server.url, len(CONTENT), sha256(CONTENT))
        yield Download(server, remote, cache, isolate(tmp_path, monkeypatch))


def test_a_download_is_announced_and_happens_once(download: Download, capsys: pytest.CaptureFixture[str]) -> None:
    (download.cache / "music.bin.lock").write_text("1\n")  # left by a killed process
    assert fetch(download.remote) == fetch(download.remote) == download.cache / "music.bin"
    assert download.files == COMPLETE
    assert len(download.server.requests) == 1
    first, *_, last, again = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        rf"downloading music, 3 MB, from {download.server.url} to {download.cache}, where \d+ MB are free", first
    )
    assert last == "download music.bin: 3.0 of 3.0 MB"
    assert again == f"checking {download.cache / FILE}, 3 MB, against its checksum"
    command = ["sha256sum", "--check", "--quiet", "music.bin.sha256"]
    assert subprocess.run(command, cwd=download.cache, check=True, stdout=subprocess.PIPE).stdout == b""


def test_a_terminal_shows_rate_and_time_left(
    download: Download, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    download.server.behave = serve(pace=lambda _: time.sleep(0.01))
    fetch(download.remote)
    assert re.search(r"download music\.bin: +\d+%.*\[00:00<00:0\d, [\d.]+MB/s\]", capsys.readouterr().err)


@pytest.mark.parametrize("damaged", [CONTENT[:HALF], CHANGED], ids=["truncated", "changed"])
def test_a_damaged_file_is_downloaded_again(
    download: Download, damaged: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(download.remote).write_bytes(damaged)
    fetch(download.remote)
    assert download.files == COMPLETE
    told = capsys.readouterr().err
    assert f"warning: {download.cache / FILE} is damaged: it fails its checksum\n" in told
    assert f"{download.cache / FILE} is deleted and downloaded again\n" in told


def test_a_file_that_another_process_replaces_while_it_is_verified_stays(
    download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_slowly(file: Path) -> str:
        digest = sha256(file.read_bytes())
        file.write_bytes(CONTENT)
        return digest

    (download.cache / FILE).write_bytes(CHANGED)
    monkeypatch.setattr(fetching, "file_sha256", verify_slowly)
    assert cached_file(download.remote) is None
    assert download.files == COMPLETE


def test_a_file_that_cannot_be_read_is_named(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(download.remote)
    monkeypatch.setattr(fetching, "file_sha256", Mock(side_effect=OSError(errno.EIO, os.strerror(errno.EIO))))
    with pytest.raises(InputError, match="genres/music.bin cannot be read .Input/output error.; make it .* or delete"):
        fetch(download.remote)


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
def test_a_broken_connection_is_resumed(download: Download, fraction: float, with_length: bool) -> None:
    download.server.script = [serve(stop_at=fraction, with_length=with_length)]
    fetch(download.remote)
    assert download.files == COMPLETE
    assert download.waits == [PAUSES[0]]
    first, second = download.server.ranges
    assert first is None
    assert second is not None
    assert 0 <= len(CONTENT) * fraction - int(second.removeprefix("bytes=").removesuffix("-")) < CHUNK_BYTES


@pytest.mark.parametrize("with_checksum", [True, False])
def test_an_outage_is_waited_for_and_only_a_file_with_a_checksum_resumed(
    download: Download, monkeypatch: pytest.MonkeyPatch, with_checksum: bool
) -> None:
    outage = OSError(errno.ENETUNREACH, "unreachable")
    connect = Mock(wraps=create_connection, side_effect=[DEFAULT, outage, outage, DEFAULT])
    monkeypatch.setattr(CONNECT, connect)
    download.server.script = [serve(stop_at=0.5)]
    if not with_checksum:
        download.write_partial(b"of an earlier archive")
    fetch(download.remote if with_checksum else replace(download.remote, sha256=None, size=2_900_000))
    assert download.files == COMPLETE
    assert [requested is not None for requested in download.server.ranges] == [False, with_checksum]
    assert download.waits == list(PAUSES[:3])


def test_failures_do_not_add_up_while_there_is_progress(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PROGRESS_BYTES", 100_000)
    download.server.script = [serve(stop_at=tenths / 10) for tenths in range(1, 10)]
    fetch(download.remote)
    assert download.files == COMPLETE
    assert len(download.waits) == 9 > len(PAUSES)


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(7, 7), (0, 1), ("soon", 1), (-3, 1), (timedelta(seconds=40), 40), ("Fri, 31 Dec 99999999 23:59:59 GMT", 1)],
)
def test_a_busy_server_gets_the_time_that_it_asks_for(
    download: Download, code: int, retry_after: object, seconds: float
) -> None:
    if isinstance(retry_after, timedelta):
        retry_after = format_datetime(datetime.now(UTC) + retry_after, usegmt=True)
    download.server.script = [status(code, Retry_After=retry_after)]
    fetch(download.remote)
    assert download.files == COMPLETE
    assert download.waits == [pytest.approx(seconds, abs=5 if seconds == 40 else 0)]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        *((status(code), f"status {code}, 6 times in a row") for code in (500, 502, 504)),
        (hang, "Read timed out.*6 times in a row"),
        (reset, "no response .*6 times in a row"),
        (serve(stop_at=0.5, with_ranges=False), "the connection broke after .*, 6 times in a row"),
        *((status(code, PAGE), f"status {code}") for code in (401, 403, 404, 410)),
        (status(429, Retry_After=MAX_PAUSE + 1), "status 429 and asks to wait for 121 s"),
        (serve(CONTENT[:-1]), "announces 2999999 bytes, not 3000000"),
        (serve(CONTENT[:-1], with_length=False), "does not send .* from byte 2999999 on, 6 times in a row"),
        (serve(CONTENT + b"!"), "announces 3000001 bytes, not 3000000"),
        (serve(CONTENT + b"!", with_length=False), "sends more than 3000000 bytes"),
        (serve(CHANGED), f"the sha256 is {sha256(CHANGED)}, not {sha256(CONTENT)}"),
        (serve(CHANGED, with_length=False), f"the sha256 is {sha256(CHANGED)}, not {sha256(CONTENT)}"),
        (status(200), "announces 0 bytes, not 3000000"),
    ],
)
def test_a_server_that_fails_or_sends_another_file(
    download: Download, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, message: str
) -> None:
    if behaviour is hang:
        monkeypatch.setattr(fetching, "READ_SECONDS", 0.1)
    download.server.behave = behaviour
    with pytest.raises(SourceError, match=f"{download.server.url}: .*{message}"):
        fetch(download.remote)
    assert download.waits == (list(PAUSES) if "6 times" in message else [])
    assert len(download.server.requests) == len(download.waits) + 1
    assert FILE not in download.files
    assert CONTENT.startswith(download.files.get(PARTIAL, b""))


OK, CHUNKED, CLOSE = "HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Connection: close"
REDIRECT, LENGTH, END = "HTTP/1.1 302 Found", f"Content-Length: {len(CONTENT)}", ""
DRIPS = b"x" * 300
BREAKS_DOWN = raw(OK, LENGTH, END, body=CONTENT[:500], drips=CONTENT[500:800])


@pytest.mark.parametrize(
    "behaviour",
    [
        raw(OK, LENGTH, END, drips=DRIPS),
        BREAKS_DOWN,
        raw(OK, CHUNKED, END, drips=b"1" * 300),
        raw(OK, drips=DRIPS),
        raw(OK, drips=b"a: b\r\n" * 50),
        raw(drips=b"HTTP/1.1 100 Continue\r\n\r\n" * 12),
        raw(drips=b"HTTP/1.1 200 " + DRIPS),
    ],
    ids=["body", "after a body's beginning", "chunk's length", "header", "headers", "continue", "status"],
)
def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    download: Download,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Behaviour,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(retry, "WINDOW_SECONDS", 0.1)
    monkeypatch.setattr(retry, "WINDOW_BYTES", 1000)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    download.server.behave = behaviour
    with pytest.raises(SourceError, match=f"{download.server.url}: .* less than 1 kB in 0.1 s, 6 times in a row"):
        fetch(download.remote)
    assert download.waits == list(PAUSES)
    assert FILE not in download.files
    told = capsys.readouterr().err
    assert told.count("the server sends less than 1 kB in 0.1 s; trying again in ") == 5
    if behaviour is BREAKS_DOWN:
        assert "download music.bin: 0.0 of 3.0 MB" in told
        assert download.files[PARTIAL].startswith(CONTENT[:500])


def test_an_attempt_that_gets_on_is_left_alone_until_it_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    positions, reported = Queue[int](), Queue[object]()

    def attempt(report: Callable[[int], None]) -> str:
        for position in iter(positions.get, 0):
            try:
                reported.put(report(position))
            except TransientError as error:
                reported.put(str(error))
        return "result"

    def end_window(outcomes: list[Future[str]], seconds: float) -> SimpleNamespace:
        """Have the attempt get to the next position, or end."""
        assert seconds == retry.WINDOW_SECONDS
        positions.put(position := windows.pop(0))
        assert position == 0 or reported.get() is None
        return SimpleNamespace(done=[] if position else outcomes)

    monkeypatch.setattr(retry, "wait", end_window)
    windows = [60_000, 120_000, 500_000, 0]
    assert supervise(attempt, math.inf) == "result"
    windows = [60_000, 119_999]
    with pytest.raises(TransientError, match="less than 60 kB in 60 s") as error:
        supervise(attempt, math.inf)
    assert error.value.reached == 119_999
    positions.put(500_000)
    assert reported.get() == "given up"
    positions.put(0)


def test_a_download_that_takes_too_long_is_given_up_and_resumed_later(
    download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "WINDOW_SECONDS", 0.1)
    monkeypatch.setattr(retry, "WINDOW_BYTES", 1)
    download.server.behave = serve(pace=lambda _: time.sleep(0.05))
    with monkeypatch.context() as patch, pytest.raises(SourceError, match="only .* bytes have .*; given up after 0.00"):
        patch.setattr(retry, "MAX_SECONDS", 0.36)
        fetch(download.remote)
    assert download.files.keys() == {PARTIAL}
    assert len(download.server.requests) == 1
    fetch(download.remote)
    assert download.files == COMPLETE


def test_attempts_that_get_on_and_break_are_not_made_for_ever(
    download: Download, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PROGRESS_BYTES", 1)
    for percent in range(1, 100):
        download.server.script += [status(503, Retry_After=100), serve(stop_at=percent / 100)]
    monkeypatch.setattr(retry, "MAX_SECONDS", 3600)
    with pytest.raises(SourceError, match="; given up after 1 hours"):
        fetch(download.remote)
    assert 3400 < sum(download.waits) <= 3600


def test_what_comes_with_a_redirect_is_not_read(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    def redirect(handler: Handler) -> None:
        raw(REDIRECT, "Location: /music.bin", LENGTH, END, body=b"more to come")(handler)
        gate.wait(20)

    gate = Event()
    monkeypatch.setattr(fetching, "READ_SECONDS", 1)
    download.server.script = [redirect]
    fetch(download.remote)
    gate.set()
    assert download.files == COMPLETE
    assert download.waits == []


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (raw(REDIRECT, "Location: http://[bad", END), "answer is not valid .Invalid IPv6 URL"),
        (raw(REDIRECT, "Location: //[bad", END), "answer is not valid .Invalid IPv6 URL"),
        (raw(REDIRECT, f"Location: http://{'a' * 64}.example/", END), "label empty or too long"),
        (raw(REDIRECT, "Location: http://a..b/", END), "label empty or too long"),
        (raw(REDIRECT, "Location: http://\xff/", END), "answer is not valid .*can't decode byte"),
        (raw(REDIRECT, "Location: http://a:99999/", END), "Port out of range"),
        (raw(REDIRECT, "Location: file:///etc/passwd", END), "No connection adapters"),
        (raw(REDIRECT, "Location: /music.bin", END), "Exceeded 30 redirects"),
        (raw(REDIRECT, "Location: /music.bin", "Content-Encoding: gzip", LENGTH, END, body=b"x"), "Exceeded 30 redir"),
        (raw(REDIRECT, "Location: /music.bin", CHUNKED, END, body=b"-5\r\nabc"), "Exceeded 30 redirects"),
        (raw(OK, CHUNKED, CLOSE, END, body=b"-5\r\nabc\r\n0\r\n\r\n"), "the connection broke"),
        (raw(OK, CHUNKED, CLOSE, END, body=b"zz\r\nabc\r\n0\r\n\r\n"), "the connection broke"),
        (raw(OK, f"Content-Length: {'9' * 5000}", END), "answer is not valid .*4300 digits"),
        (raw(OK, "Content-Length: 5", "Content-Length: 6", END), "multiple unmatching values"),
        (raw(OK, "Content-Encoding: gzip", "Content-Length: 5", END, body=b"none!"), "announces 5 bytes"),
        (raw("HTTP/1.1 200 " + "x" * 70_000), "no response"),
        (raw("\x1b[2J" + "x" * 60_000), "no response"),
        (raw(OK, *["a: b"] * 200, END), "no response .*100 headers"),
    ],
)
def test_a_server_that_answers_nonsense_is_reported_in_one_line(
    download: Download, behaviour: Behaviour, message: str
) -> None:
    download.server.behave = behaviour
    with pytest.raises(SourceError, match=f"^{download.server.url}: .*{message}.*$") as error:
        fetch(download.remote)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500
    assert FILE not in download.files


def test_a_header_in_no_known_encoding_is_no_matter(download: Download) -> None:
    download.server.behave = raw(OK, "X-\xff: \xfe", "ETag: \xff", LENGTH, CLOSE, END, body=CONTENT)
    fetch(download.remote)
    assert download.files == COMPLETE


@pytest.mark.parametrize("name", [PARTIAL, FILE])
@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        lambda path: path.symlink_to(path.parents[1] / "elsewhere"),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to(path.parent),
        lambda path: path.symlink_to(path.name),  # in a circle
    ],
    ids=["pipe", "link", "dead link", "link to a folder", "circle"],
)
def test_what_is_no_file_is_replaced_and_never_opened(
    download: Download, make: Callable[[Path], None], name: str
) -> None:
    elsewhere = download.cache.parent / "elsewhere"
    elsewhere.write_bytes(b"the user's own")
    make(download.cache / name)
    fetch(download.remote)
    assert download.files == COMPLETE
    assert not (download.cache / FILE).is_symlink()
    assert name == FILE or elsewhere.read_bytes() == b"the user's own"


@pytest.mark.parametrize("name", [PARTIAL, FILE, "music.bin.sha256"])
def test_a_folder_in_the_place_of_the_file_is_refused(download: Download, name: str) -> None:
    (download.cache / name).mkdir()
    with pytest.raises(InputError, match=f"genres/{name} is a folder, where a file is to be downloaded to; remove it"):
        fetch(download.remote)
    assert download.server.requests == []


def test_an_html_page_that_comes_in_pieces_is_refused(download: Download) -> None:
    download.server.behave = raw(OK, CLOSE, END, body=PAGE[:3], drips=PAGE[3:])
    with pytest.raises(SourceError, match="the server sends an HTML page"):
        fetch(download.remote)
    assert download.files == {}


@pytest.mark.parametrize("partial", [None, CONTENT[:HALF]])
@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/gzip"])
@pytest.mark.parametrize("checksum", [sha256(CONTENT), None], ids=["checksum", "none"])
def test_an_html_page_is_refused_and_a_partial_file_kept(
    download: Download, content_type: str, checksum: str | None, partial: bytes | None
) -> None:
    if partial:
        download.write_partial(partial)
    download.server.behave = status(200, PAGE, Content_Type=content_type)
    with pytest.raises(SourceError, match=f"{download.server.url}: the server sends an HTML page"):
        fetch(replace(download.remote, sha256=checksum))
    assert download.files == ({PARTIAL: partial} if partial else {})


@pytest.mark.parametrize(
    ("partial", "script", "range_requests"),
    [
        (CONTENT, [], []),
        (b"wrong", [], [True, False]),
        (bytes(len(CONTENT)), [], [False]),
        (bytes(len(CONTENT) + 1), [], [False]),
        (CONTENT[:HALF], [status(206, b"x" * 9, Content_Range="bytes 5-13/3000000")], [True, False]),
        (CONTENT[:HALF], [status(206, b"x")], [True, False]),
        (CONTENT[:HALF], [status(416)], [True, False]),
        (b"", [serve(pace=lambda offset: offset > HALF and time.sleep(2))], [False, True]),
        (b"", [serve(stop_at=share, with_ranges=False) for share in (0.5, 0.2, 1)], [False, True, True]),
        (b"", [status(200, CONTENT, Content_Encoding="gzip")], [False]),
    ],
)
def test_a_partial_file_is_completed_or_replaced(
    download: Download,
    monkeypatch: pytest.MonkeyPatch,
    partial: bytes,
    script: list[Behaviour],
    range_requests: list[bool],
) -> None:
    monkeypatch.setattr(fetching, "READ_SECONDS", 1)
    download.write_partial(partial)
    download.server.script = list(script)
    fetch(download.remote)
    assert download.files == COMPLETE
    assert [requested is not None for requested in download.server.ranges] == range_requests


def test_a_full_disk_is_reported_before_the_download(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(download.cache)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2_000_000))
    with pytest.raises(InputError, match="music takes 3.0 MB in .*genres, where only 2.0 MB are free.*XDG_CACHE_HOME"):
        fetch(download.remote)
    assert download.server.requests == []
    download.write_partial(CONTENT[:HALF])
    fetch(download.remote)
    assert download.files == COMPLETE


def test_a_download_that_fills_the_disk_is_resumed(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    class SmallDisk(io.FileIO):
        def write(self, data: Any) -> int:
            free = HALF - self.tell()
            if free <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:free])

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda path, mode: io.BufferedWriter(SmallDisk(path, mode)))
        with pytest.raises(InputError, match="music.bin cannot be written .No space left on .*3 MB") as error:
            fetch(download.remote)
    assert not isinstance(error.value, SourceError)  # another source would need the space too
    assert download.files == {PARTIAL: CONTENT[:HALF]}
    fetch(download.remote)
    assert download.files == COMPLETE
    assert download.server.ranges[1] == f"bytes={HALF}-"


def test_a_cache_folder_that_cannot_be_written(download: Download) -> None:
    download.cache.rmdir()
    download.cache.write_text("a file instead of the folder")
    with pytest.raises(InputError, match="genres/music.bin cannot be written.*XDG_CACHE_HOME"):
        fetch(download.remote)


def start_fetch(remote: Remote) -> subprocess.Popen[str]:
    code = f"from genres.datasets.fetching import Remote, fetch; fetch({remote!r})"
    command, variables = [sys.executable, "-c", code], environment(PYTHONPATH=str(ROOT / "src"))
    return subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True)


def test_a_killed_download_is_resumed(download: Download) -> None:
    gate = Event()  # the download does not complete before it is killed
    download.server.behave = serve(pace=lambda offset: gate.wait(20) if offset >= HALF else None)
    with start_fetch(download.remote) as process:
        while len(download.files.get(PARTIAL, b"")) < HALF - CHUNK_BYTES and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    assert download.files.keys() == {PARTIAL}
    gate.set()
    fetch(download.remote)
    assert download.files == COMPLETE
    assert download.server.ranges[-1] is not None  # the second one asked for the rest alone


def test_of_two_downloads_one_waits(download: Download) -> None:
    gate = Event()
    download.server.behave = serve(pace=lambda offset: gate.wait(20) if offset >= 10 * PIECE else None)
    with start_fetch(download.remote) as first:
        while not download.server.requests:
            time.sleep(0.01)
        with start_fetch(download.remote) as second:
            assert second.stderr is not None
            assert f"another process is downloading {download.cache}/music.bin; wait" in second.stderr.readline()
            assert FILE not in download.files
            gate.set()
            first.communicate(timeout=20)
            second.communicate(timeout=20)
    assert (first.returncode, second.returncode) == (0, 0)
    assert download.files == COMPLETE
    assert len(download.server.requests) == 1


@pytest.mark.parametrize(
    ("function", "failure", "message"),
    [
        ("socket.getaddrinfo", socket.gaierror(socket.EAI_AGAIN, "try again"), "Failed to resolve 'music.example'"),
        (CONNECT, ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "'music.example', port=443.*refused"),
        (CONNECT, TimeoutError(), f"music.example timed out. .connect timeout={CONNECT_SECONDS}"),
    ],
)
def test_an_unreachable_host_is_reported_at_once(
    download: Download, monkeypatch: pytest.MonkeyPatch, function: str, failure: Exception, message: str
) -> None:
    download.write_partial(CONTENT[:HALF])
    monkeypatch.setattr(function, Mock(side_effect=failure))
    with pytest.raises(SourceError, match=f"^https://music.example/x: cannot connect .*{message}.*$") as error:
        fetch(replace(download.remote, url="https://music.example/x"))
    assert not re.search("retries|0x", str(error.value))
    assert download.waits == []
    assert download.files == {PARTIAL: CONTENT[:HALF]}


BAD_URLS = ("music.example/x", "http://[/x", "http:///x", "ftp://a/b", "http://a:b/", f"http://{'a' * 70}.example/")
BAD_PROXIES = ("::bad", "http://[", "ftp://x", "http://", "a" * 70)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [*((url, "") for url in BAD_URLS), *(("http://music.example/x", proxy) for proxy in BAD_PROXIES)],
)
def test_an_invalid_url_or_proxy_is_reported(
    download: Download, monkeypatch: pytest.MonkeyPatch, url: str, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(SourceError, match=f"^{re.escape(url)}: .*$"):
        fetch(replace(download.remote, url=url))
    assert download.waits == []


def test_an_unreachable_proxy_is_reported_at_once(download: Download, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "127.0.0.1:1")
    with pytest.raises(SourceError, match="cannot connect through the proxy .*'127.0.0.1', port=1"):
        fetch(replace(download.remote, url="http://music.example/music.bin"))
    assert download.waits == []
