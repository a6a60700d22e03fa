"""Downloads into the user's cache folder: resumed after an interruption, renamed once complete and verified."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import requests
from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from requests.exceptions import ProxyError, RequestException, SSLError
from urllib3.exceptions import ConnectTimeoutError, HTTPError

from genres.core.errors import InputError
from genres.core.files import file_sha256
from genres.core.progress import Progress
from genres.datasets.retry import SourceError, TransientError, UnreachableError, retry, status_error

CONNECT_SECONDS = 5.0  # for each address of a host
READ_SECONDS = 30.0  # without a byte; the Internet Archive takes long to find a file
CHUNK_BYTES = 2**16
MEGABYTE = 10**6
HTML_PREFIXES = (b"<!doctype html", b"<html")
CACHE_HINT = "or set XDG_CACHE_HOME to another cache folder"


@dataclass(frozen=True)
class Remote:
    """A file behind a URL; ``size`` in bytes, ``file`` its path in the cache folder.

    Without a ``sha256``, the host packs the archive anew now and then: its size is approximate, and its content
    has to be verified instead.
    """

    name: str
    file: str
    url: str
    size: int
    sha256: str | None


def cached_file(remote: Remote) -> Path | None:
    """Return the path of ``remote`` in the cache folder, or None if it is missing or fails its checksum."""
    file = user_cache_path("genres") / remote.file
    return file if file.is_file() and remote.sha256 in (None, file_sha256(file)) else None


def fetch(remote: Remote) -> Path:
    """Return the path of ``remote`` in the cache folder; download it first if it is not there.

    The download is named ``<file>.partial``, and a later run resumes one that broke or was killed. Of several
    processes one downloads and the others wait for it.

    Raises:
        SourceError: the source is not available or sends something else. A partial download is kept only if it
            may still be correct.
        InputError: the file cannot be written, for lack of space or permission.
    """
    file = user_cache_path("genres") / remote.file
    partial = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _lock(file):
            if cached_file(remote):
                return file
            _announce(remote, partial)
            retry(remote.url, lambda: _download(remote, partial))
            partial.replace(file)
            return file
    except OSError as error:
        raise InputError(
            f"{file} cannot be written ({error.strerror}). It takes {remote.size / MEGABYTE:.0f} MB in all: free some "
            f"space, make its folder writable, {CACHE_HINT}."
        ) from error


def fetch_failure(name: str, failures: list[SourceError]) -> InputError:
    """Return the error for a data set ``name`` that no source provides: what was tried, and the alternatives."""
    tried = "; ".join(str(failure) for failure in failures)
    return InputError(
        f"{name} cannot be downloaded. Tried {tried}. If you are online, try again later: a download is resumed where "
        "possible. Otherwise, set HF_ENDPOINT to the URL of a mirror of Hugging Face (for gtzan) or HTTPS_PROXY to a "
        "proxy; if you have the files, set `dataset.name: local` and `dataset.path` to their folder or archive; "
        "`dataset.name: synthetic` needs no files."
    )


def _lock(file: Path) -> AbstractContextManager[object]:
    """Wait until no other process holds the lock of ``file``, and take it; the system releases that of a killed one."""
    lock = FileLock(f"{file}.lock")
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        print(f"another process is downloading {file}; waiting for it to finish", file=sys.stderr, flush=True)
        return lock.acquire()


def _announce(remote: Remote, partial: Path) -> None:
    """Print what is downloaded, how much, from where and to where; raise InputError if there is no space for it."""
    offset = partial.stat().st_size if partial.exists() and remote.sha256 else 0
    missing = max(remote.size - offset, 0)
    free = shutil.disk_usage(partial.parent).free
    about = "" if remote.sha256 else "about "
    if missing > free:
        raise InputError(
            f"{remote.name} takes {about}{missing / MEGABYTE:.0f} MB more in {partial.parent}, where only "
            f"{free / MEGABYTE:.0f} MB are free. Free some space, {CACHE_HINT}."
        )
    resumed = f" ({offset / MEGABYTE:.0f} MB of it are already there)" if offset else ""
    print(
        f"downloading {remote.name}, {about}{remote.size / MEGABYTE:.0f} MB{resumed}, from {remote.url} "
        f"to {partial.parent}, where {free / MEGABYTE:.0f} MB are free",
        file=sys.stderr,
        flush=True,
    )


def _download(remote: Remote, partial: Path) -> None:
    """Request what ``partial`` lacks of ``remote``, append it, and verify the whole file."""
    offset = partial.stat().st_size if partial.exists() else 0
    if remote.sha256 is None or offset > remote.size:
        offset = 0  # without a checksum, nothing tells whether old and new bytes belong together
    resumed = offset > 0
    if offset < remote.size:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if resumed else {})
        timeout = (CONNECT_SECONDS, READ_SECONDS)
        try:
            with requests.get(remote.url, headers=headers, stream=True, timeout=timeout) as response:
                resumed = _receive(response, remote, partial, offset)
        except (requests.ConnectionError, requests.Timeout) as error:
            cause = getattr(error.args[0], "reason", error)
            why = cause.args[-1]  # without the words "Max retries exceeded" and the address of an object
            if isinstance(error, SSLError):
                raise SourceError(f"{remote.url}: {why}") from error
            if isinstance(error, ProxyError):
                raise UnreachableError(f"cannot connect through the proxy ({why})", offset) from error
            if isinstance(cause, ConnectTimeoutError):  # the class of refused connections and unknown names, too
                raise UnreachableError(f"cannot connect ({why})", offset) from error
            raise TransientError(f"no response ({why})", offset) from error
        except (RequestException, HTTPError) as error:  # such as no URL; not all of urllib3's are translated
            raise SourceError(f"{remote.url}: {error}") from error
    if remote.sha256 and (actual := file_sha256(partial)) != remote.sha256:
        partial.unlink()
        if resumed:
            raise TransientError("the resumed file fails its checksum, so it is downloaded from the start")
        raise SourceError(f"{remote.url}: the sha256 is {actual}, not {remote.sha256}; the download was deleted")


def _receive(response: requests.Response, remote: Remote, partial: Path, offset: int) -> bool:
    """Write the body to ``partial`` from byte ``offset`` on; return False if the server sends the whole file."""
    status, headers = response.status_code, response.headers
    resumed = offset > 0 and status == 206
    if (resumed and not headers.get("Content-Range", "").startswith(f"bytes {offset}-")) or (offset and status == 416):
        partial.unlink()
        raise TransientError(f"the server does not send the file from byte {offset} on")
    if not resumed and status != 200:
        raise status_error(remote.url, status, headers, offset)
    start = offset if resumed else 0
    chunks = _chunks(response, start)
    first = next(chunks, b"")
    if "text/html" in headers.get("Content-Type", "") or first.lstrip().lower().startswith(HTML_PREFIXES):
        raise SourceError(f"{remote.url}: the server sends an HTML page instead of the file; it was not saved")
    length = headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else remote.size
    limit = remote.size if remote.sha256 else 2 * remote.size
    if total > limit or (remote.sha256 and total != remote.size):
        raise SourceError(f"{remote.url}: the server announces {total} bytes, not {remote.size}; nothing was saved")
    with (
        partial.open("ab" if resumed else "wb") as file,
        Progress(total, f"download {remote.file}", "B", start) as progress,
    ):
        for chunk in chain([first], chunks):
            file.write(chunk)
            progress.advance(amount=len(chunk))
            if file.tell() > limit:
                break
        file.flush()
        os.fsync(file.fileno())  # a power cut must not leave the final name without the content
        size = file.tell()
    if size > limit:
        partial.unlink()
        raise SourceError(f"{remote.url}: the server sends more than {limit} bytes; the download was deleted")
    if remote.sha256 and size < remote.size:
        raise TransientError(f"the response ended after {size} of {remote.size} bytes", size)
    return resumed


def _chunks(response: requests.Response, start: int) -> Iterator[bytes]:
    """Yield the body as sent: some servers declare a tar.gz as a gzip-encoded tar, and requests would decode it."""
    reached = start
    try:
        while chunk := response.raw.read(CHUNK_BYTES, decode_content=False):
            yield chunk
            reached += len(chunk)
    except (HTTPError, OSError) as error:
        raise TransientError(f"the connection broke after {reached} bytes ({error})", reached) from error
