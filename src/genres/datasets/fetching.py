"""Downloads into the user's cache folder: resumed after an interruption, renamed once complete and verified."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path

import requests
from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from requests.exceptions import ProxyError, RequestException, SSLError
from urllib3.exceptions import ConnectTimeoutError, HTTPError

from genres.core.errors import InputError
from genres.core.files import MEGABYTE, atomic_write, file_sha256, require_space
from genres.core.progress import Progress
from genres.datasets.retry import (
    SourceError,
    TransientError,
    UnreachableError,
    reason,
    retry,
    status_error,
    supervise,
)

CONNECT_SECONDS = 5.0  # for each address of a host
READ_SECONDS = 30.0  # without a byte; the Internet Archive takes long to find a file
CHUNK_BYTES = 2**16
HTML_PREFIXES = (b"<!doctype html", b"<html")
HTML_BYTES = 64  # at the beginning, in which one of these stands, after white space
HUB = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")  # of Hugging Face, or its mirror
CACHE_HINT = "set XDG_CACHE_HOME to another cache folder"


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
    """Return the path of ``remote`` in the cache folder, or None if it is not there.

    If it fails its checksum, the result is None, too, and a warning is printed. Only `fetch` deletes it, which holds
    the file's lock: another process may be replacing it.

    Raises:
        InputError: the file cannot be read.
    """
    file = user_cache_path("genres") / remote.file
    try:
        if not file.is_file():
            return None
        if remote.sha256 is None:
            return file
        size = file.stat().st_size / MEGABYTE
        print(f"checking {file}, {size:.0f} MB, against its checksum", file=sys.stderr, flush=True)
        if file_sha256(file) == remote.sha256:
            return file
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}); make it readable, or delete it") from error
    print(f"warning: {file} is damaged: it fails its checksum", file=sys.stderr, flush=True)
    return None


def recorded_sha256(remote: Remote) -> str | None:
    """Return the checksum that `fetch` has recorded beside the file, or None."""
    checksum = _checksum_file(user_cache_path("genres") / remote.file)
    with suppress(OSError, UnicodeDecodeError):
        if checksum.is_file() and (found := re.match("([0-9a-f]{64}) ", checksum.read_text(encoding="utf-8"))):
            return found[1]
    return None


def fetch(remote: Remote) -> Path:
    """Return the path of ``remote`` in the cache folder; download it first if it is not there.

    The download is named ``<file>.partial``, and a later run resumes one that broke or was killed. Of several
    processes one downloads and the others wait for it. The checksum, if there is one, is recorded in ``<file>.sha256``.

    Raises:
        SourceError: the source is not available or sends something else. A partial download is kept only if it
            may still be correct.
        InputError: the file cannot be written, for lack of space or permission, or because a folder has its name.
    """
    file = user_cache_path("genres") / remote.file
    partial = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _lock(file):
            _make_way(file, partial)
            if not cached_file(remote):
                if file.is_file():
                    print(f"{file} is deleted and downloaded again", file=sys.stderr, flush=True)
                    file.unlink(missing_ok=True)
                _announce(remote, partial)
                retry(remote.url, lambda deadline: _download(remote, partial, deadline))
                partial.replace(file)
            if remote.sha256:
                with atomic_write(_checksum_file(file)) as checksum:  # as `sha256sum -c` reads it
                    checksum.write_text(f"{remote.sha256}  {file.name}\n", encoding="utf-8")
            return file
    except OSError as error:
        raise InputError(
            f"{file} cannot be written ({error.strerror}). It takes {remote.size / MEGABYTE:.0f} MB in all: free some "
            f"space, make its folder writable, or {CACHE_HINT}."
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


def _checksum_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")


def _make_way(file: Path, partial: Path) -> None:
    """Raise InputError if a folder has one of these names; delete a ``partial`` that is a pipe, a link or the like."""
    for path in (file, partial, _checksum_file(file)):
        if path.is_dir() and not path.is_symlink():
            raise InputError(f"{path} is a folder, where a file is to be downloaded to; remove it, or {CACHE_HINT}")
    if partial.is_symlink() or not partial.is_file():  # opening a pipe never ends, and a link leads elsewhere
        partial.unlink(missing_ok=True)


def _announce(remote: Remote, partial: Path) -> None:
    """Print what is downloaded, how much, from where and to where; raise InputError if there is no space for it."""
    offset = partial.stat().st_size if partial.exists() and remote.sha256 else 0
    missing = max(remote.size - offset, 0)
    require_space(missing, partial.parent, f"the rest of {remote.name}" if offset else remote.name, CACHE_HINT)
    free = shutil.disk_usage(partial.parent).free
    about = "" if remote.sha256 else "about "
    resumed = f" ({offset / MEGABYTE:.0f} MB of it are already there)" if offset else ""
    print(
        f"downloading {remote.name}, {about}{remote.size / MEGABYTE:.0f} MB{resumed}, from {remote.url} "
        f"to {partial.parent}, where {free / MEGABYTE:.0f} MB are free",
        file=sys.stderr,
        flush=True,
    )


def _download(remote: Remote, partial: Path, deadline: float) -> None:
    """Request what ``partial`` lacks of ``remote``, append it, and verify the whole file."""
    offset = partial.stat().st_size if partial.exists() else 0
    if remote.sha256 is None or offset > remote.size:
        offset = 0  # without a checksum, nothing tells whether old and new bytes belong together
    resumed = offset > 0
    if offset < remote.size:
        resumed = supervise(lambda report: _request(remote, partial, offset, report), deadline)
        with partial.open("rb") as file:
            os.fsync(file.fileno())  # a power cut must not leave the final name without the content
    if remote.sha256 and (actual := file_sha256(partial)) != remote.sha256:
        partial.unlink()
        if resumed:
            raise TransientError("the resumed file fails its checksum, so it is downloaded from the start")
        raise SourceError(f"{remote.url}: the sha256 is {actual}, not {remote.sha256}; the download was deleted")


def _request(remote: Remote, partial: Path, offset: int, report: Callable[[int], None]) -> bool:
    """Request ``remote`` from byte ``offset`` on and write it to ``partial``; return False if all of it is sent."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    hooks = {"response": _drop_body_of_redirect}
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    try:
        with requests.get(remote.url, headers=headers, hooks=hooks, stream=True, timeout=timeout) as response:
            return _receive(response, remote, partial, offset, report)
    except (requests.ConnectionError, requests.Timeout) as error:
        cause = getattr(error.args[0], "reason", error)
        why = reason(cause.args[-1])  # without the words "Max retries exceeded" and the address of an object
        if isinstance(error, SSLError):
            raise SourceError(f"{remote.url}: {why}") from error
        if isinstance(error, ProxyError):
            raise UnreachableError(f"cannot connect through the proxy ({why})", offset) from error
        if isinstance(cause, ConnectTimeoutError):  # the class of refused connections and unknown names, too
            raise UnreachableError(f"cannot connect ({why})", offset) from error
        raise TransientError(f"no response ({why})", offset) from error
    except (RequestException, HTTPError) as error:  # such as no URL; not all of urllib3's are translated
        raise SourceError(f"{remote.url}: {reason(error)}") from error
    except ValueError as error:  # such as a redirect to http://[bad or to bytes that are no UTF-8
        raise SourceError(f"{remote.url}: the server's answer is not valid ({reason(error)})") from error


