"""GTZAN itself: the file on the Hugging Face hub or, failing that, the archived original."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genres.core.errors import InputError
from genres.datasets.archives import extract_clips
from genres.datasets.description import DatasetDescription
from genres.datasets.fetching import CONNECT_SECONDS, HUB, Remote, cached_file, fetch, fetch_failure, recorded_sha256
from genres.datasets.retry import (
    SourceError,
    TransientError,
    UnreachableError,
    reason,
    retry,
    status_error,
    supervise,
)

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

REPOSITORY, REVISION = "marsyas/gtzan", "d2146561ecc7df707d9e6b8318885fe6a39668a2"
GTZAN_ON_HUB = Remote(
    name="GTZAN",
    file="gtzan-hub.tar.gz",
    url=f"{HUB}/datasets/{REPOSITORY}/resolve/{REVISION}/data/genres.tar.gz",
    size=1_226_192_050,
    sha256=None,  # the hub is asked for it
)
GTZAN_ORIGINAL = Remote(
    name="GTZAN (the original, archived)",
    file="gtzan-original.tar.gz",
    url="https://web.archive.org/web/20211207012050/http://opihi.cs.uvic.ca/sound/genres.tar.gz",
    size=1_225_571_541,
    sha256="24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6",
)


def _obtain_archive() -> Path:
    recorded = recorded_sha256(GTZAN_ON_HUB)
    for remote in (replace(GTZAN_ON_HUB, sha256=recorded), GTZAN_ORIGINAL):
        if remote.sha256 and (cached := cached_file(remote)):
            return cached
    try:
        return fetch(replace(GTZAN_ON_HUB, sha256=_request_sha256(GTZAN_ON_HUB)))
    except SourceError as hub_failure:
        # One without a recorded checksum cannot be verified now, but gzip's own is compared as it is extracted.
        cached = None if recorded else cached_file(GTZAN_ON_HUB)
        if cached and cached.stat().st_size == GTZAN_ON_HUB.size:
            print(f"warning: {hub_failure}; using {cached}, whose sha256 is not known", file=sys.stderr, flush=True)
            return cached
        print(f"warning: {hub_failure}; trying the archived original", file=sys.stderr, flush=True)
        try:
            return fetch(GTZAN_ORIGINAL)
        except SourceError as failure:
            raise fetch_failure("GTZAN", [hub_failure, failure]) from failure


def _request_sha256(remote: Remote) -> str:
    """Return the sha256 that the hub publishes; raise SourceError unless it has this revision in this size."""
    url = remote.url
    # Not with the library's own retries, which wait for however long the server asks.
    metadata = retry(url, lambda deadline: supervise(lambda _: _request_metadata(url), deadline))
    if metadata.commit_hash != REVISION:
        raise SourceError(f"{url}: the hub answers for revision {metadata.commit_hash}, not {REVISION}")
    if metadata.size != remote.size:
        raise SourceError(f"{url}: the hub has {metadata.size} bytes, not {remote.size}")
    if metadata.etag is None or not re.fullmatch("[0-9a-f]{64}", metadata.etag):
        raise SourceError(f"{url}: the hub publishes {metadata.etag!r}, which is not a sha256")
    return metadata.etag


def _request_metadata(url: str) -> "HfFileMetadata":
    # Imported here because other data sets need no hub, and because the library reads its settings as it is imported.
    try:
        import httpx2
        from huggingface_hub import get_hf_file_metadata
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    except ValueError as error:
        settings = ", ".join(sorted(name for name in os.environ if name.startswith("HF_")))
        raise InputError(
            f"huggingface_hub cannot be used ({reason(error)}): an environment variable has a value that it does not "
            f"accept; of {settings}, correct or unset that one"
        ) from error
    try:
        # Without a token: the file is public, and an expired one would be refused.
        return get_hf_file_metadata(url, token=False, timeout=CONNECT_SECONDS)
    except HfHubHTTPError as error:
        raise status_error(url, error.response.status_code, error.response.headers) from error
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise UnreachableError(f"cannot connect ({reason(error)})") from error
    except (httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.TimeoutException) as error:
        raise TransientError(f"no response from the hub ({reason(error)})") from error
    # The last three: a URL or a proxy that is none, a host name that none can have, a SOCKS proxy.
    except (httpx2.HTTPError, OfflineModeIsEnabled, httpx2.InvalidURL, ValueError, ImportError) as error:
        raise SourceError(f"{url}: {reason(error)}") from error


_ELSEWHERE = "Accuracies compare models here; they do not say how well genres are recognised in other music."
_LEAKS = (
    "On GTZAN, accuracies are known to be too high: its clips share {shared} across this split, and networks trained "
    "from scratch lose 10 to 15 points on one that keeps artists and recordings apart (Kereliuk, Sturm and Larsen, "
    f"2015). {_ELSEWHERE}"
)
DESCRIPTION = DatasetDescription(
    title="GTZAN",
    source=lambda _: f"GTZAN: 1,000 clips of 30 s, {REPOSITORY} on Hugging Face or the archived original",
    obtain=lambda _, folder, __: extract_clips(_obtain_archive(), folder),
    paper=True,
    split_caveats={
        "stratified": _LEAKS.format(shared="artists and recordings"),
        "kfold": _LEAKS.format(shared="artists and recordings"),
        "grouped": _LEAKS.format(shared="artists"),
        "fault-filtered": "This is the fault-filtered split of GTZAN (Kereliuk, Sturm and Larsen, 2015), without "
        "copies, distorted clips and artists on both sides. Do not compare its accuracies with those of random splits.",
        "own lists": f"GTZAN is split by your own lists, which may have artists on both sides. {_ELSEWHERE}",
    },
)
