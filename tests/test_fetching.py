"""One file from a server that misbehaves."""

import errno
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import pytest
from misbehaving import CONTENT, PIECE, Behaviour, Server, closed_port, hang, reset, serve, status

from genres import attempts
from genres.artifacts import sha256
from genres.attempts import LONGEST_PAUSE, PAUSES, SourceError
from genres.errors import InputError
from genres.fetching import CHUNK_BYTES, fetch, fetch_failure
from genres.remotes import Remote

SOURCE = Path(__file__).resolve().parents[1] / "src"
HALF = len(CONTENT) // 2
PAGE = b"<!DOCTYPE html><html><body>Please log in to this network.</body></html>"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    folder = tmp_path / "genres"
    folder.mkdir()
    return folder


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be waited, in place of the waiting."""
    asked: list[float] = []
    monkeypatch.setattr(attempts.time, "sleep", asked.append)
    return asked


@pytest.fixture
def remote(server: Server, cache: Path) -> Remote:
    return Remote("music", "music.bin", server.url, len(CONTENT), sha256(CONTENT))


class Kept(NamedTuple):
    """What of the download is in the cache folder: bytes, or None for no such file."""

    file: bytes | None
    partial: bytes | None


def kept(cache: Path) -> Kept:
    files = (cache / "music.bin", cache / "music.bin.partial")
    return Kept(*(file.read_bytes() if file.exists() else None for file in files))


WHOLE = Kept(CONTENT, None)
NOTHING = Kept(None, None)


def test_what_is_told_before_and_what_comes(
    remote: Remote, server: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(remote) == cache / "music.bin"
    assert kept(cache) == WHOLE
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"fetching music, 3 MB, from {server.url} to {cache}, where ")
    assert first.endswith(" MB are free")
    assert last == "fetch music.bin: 3.0 of 3.0 MB"


def test_a_terminal_shows_rate_and_time_left(
    remote: Remote, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    server.behave = serve(pace=lambda _: time.sleep(0.01))
    fetch(remote)
    assert re.search(r"fetch music\.bin: +\d+%.*\[00:00<00:0\d, [\d.]+MB/s\]", capsys.readouterr().err)


def test_what_is_there_is_not_fetched_again(remote: Remote, server: Server) -> None:
    assert fetch(remote) == fetch(remote)
    assert len(server.seen) == 1


@pytest.mark.parametrize("harmed", [CONTENT[:HALF], CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])], ids=["cut", "edited"])
def test_a_kept_file_that_is_not_what_came_is_fetched_anew(remote: Remote, cache: Path, harmed: bytes) -> None:
    fetch(remote).write_bytes(harmed)
    fetch(remote)
    assert kept(cache) == WHOLE


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_dropped_connection_is_resumed(
    remote: Remote, server: Server, cache: Path, waits: list[float], share: float, with_length: bool
) -> None:
    server.script = [serve(stop_at=share, with_length=with_length)]
    fetch(remote)
    assert kept(cache) == WHOLE
    assert waits == [PAUSES[0]]
    first, second = server.ranges
    assert first is None
    assert second is not None
    assert 0 <= len(CONTENT) * share - int(second.removeprefix("bytes=").removesuffix("-")) < CHUNK_BYTES


def test_drops_do_not_add_up_while_it_gets_further(
    remote: Remote, server: Server, monkeypatch: pytest.MonkeyPatch, waits: list[float], cache: Path
) -> None:
    monkeypatch.setattr(attempts, "PROGRESS_BYTES", 100_000)
    server.script = [serve(stop_at=share / 10) for share in range(1, 10)]
    fetch(remote)
    assert kept(cache) == WHOLE
    assert len(waits) == 9 > len(PAUSES)


def test_a_server_without_range_starts_over(remote: Remote, server: Server, cache: Path, waits: list[float]) -> None:
    server.script = [serve(stop_at=0.5, with_ranges=False), serve(stop_at=0.2, with_ranges=False)]
    server.behave = serve(with_ranges=False)
    fetch(remote)
    assert kept(cache) == WHOLE
    assert server.ranges[0] is None
    assert all(server.ranges[1:])


def test_a_server_without_range_that_always_drops_is_given_up(
    remote: Remote, server: Server, cache: Path, waits: list[float]
) -> None:
    server.behave = serve(stop_at=0.5, with_ranges=False)
    with pytest.raises(SourceError, match="the connection broke after .* times in a row"):
        fetch(remote)
    assert kept(cache).file is None
    assert waits == list(PAUSES)


def test_without_a_checksum_nothing_is_resumed(remote: Remote, server: Server, cache: Path, waits: list[float]) -> None:
    (cache / "music.bin.partial").write_bytes(b"of another packing")
    server.script = [serve(stop_at=0.5)]
    fetch(replace(remote, sha256=None, size=2_900_000))
    assert kept(cache) == WHOLE
    assert server.ranges == [None, None]


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(("asked", "waited"), [(7, 7), (0, PAUSES[0]), ("soon", PAUSES[0]), (-3, PAUSES[0])])
def test_a_busy_server_is_given_the_time_that_it_asks_for(
    remote: Remote, server: Server, cache: Path, waits: list[float], code: int, asked: object, waited: float
) -> None:
    server.script = [status(code, Retry_After=asked)]
    fetch(remote)
    assert kept(cache) == WHOLE
    assert waits == [waited]


def test_a_busy_server_may_name_a_date(remote: Remote, server: Server, waits: list[float]) -> None:
    server.script = [status(503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True))]
    fetch(remote)
    (wait,) = waits
    assert 35 < wait <= 40


def test_a_server_that_asks_for_too_long_is_given_up(remote: Remote, server: Server, waits: list[float]) -> None:
    server.behave = status(429, Retry_After=LONGEST_PAUSE + 1)
    with pytest.raises(SourceError, match=f"{server.url}: .* status 429 and asks to wait for 121 s"):
        fetch(remote)
    assert waits == []


@pytest.mark.parametrize("code", [500, 502, 504])
def test_a_server_that_fails_on_and_on_is_given_up(
    remote: Remote, server: Server, cache: Path, waits: list[float], code: int
) -> None:
    server.behave = status(code)
    with pytest.raises(SourceError, match=f"{server.url}: .* status {code}, 6 times in a row"):
        fetch(remote)
    assert waits == list(PAUSES)
    assert kept(cache) == NOTHING


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_server_that_refuses_is_not_asked_again(
    remote: Remote, server: Server, waits: list[float], code: int
) -> None:
    server.behave = status(code, PAGE)
    with pytest.raises(SourceError, match=f"{server.url}: .* status {code}"):
        fetch(remote)
    assert len(server.seen) == 1


def test_time_outs_are_given_up(
    remote: Remote, server: Server, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "READ_SECONDS", 0.1)
    release = Event()
    server.behave = hang(release)
    with pytest.raises(SourceError, match="Read timed out.*6 times in a row"):
        fetch(remote)
    release.set()
    assert waits == list(PAUSES)


def test_a_line_that_falls_silent_is_left_and_the_rest_resumed(
    remote: Remote, server: Server, waits: list[float], monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(attempts, "READ_SECONDS", 0.2)
    release = Event()
    server.script = [serve(pace=lambda offset: release.wait(20) if offset > HALF else None)]
    fetch(remote)
    release.set()
    assert kept(cache) == WHOLE
    assert server.ranges[1] is not None


def test_a_closed_line_is_tried_again(remote: Remote, server: Server, waits: list[float], cache: Path) -> None:
    server.script = [reset, reset]
    fetch(remote)
    assert kept(cache) == WHOLE
    assert waits == list(PAUSES[:2])


@pytest.mark.parametrize("with_length", [True, False])
@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!", CONTENT[:HALF] + b"!" + CONTENT[HALF + 1 :], b""])
def test_a_body_of_other_length_or_content_is_refused(
    remote: Remote, server: Server, cache: Path, waits: list[float], content: bytes, with_length: bool
) -> None:
    server.content = content
    server.behave = serve(with_length=with_length)
    if not content:
        server.behave = status(200)
    with pytest.raises(SourceError, match=server.url):
        fetch(remote)
    assert kept(cache).file is None
    # Of what looks like a connection that broke, the part is kept: it might be right, and the checksum tells.
    could_be_right = content == CONTENT[:-1] and not with_length
    assert kept(cache).partial in ((None, content) if could_be_right else (None,))


def test_what_is_wrong_is_said(remote: Remote, server: Server, cache: Path) -> None:
    server.content = CONTENT[1:]
    with pytest.raises(SourceError, match=f"announces {len(CONTENT) - 1} bytes, not {len(CONTENT)}"):
        fetch(remote)
    server.content = bytes(len(CONTENT))
    with pytest.raises(SourceError, match=f"the sha256 is {sha256(server.content)}, not {remote.sha256}"):
        fetch(remote)
    server.behave = serve(more=bytes(10), with_length=False)
    with pytest.raises(SourceError, match=f"sends more than {len(CONTENT)} bytes"):
        fetch(remote)
    assert kept(cache) == NOTHING


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/gzip"])
@pytest.mark.parametrize("has_checksum", [True, False])
def test_an_html_page_is_refused_and_what_was_there_is_kept(
    remote: Remote, server: Server, cache: Path, kind: str, has_checksum: bool
) -> None:
    if not has_checksum:
        remote = replace(remote, sha256=None)
    server.behave = status(200, PAGE, Content_Type=kind)
    for before in (None, CONTENT[:HALF]):
        if before:
            (cache / "music.bin.partial").write_bytes(before)
        with pytest.raises(SourceError, match=f"{server.url}: the server sends an HTML page"):
            fetch(remote)
        assert kept(cache) == Kept(None, before)


def test_a_part_that_is_wrong_is_fetched_again_once(
    remote: Remote, server: Server, cache: Path, waits: list[float]
) -> None:
    for part in (b"wrong", bytes(len(CONTENT)), bytes(len(CONTENT) + 1)):
        (cache / "music.bin").unlink(missing_ok=True)
        (cache / "music.bin.partial").write_bytes(part)
        fetch(remote)
        assert kept(cache) == WHOLE


def test_a_part_that_is_whole_needs_no_request(remote: Remote, server: Server, cache: Path) -> None:
    (cache / "music.bin.partial").write_bytes(CONTENT)
    fetch(remote)
    assert kept(cache) == WHOLE
    assert server.seen == []


@pytest.mark.parametrize(
    "behaviour", [status(206, b"x" * 9, Content_Range="bytes 5-13/3000000"), status(206, b"x"), status(416)]
)
def test_another_part_than_was_asked_for_is_not_taken(
    remote: Remote, server: Server, cache: Path, waits: list[float], behaviour: Behaviour
) -> None:
    (cache / "music.bin.partial").write_bytes(CONTENT[:HALF])
    server.script = [behaviour]
    fetch(remote)
    assert kept(cache) == WHOLE
    assert server.ranges == [f"bytes={HALF}-", None]


def test_a_tar_gz_that_is_called_encoded_comes_as_it_is(remote: Remote, server: Server, cache: Path) -> None:
    server.behave = status(200, CONTENT, Content_Encoding="gzip")
    fetch(remote)
    assert kept(cache) == WHOLE


def test_a_full_disk_is_told_before(
    remote: Remote, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(cache)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2_000_000))
    with pytest.raises(InputError, match="music takes 3 MB more in .*genres, where only 2 MB are free.*XDG_CACHE_HOME"):
        fetch(remote)
    assert server.seen == []
    (cache / "music.bin.partial").write_bytes(CONTENT[:HALF])
    fetch(remote)
    assert kept(cache) == WHOLE


def test_a_disk_that_fills_up_is_told_and_what_fitted_is_resumed(
    remote: Remote, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SmallDisk(io.FileIO):
        def write(self, data: Any) -> int:
            room = HALF - self.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:room])

    def open_on_small_disk(path: Path, mode: str) -> io.BufferedWriter:
        return io.BufferedWriter(SmallDisk(path, mode))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_small_disk)
        with pytest.raises(InputError, match=r"music\.bin cannot be written \(No space left on device\).*3 MB") as told:
            fetch(remote)
    assert not isinstance(told.value, SourceError)  # another source would need the room too
    assert kept(cache) == Kept(None, CONTENT[:HALF])
    fetch(remote)
    assert kept(cache) == WHOLE
    assert server.ranges[1] == f"bytes={HALF}-"


def test_a_cache_that_cannot_be_is_told(remote: Remote, cache: Path) -> None:
    cache.rmdir()
    cache.write_text("a file where the folder should be")
    with pytest.raises(InputError, match="genres/music.bin cannot be written.*XDG_CACHE_HOME"):
        fetch(remote)


def start_fetch(remote: Remote) -> subprocess.Popen[str]:
    code = f"from genres.fetching import fetch; from genres.remotes import Remote; fetch({remote!r})"
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)


def test_a_killed_download_is_resumed(remote: Remote, server: Server, cache: Path) -> None:
    gate = Event()  # so that none comes to its end before it is killed
    server.behave = serve(pace=lambda offset: gate.wait(20) if offset > 0.95 * len(CONTENT) else time.sleep(0.002))
    for share in (0.03, 0.4, 0.87):
        with start_fetch(remote) as process:
            while server.sent < share * len(CONTENT) and process.poll() is None:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert kept(cache).file is None
        assert CONTENT.startswith(kept(cache).partial or b"")
    gate.set()
    fetch(remote)
    assert kept(cache) == WHOLE
    assert server.ranges[-1] is not None
    assert server.sent < 2 * len(CONTENT)


def test_of_two_downloads_one_waits(remote: Remote, server: Server, cache: Path) -> None:
    gate = Event()
    server.behave = serve(pace=lambda offset: gate.wait(20) if offset >= 10 * PIECE else None)
    with start_fetch(remote) as first:
        while not server.seen:
            time.sleep(0.01)
        with start_fetch(remote) as second:
            assert second.stderr is not None
            assert second.stderr.readline().startswith(f"another process is fetching {cache / 'music.bin'}; waiting")
            assert kept(cache).file is None
            gate.set()
            first.communicate(timeout=20)
            second.communicate(timeout=20)
    assert (first.returncode, second.returncode) == (0, 0)
    assert kept(cache) == WHOLE
    assert len(server.seen) == 1


def test_a_lock_that_was_left_blocks_nobody(remote: Remote, cache: Path) -> None:
    (cache / "music.bin.lock").write_text("1\n")
    fetch(remote)
    assert kept(cache) == WHOLE


def test_no_server_is_told_at_once(remote: Remote, waits: list[float]) -> None:
    port = closed_port()
    with pytest.raises(SourceError, match=f"cannot connect to 127.0.0.1:{port}: .*refused"):
        fetch(replace(remote, url=f"http://127.0.0.1:{port}/music.bin"))
    assert waits == []


def test_no_names_are_told_at_once(remote: Remote, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(SourceError, match=r"cannot connect to music\.example:443: .*name resolution$"):
        fetch(replace(remote, url="https://music.example/music.bin"))
    assert waits == []


def test_a_silent_network_is_not_waited_for(
    remote: Remote, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 2 * attempts.CONNECT_SECONDS < 15  # two sources, and Python's start
    release = Event()

    def hang_and_fail(*_: object) -> None:
        release.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(attempts, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", hang_and_fail)
    began = time.monotonic()
    with pytest.raises(SourceError, match="no answer within"):
        fetch(remote)
    assert time.monotonic() - began < 5
    release.set()


def test_a_broken_ipv6_does_not_hide_ipv4(remote: Remote, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = socket.getaddrinfo

    def fail_ipv6(host: str, port: int, family: int = 0, *rest: Any, **named: Any) -> Any:
        if family == socket.AF_INET6:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return ask(host, port, family, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", fail_ipv6)
    fetch(remote)
    assert kept(cache) == WHOLE


@pytest.mark.parametrize(
    "url", ["music.example/music.bin", "http://[/music.bin", "http:///x", "ftp://a/b", "http://a:b/"]
)
def test_what_is_no_url_is_told(remote: Remote, url: str) -> None:
    with pytest.raises(SourceError, match="no URL"):
        fetch(replace(remote, url=url))


def test_a_proxy_is_used(remote: Remote, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    fetch(replace(remote, url="http://music.example/music.bin"))
    assert kept(cache) == WHOLE
    assert [path for _, path, _ in server.seen] == ["http://music.example/music.bin"]


def test_a_proxy_that_is_not_there_is_named(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{port}")
    with pytest.raises(SourceError, match=rf"cannot connect to 127.0.0.1:{port} \(a proxy, as your environment says"):
        fetch(replace(remote, url="http://music.example/music.bin"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    fetch(remote)


def test_the_last_word_names_what_was_tried_and_the_other_ways() -> None:
    told = str(fetch_failure("GTZAN", [SourceError("https://a/: gone"), SourceError("https://b/: gone too")]))
    for needed in ("https://a/: gone; https://b/: gone too", "HF_ENDPOINT", "dataset.name: local", "synthetic"):
        assert needed in told
    assert "\n" not in told
