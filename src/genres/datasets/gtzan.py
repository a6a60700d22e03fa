"""GTZAN itself: the file on the Hugging Face hub or, when that cannot be had, the archived original."""

import re
import sys
from pathlib import Path

from httpx2 import HTTPError, NetworkError, RemoteProtocolError, TimeoutException
from huggingface_hub import HfFileMetadata, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from genres import attempts
from genres.attempts import PassingError, SourceError, refusal, require_connection, retry
from genres.datasets.archives import extract_clips
from genres.fetching import fetch, fetch_failure, kept_file
from genres.remotes import GTZAN_ON_HUB, GTZAN_ORIGINAL, HubFile, Remote


def write_gtzan(folder: Path) -> None:
    """Put the 1,000 clips of GTZAN into the empty ``folder`` as ``<genre>/<clip>.<ext>``.

    Raises:
        InputError: no source has it, or there is no room for it.
    """
    extract_clips(_obtain_archive(), folder)


def _obtain_archive() -> Path:
    for remote in (GTZAN_ON_HUB, GTZAN_ORIGINAL):
        if kept := kept_file(remote):
            return kept
    try:
        return fetch(_ask_hub(GTZAN_ON_HUB))
    except SourceError as hub_failure:
        print(f"warning: {hub_failure}; trying the archived original", file=sys.stderr, flush=True)
        try:
            return fetch(GTZAN_ORIGINAL)
        except SourceError as failure:
            raise fetch_failure("GTZAN", [hub_failure, failure]) from failure


def _ask_hub(file: HubFile) -> Remote:
    """Learn from the hub, or from the mirror in HF_ENDPOINT, where the file is and what its sha256 is.

    Raises:
        SourceError: it cannot say, or speaks of another revision or size.
    """
    url = hf_hub_url(file.repository, file.path, repo_type="dataset", revision=file.revision)
    require_connection(url)
    try:
        # Not with the library's own retries, which wait for however long the server asks.
        found = retry(url, lambda: _ask_once(url))
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise SourceError(f"{url}: {error}") from error
    if found.commit_hash != file.revision:
        raise SourceError(f"{url}: the hub answers for revision {found.commit_hash}, not {file.revision}")
    if found.size != file.size:
        raise SourceError(f"{url}: the hub has {found.size} bytes, not {file.size}")
    if found.etag is None or not re.fullmatch("[0-9a-f]{64}", found.etag):
        raise SourceError(f"{url}: the hub publishes {found.etag!r}, which is no sha256")
    return Remote(file.name, file.file, url, file.size, found.etag)


def _ask_once(url: str) -> HfFileMetadata:
    try:
        # Without a token: the file is public, and one that has expired would be refused.
        return get_hf_file_metadata(url, token=False, timeout=attempts.READ_SECONDS)
    except HfHubHTTPError as error:
        raise refusal(url, error.response.status_code, error.response.headers) from error
    except (NetworkError, RemoteProtocolError, TimeoutException) as error:
        raise PassingError(f"no answer from the hub ({error})") from error
