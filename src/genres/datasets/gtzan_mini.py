"""gtzan-mini: ten clips of each of GTZAN's genres, 120 MB of real music."""

from pathlib import Path

from genres.artifacts import file_sha256
from genres.attempts import SourceError
from genres.datasets.archives import NoRoomError, extract_clips
from genres.errors import InputError
from genres.fetching import fetch, fetch_failure
from genres.remotes import GTZAN_MINI

CHECKSUMS = Path(__file__).with_name("gtzan_mini.sha256")  # what sha256sum prints in the folder of genres


def write_gtzan_mini(folder: Path) -> None:
    """Put the 100 clips of gtzan-mini into the empty ``folder`` as ``<genre>/<clip>.wav``.

    Raises:
        InputError: it cannot be had, or its clips are others; its archive is then not kept.
    """
    try:
        archive = fetch(GTZAN_MINI)
    except SourceError as failure:
        raise fetch_failure("gtzan-mini", [failure]) from failure
    try:
        extract_clips(archive, folder)
        _check_clips(folder)
    except NoRoomError:
        raise
    except InputError:
        archive.unlink()
        raise


def _check_clips(folder: Path) -> None:
    """Raise InputError unless the clips in ``folder`` are exactly those of the list, to the byte."""
    lines = (line.split("  ", 1) for line in CHECKSUMS.read_text(encoding="utf-8").splitlines())
    expected = {path: checksum for checksum, path in lines}
    found = {file.relative_to(folder).as_posix(): file_sha256(file) for file in folder.glob("*/*")}
    different = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
    if different:
        raise InputError(
            f"{GTZAN_MINI.url} does not hold the clips of gtzan-mini: {len(different)} are missing, added or changed, "
            f"e.g. {different[0]}. Nothing of it was kept; try again later, or use `dataset.name: synthetic`."
        )
