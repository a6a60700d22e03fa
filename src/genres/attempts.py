"""Attempts at a server: which failures pass, how long to wait for it, and when to give up."""

import socket
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, Queue
from threading import Thread
from typing import TypeVar
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy

from genres.errors import InputError

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0  # without a byte; the Internet Archive needs long to find a file
PAUSES = (1, 2, 4, 8, 16)  # seconds between attempts of which none got further
LONGEST_PAUSE = 120  # seconds; who asks for more is taken for not there
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
PROGRESS_BYTES = 2**20  # what an attempt has to get further by for the count of failures to begin anew
PORTS = {"http": 80, "https": 443}

Result = TypeVar("Result")


class SourceError(InputError):
    """One source cannot give what is wanted; another might."""


class PassingError(Exception):
    """An attempt failed, but the next may not.

    ``reached`` is how many bytes there were by then, ``wait`` for how many seconds the server asked.
    """

    def __init__(self, why: str, reached: int = 0, wait: float = 0) -> None:
        super().__init__(why)
        self.reached = reached
        self.wait = wait


def require_connection(url: str) -> None:
    """Find out within `CONNECT_SECONDS` whether the host of ``url``, or the proxy for it, can be reached.

    requests would wait that long for each of a host's addresses, and for its name as long as the system likes.

    Raises:
        SourceError: it cannot be reached.
    """
    proxy = None
    try:
        proxy = select_proxy(url, get_environ_proxies(url))
        place = urlsplit(prepend_scheme_if_needed(proxy, "http") if proxy else url)
        host, port = place.hostname, place.port or PORTS.get(place.scheme)
    except ValueError as error:
        raise SourceError(f"{url}: this, or the proxy {proxy} for it, is no URL ({error})") from error
    if host is None or port is None:
        raise SourceError(f"{url}: this, or the proxy {proxy} for it, is no URL; expected http(s)://<host>...")
    answers: Queue[OSError | UnicodeError | None] = Queue()

    def connect(family: socket.AddressFamily) -> None:
        try:
            address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(CONNECT_SECONDS)
                connection.connect(address)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
            answers.put(error)
        else:
            answers.put(None)

    families = (socket.AF_INET, socket.AF_INET6)  # one of the two is often broken where the other is not
    for family in families:
        Thread(target=connect, args=(family,), daemon=True).start()
    failures = []
    deadline = time.monotonic() + CONNECT_SECONDS
    try:
        for _ in families:
            failure = answers.get(timeout=max(0, deadline - time.monotonic()))
            if failure is None:
                return
            failures.append(str(failure))
    except Empty:
        failures.append(f"no answer within {CONNECT_SECONDS:.0f} s")
    behind = f" (a proxy, as your environment says, for {url})" if proxy else ""
    raise SourceError(f"{url}: cannot connect to {host}:{port}{behind}: {'; '.join(dict.fromkeys(failures))}")


def refusal(url: str, status: int, headers: Mapping[str, str], reached: int = 0) -> SourceError | PassingError:
    """Return what to raise when a server answers with a ``status`` that brings nothing."""
    if status in PASSING_STATUS:
        return PassingError(f"the server answers with status {status}", reached, _asked_wait(headers))
    return SourceError(f"{url}: the server answers with status {status}")


def _asked_wait(headers: Mapping[str, str]) -> float:
    """Return the seconds of a Retry-After header, which has a number or a date; 0 where it is missing or neither."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return (parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return 0


def retry(url: str, attempt: Callable[[], Result]) -> Result:
    """Call ``attempt`` until it raises no `PassingError`, and return what it returns.

    Raises:
        SourceError: one attempt more than there are `PAUSES` failed in a row without getting further, or the
            server asked to wait for longer than `LONGEST_PAUSE`.
    """
    furthest = 0
    pauses = iter(PAUSES)
    while True:
        try:
            return attempt()
        except PassingError as failure:
            if failure.reached >= furthest + PROGRESS_BYTES:
                furthest, pauses = failure.reached, iter(PAUSES)
            pause = next(pauses, None)
            if pause is None:
                raise SourceError(f"{url}: {failure}, {len(PAUSES) + 1} times in a row") from failure
            if failure.wait > LONGEST_PAUSE:
                raise SourceError(f"{url}: {failure} and asks to wait for {failure.wait:.0f} s") from failure
            wait = max(pause, failure.wait)
            print(f"{failure}; trying again in {wait:.0f} s", file=sys.stderr, flush=True)
            time.sleep(wait)
