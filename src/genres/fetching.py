"""One remote file into the user's cache folder, where it takes its name only when it is whole and right."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from requests.exceptions import ProxyError, RequestException, SSLError
from urllib3.exceptions import HTTPError

from genres import attempts
from genres.artifacts import file_sha256
from genres.attempts import PassingError, SourceError, refusal, require_connection, retry
from genres.errors import InputError
from genres.progress import Progress
from genres.remotes import HubFile, Remote

CHUNK_BYTES = 2**16
MEGABYTE = 10**6
HTML_STARTS = (b"<!doctype html", b"<html")
ELSEWHERE = "XDG_CACHE_HOME names another folder for it"


def kept_file(remote: Remote | HubFile) -> Path | None:
    """Return where an earlier run has put ``remote``, or None if there is nothing, or something else.

    Size and, where the table has it, sha256 must fit. The hub's sha256 was checked when the file came.
    """
    file = user_cache_path("genres") / remote.file
    if not file.is_file():
        return None
    if isinstance(remote, Remote):
        return file if remote.sha256 in (None, file_sha256(file)) else None
    return file if file.stat().st_size == remote.size else None


def fetch(remote: Remote) -> Path:
    """Return where ``remote`` lies in the cache folder, after fetching it if it was not there.

    While it comes it has the name ``<file>.partial``, and a later run goes on where a broken or killed one
    ended. Of several processes one fetches and the others wait for it.

    Raises:
        SourceError: this source cannot be had, or gives something else. The part that came is kept only
            where it can still be right.
        InputError: it cannot be written, for want of room or of permission.
    """
    file = user_cache_path("genres") / remote.file
    partial = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(file):
            if kept_file(remote):
                return file
            _announce(remote, partial)
            require_connection(remote.url)
            retry(remote.url, lambda: _complete(remote, partial))
            partial.replace(file)
            return file
    except OSError as error:
        raise InputError(
            f"{file} cannot be written ({error.strerror}). It takes {remote.size / MEGABYTE:.0f} MB in all: make room, "
            f"or make its folder writable; {ELSEWHERE}."
        ) from error


def fetch_failure(name: str, failures: list[SourceError]) -> InputError:
    """Return the error for when no source could give the data set ``name``: what was tried, and the other ways."""
    tried = "; ".join(str(failure) for failure in failures)
    return InputError(
        f"{name} cannot be fetched. Tried {tried}. If there is a network, try again later: what has come is kept "
        "where it can be. Else: HF_ENDPOINT=<URL> names a mirror of Hugging Face (for gtzan) and HTTPS_PROXY a proxy; "
        "if you have the files, set `dataset.name: local` and `dataset.path` to their folder or archive; "
        "`dataset.name: synthetic` needs no files."
    )


@contextmanager
def _only_one(file: Path) -> Iterator[None]:
    """Wait until no other process is in this block for ``file``; the system ends the lock of a killed one."""
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"another process is fetching {file}; waiting until it has ended", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _announce(remote: Remote, partial: Path) -> None:
    """Print what is to be fetched, how much of it, from where and to where, if there is room for it."""
    here = partial.stat().st_size if partial.exists() and remote.sha256 else 0
    missing = max(remote.size - here, 0)
    free = shutil.disk_usage(partial.parent).free
    about = "" if remote.sha256 else "about "
    if missing > free:
        raise InputError(
            f"{remote.name} takes {about}{missing / MEGABYTE:.0f} MB more in {partial.parent}, where only "
            f"{free / MEGABYTE:.0f} MB are free. Make room; {ELSEWHERE}."
        )
    resumed = f" ({here / MEGABYTE:.0f} MB of it are here)" if here else ""
    print(
        f"fetching {remote.name}, {about}{remote.size / MEGABYTE:.0f} MB{resumed}, from {remote.url} "
        f"to {partial.parent}, where {free / MEGABYTE:.0f} MB are free",
        file=sys.stderr,
        flush=True,
    )


def _complete(remote: Remote, partial: Path) -> None:
    """Bring ``partial`` from what it has to the whole of ``remote``, and check it."""
    here = partial.stat().st_size if partial.exists() else 0
    if remote.sha256 is None or here > remote.size:
        here = 0  # without a checksum nothing tells whether what comes belongs to what is here
    resumed = here > 0
    if here < remote.size:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if resumed else {})
        try:
            with requests.get(
                remote.url, headers=headers, stream=True, timeout=(attempts.CONNECT_SECONDS, attempts.READ_SECONDS)
            ) as response:
                resumed = _receive(response, remote, partial, here)
        except (SSLError, ProxyError) as error:
            raise SourceError(f"{remote.url}: {error}") from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise PassingError(f"no answer ({error})", here) from error
        except RequestException as error:
            raise SourceError(f"{remote.url}: {error}") from error
    if remote.sha256 and (found := file_sha256(partial)) != remote.sha256:
        partial.unlink()
        if resumed:
            raise PassingError("what came does not fit what was here before, so all is fetched again")
        raise SourceError(f"{remote.url}: the sha256 is {found}, not {remote.sha256}; nothing of it was kept")


def _receive(response: requests.Response, remote: Remote, partial: Path, here: int) -> bool:
    """Write the body behind the first ``here`` bytes of ``partial``; return False where the server sends all anew."""
    if here and response.status_code == 416:
        partial.unlink()
        raise PassingError(f"the server has nothing from byte {here} on")
    resumed = here > 0 and response.status_code == 206
    if not resumed and response.status_code != 200:
        raise refusal(remote.url, response.status_code, response.headers, here)
    if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {here}-"):
        partial.unlink()
        raise PassingError("the server sends another part than was asked for")
    start = here if resumed else 0
    chunks = _chunks(response, start)
    first = next(chunks, b"")
    if "text/html" in response.headers.get("Content-Type", "") or first.lstrip().lower().startswith(HTML_STARTS):
        raise SourceError(f"{remote.url}: the server sends an HTML page, not the file; nothing of it was kept")
    announced = response.headers.get("Content-Length", "")
    total = start + int(announced) if announced.isdecimal() else remote.size
    most = remote.size if remote.sha256 else 2 * remote.size
    if total > most or (remote.sha256 and total != remote.size):
        raise SourceError(f"{remote.url}: the server announces {total} bytes, not {remote.size}; nothing was kept")
    with (
        partial.open("ab" if resumed else "wb") as file,
        Progress(total, f"fetch {remote.file}", "B", start) as progress,
    ):
        chunk = first
        while chunk and file.tell() <= most:
            file.write(chunk)
            progress.advance(amount=len(chunk))
            chunk = next(chunks, b"")
        file.flush()
        os.fsync(file.fileno())  # a power cut must not leave the name without the content
        size = file.tell()
    if size > most:
        partial.unlink()
        raise SourceError(f"{remote.url}: the server sends more than {most} bytes; nothing was kept")
    if remote.sha256 and size < remote.size:
        raise PassingError(f"the server ended after {size} of {remote.size} bytes", size)
    return resumed


def _chunks(response: requests.Response, start: int) -> Iterator[bytes]:
    """Yield the body as it is sent: some servers call a tar.gz a gzip-encoded tar, and requests would decode it."""
    reached = start
    try:
        while chunk := response.raw.read(CHUNK_BYTES, decode_content=False):
            yield chunk
            reached += len(chunk)
    except (HTTPError, OSError) as error:
        raise PassingError(f"the connection broke after {reached} bytes ({error})", reached) from error
