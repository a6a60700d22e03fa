"""A server on this machine that does to a download what servers and networks do."""

import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Self

CONTENT = os.urandom(3_000_000)
PIECE = 50_000


class Handler(BaseHTTPRequestHandler):
    """Answers each request as the next entry of the server's script says, and well once that has ended."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def answer(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        behave = self.server.script.pop(0) if self.server.script else self.server.behave
        self.close_connection = True
        with suppress(BrokenPipeError, ConnectionResetError):  # the client was killed, or had enough
            behave(self)

    do_GET = do_HEAD = answer  # noqa: N815 - the names that http.server looks for

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
    def __init__(self, content: bytes = CONTENT) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.url = f"http://127.0.0.1:{self.server_port}/music.bin"
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.script: list[Behaviour] = []
        self.behave: Behaviour = serve()
        self.sent = 0  # bytes of all bodies

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        super().__exit__(*error)

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, _, headers in self.seen]


def serve(
    *,
    with_ranges: bool = True,
    with_length: bool = True,
    stop_at: float = 1.0,
    more: bytes = b"",
    pace: Callable[[int], object] = lambda _: None,
) -> Behaviour:
    """Send the file, from where it is asked for; cut the line at the share ``stop_at`` of the whole."""

    def behave(handler: Handler) -> None:
        content = handler.server.content
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked and with_ranges else 0
        if start >= len(content):
            handler.head(416, Content_Length=0)
            return
        length = {"Content_Length": len(content) + len(more) - start} if with_length else {}
        if asked and with_ranges:
            handler.head(206, Content_Range=f"bytes {start}-{len(content) - 1}/{len(content)}", **length)
        else:
            handler.head(200, **length)
        if handler.command == "HEAD":
            return
        body = (content + more)[start : max(start, int(len(content) * stop_at)) if stop_at < 1 else None]
        for offset in range(0, len(body), PIECE):
            pace(start + offset)
            handler.wfile.write(body[offset : offset + PIECE])
            handler.server.sent += PIECE

    return behave


def status(code: int, body: bytes = b"", **headers: object) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.head(code, Content_Length=len(body), **headers)
        handler.wfile.write(body)

    return behave


def hang(release: Event) -> Behaviour:
    def behave(handler: Handler) -> None:
        release.wait(20)

    return behave


def reset(handler: Handler) -> None:
    """Take the request and close the line without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
