"""A local server that interrupts, refuses and garbles downloads as real servers and networks do."""

import hashlib
import os
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Self

import pytest

from genres.datasets import retry

CONTENT = os.urandom(3_000_000)
PIECE = 50_000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def isolate(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Use no proxy, an own cache folder and no pauses; return the list to which their seconds are added.

    They count on the clock all the same.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    waits: list[float] = []
    monkeypatch.setattr(
        retry, "time", SimpleNamespace(sleep=waits.append, monotonic=lambda: time.monotonic() + sum(waits))
    )
    return waits


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next behaviour of the server's script, then with its default one."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def respond(self) -> None:
        self.server.requests.append((self.command, self.path, dict(self.headers)))
        behave = self.server.script.pop(0) if self.server.script else self.server.behave
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):  # the client was killed or gave up
            behave(self)

    do_GET = do_HEAD = respond  # noqa: N815 - the names that http.server calls

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


Behaviour = Callable[[Handler], None]


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/music.bin"
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.script: list[Behaviour] = []
        self.behave: Behaviour = serve()

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        super().__exit__(*error)

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, _, headers in self.requests]


def serve(
    content: bytes = CONTENT,
    *,
    with_ranges: bool = True,
    with_length: bool = True,
    stop_at: float = 1.0,
    pace: Callable[[int], object] = lambda _: None,
) -> Behaviour:
    """Send ``content`` from the requested byte on; break off at the fraction ``stop_at`` of it."""

    def behave(handler: Handler) -> None:
        requested = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(requested[1]) if requested and with_ranges else 0
        if start >= len(content):
            handler.head(416, Content_Length=0)
            return
        length = {"Content_Length": len(content) - start} if with_length else {}
        if requested and with_ranges:
            handler.head(206, Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}", **length)
        else:
            handler.head(200, **length)
        body = content[start : max(start, int(len(content) * stop_at)) if stop_at < 1 else None]
        for offset in range(0, len(body), PIECE):
            pace(start + offset)
            handler.wfile.write(body[offset : offset + PIECE])

    return behave


def status(code: int, body: bytes = b"", **headers: object) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.head(code, Content_Length=len(body), **headers)
        handler.wfile.write(body)

    return behave


def raw(*lines: str, body: bytes = b"", drips: bytes = b"") -> Behaviour:
    """Send these lines and a body without any check, and at last a byte now and then."""

    def behave(handler: Handler) -> None:
        handler.wfile.write("".join(f"{line}\r\n" for line in lines).encode("latin-1") + body)
        for drip in drips:
            time.sleep(0.01)
            handler.wfile.write(bytes([drip]))

    return behave


def hang(_: Handler) -> None:
    """Send nothing for longer than the tests let a client wait."""
    time.sleep(2)


def reset(handler: Handler) -> None:
    """Read the request and close the connection without a response."""
    handler.connection.shutdown(socket.SHUT_RDWR)