def _drop_body_of_redirect(response: requests.Response, *_: object, **__: object) -> None:
    """Have requests not read what comes with a redirect, which it would to its end, however far that is."""
    if response.is_redirect:
        response.raw.close()
        response.raw = BytesIO()


def _receive(
    response: requests.Response, remote: Remote, partial: Path, offset: int, report: Callable[[int], None]
) -> bool:
    """Write the body to ``partial`` from byte ``offset`` on; return False if the server sends the whole file."""
    report(offset)
    status, headers = response.status_code, response.headers
    resumed = offset > 0 and status == 206
    if (resumed and not headers.get("Content-Range", "").startswith(f"bytes {offset}-")) or (offset and status == 416):
        partial.unlink()
        raise TransientError(f"the server does not send the file from byte {offset} on")
    if not resumed and status != 200:
        raise status_error(remote.url, status, headers, offset)
    start = offset if resumed else 0
    chunks = _chunks(response, start)
    first = b""
    while len(first) < HTML_BYTES and (chunk := next(chunks, b"")):
        first += chunk
    if "text/html" in headers.get("Content-Type", "") or first.lstrip().lower().startswith(HTML_PREFIXES):
        raise SourceError(f"{remote.url}: the server sends an HTML page instead of the file; it was not saved")
    length = headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else remote.size
    limit = remote.size if remote.sha256 else 2 * remote.size
    if total > limit or (remote.sha256 and total != remote.size):
        raise SourceError(f"{remote.url}: the server announces {total} bytes, not {remote.size}; nothing was saved")
    report(start)
    with (
        partial.open("ab" if resumed else "wb") as file,
        Progress(total, f"download {remote.file}", "B", start) as progress,
    ):
        for chunk in chain([first], chunks):
            report(file.tell() + len(chunk))
            file.write(chunk)
            file.flush()  # at once: an attempt that is given up must not write while the next one does
            progress.advance(amount=len(chunk))
            if file.tell() > limit:
                break
        size = file.tell()
    if size > limit:
        partial.unlink()
        raise SourceError(f"{remote.url}: the server sends more than {limit} bytes; the download was deleted")
    if remote.sha256 and size < remote.size:
        raise TransientError(f"the response ended after {size} of {remote.size} bytes", size)
    return resumed


def _chunks(response: requests.Response, start: int) -> Iterator[bytes]:
    """Yield the body as sent: some servers declare a tar.gz as a gzip-encoded tar, and requests would decode it.

    What has arrived is not kept back until a chunk is full, so that a slow download shows progress and keeps it.
    """
    reached = start
    try:
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
            yield chunk
            reached += len(chunk)
    except (HTTPError, OSError) as error:
        raise TransientError(f"the connection broke after {reached} bytes ({reason(error)})", reached) from error
