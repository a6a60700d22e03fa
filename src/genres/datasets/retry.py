"""Retries: which failures are worth another attempt, how long to wait for it, and when to give up."""

import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread
from typing import TypeVar

import urllib3
from urllib3.exceptions import InvalidHeader

from genres.core.errors import InputError

PAUSES = (1, 2, 4, 8, 16)  # seconds between attempts that make no progress
MAX_PAUSE = 120  # seconds; a server that asks for more counts as down
TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
PROGRESS_BYTES = 2**20  # an attempt that gets this much further resets the count of failures
WINDOW_SECONDS, WINDOW_BYTES = 60.0, 60_000  # an attempt that gets less of the file than 1 kB/s is given up
MAX_SECONDS = 24 * 3600  # for all attempts on a file; for GTZAN, the largest, 14 kB/s are enough
MAX_REASON = 300  # characters of an error, of which the server may have chosen any part

Result = TypeVar("Result")


class SourceError(InputError):
    """One source cannot provide the file; another might."""


class TransientError(Exception):
    """An attempt failed, but the next one may succeed.

    ``reached`` is the number of bytes on disk by then, ``wait`` the seconds that the server asked to wait.
    """

    def __init__(self, message: str, reached: int = 0, wait: float = 0) -> None:
        super().__init__(message)
        self.reached, self.wait = reached, wait


class UnreachableError(TransientError):
    """There was no connection to the host: transient only if an earlier attempt had one."""


def reason(error: object) -> str:
    """Return what ``error`` says as one line that is not too long."""
    return textwrap.shorten(str(error), MAX_REASON, placeholder="...")


def status_error(url: str, status: int, headers: Mapping[str, str], reached: int = 0) -> SourceError | TransientError:
    """Return the error to raise for an HTTP ``status`` other than success."""
    message = f"the server answers with status {status}"
    if status not in TRANSIENT_STATUS:
        return SourceError(f"{url}: {message}")
    wait = 0.0
    with suppress(InvalidHeader, ValueError, OverflowError):  # OverflowError: a date or a number that is too large
        wait = float(urllib3.Retry().parse_retry_after(headers.get("Retry-After", "0")))
    return TransientError(message, reached, wait)


def retry(url: str, attempt: Callable[[float], Result]) -> Result:
    """Call ``attempt`` until it raises no `TransientError`, and return its result.

    ``attempt`` is given the deadline of all attempts, on the clock of `time.monotonic`.

    Raises:
        SourceError: the first attempt could not connect, one attempt more than there are `PAUSES` failed
            without progress, the server asked to wait for longer than `MAX_PAUSE`, or `MAX_SECONDS` have passed.
    """
    deadline = time.monotonic() + MAX_SECONDS
    furthest, pauses, is_first = 0, iter(PAUSES), True
    while True:
        try:
            return attempt(deadline)
        except TransientError as failure:
            if is_first and isinstance(failure, UnreachableError):
                raise SourceError(f"{url}: {failure}") from failure
            is_first = False
            if failure.reached >= furthest + PROGRESS_BYTES:
                furthest, pauses = failure.reached, iter(PAUSES)
            pause = next(pauses, None)
            if pause is None:
                raise SourceError(f"{url}: {failure}, {len(PAUSES) + 1} times in a row") from failure
            if failure.wait > MAX_PAUSE:
                raise SourceError(f"{url}: {failure} and asks to wait for {failure.wait:.0f} s") from failure
            wait = max(pause, failure.wait)
            if time.monotonic() + wait > deadline:
                raise SourceError(f"{url}: {failure}; given up after {MAX_SECONDS / 3600:g} hours") from failure
            print(f"{failure}; trying again in {wait:.0f} s", file=sys.stderr, flush=True)
            time.sleep(wait)


def supervise(attempt: Callable[[Callable[[int], None]], Result], deadline: float) -> Result:
    """Return the result of ``attempt``, which has to get `WINDOW_BYTES` further in every `WINDOW_SECONDS`.

    The timeouts of sockets start anew with every byte, so a server that sends one now and then would never be given up.
    One that sends just enough is given up at the ``deadline``, on the clock of `time.monotonic`.
    ``attempt`` calls the function that it is given with the number of bytes that it has reached, before it writes any.
    It runs in a thread. When it is given up, that function raises there, and the thread does not keep the process.

    Raises:
        TransientError: the attempt was too slow, or has not ended by the ``deadline``.
    """
    outcome: Future[Result] = Future()
    reached, is_given_up = 0, False

    def report(position: int) -> None:
        nonlocal reached
        if is_given_up:
            raise TransientError("given up")
        reached = position

    def run() -> None:
        try:
            outcome.set_result(attempt(report))
        except BaseException as error:  # raised below
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    before = 0
    try:
        while not wait([outcome], WINDOW_SECONDS).done:
            if reached < before + WINDOW_BYTES:
                pace = f"less than {WINDOW_BYTES / 1000:g} kB in {WINDOW_SECONDS:g} s"
                raise TransientError(f"the server sends {pace}", reached)
            if time.monotonic() > deadline:
                raise TransientError(f"only {reached} bytes have arrived", reached)
            before = reached
        return outcome.result()
    finally:
        is_given_up = True
