"""gtzan-mini: ten clips of each of GTZAN's genres, 125 MB of real music."""

import shutil
import sys
from pathlib import Path

from genres.core.errors import InputError
from genres.core.files import NoRoomError, file_sha256
from genres.datasets.archives import extract_clips
from genres.datasets.description import DatasetDescription
from genres.datasets.fetching import Remote, cached_file, fetch, fetch_failure
from genres.datasets.layout import Skipped
from genres.datasets.retry import SourceError

ARCHIVE = Remote(
    name="gtzan-mini",
    file="gtzan-mini.zip",
    url="https://github.com/TempoBeatDownbeat/gtzan_mini/archive/a61439e86c13037011fde8e0f0743ec55c50bce3.zip",
    size=125_000_000,
    sha256=None,
)
CHECKSUMS = Path(__file__).with_name("gtzan_mini.sha256")  # the output of sha256sum in the folder of genres


def write_gtzan_mini(folder: Path) -> list[Skipped]:
    """Put the 100 clips of gtzan-mini into the empty ``folder`` as ``<genre>/<clip>.wav``; return what is skipped.

    Raises:
        InputError: it cannot be downloaded, or its clips differ from the list; the archive is then deleted.
    """
    is_cached = cached_file(ARCHIVE) is not None
    try:
        return _fetch_clips(folder)
    except InputError as error:
        if not is_cached or isinstance(error, NoRoomError):
            raise
        print(f"warning: the archive in the cache is damaged and downloaded again: {error}", file=sys.stderr)
    for genre in folder.iterdir():
        shutil.rmtree(genre)
    return _fetch_clips(folder)


def _fetch_clips(folder: Path) -> list[Skipped]:
    try:
        archive = fetch(ARCHIVE)
    except SourceError as failure:
        raise fetch_failure("gtzan-mini", [failure]) from failure
    try:
        skipped = extract_clips(archive, folder)
        found = {f"{file_sha256(file)}  {file.relative_to(folder).as_posix()}" for file in folder.glob("*/*")}
        expected = set(CHECKSUMS.read_text(encoding="utf-8").splitlines())
        different = sorted({line.split("  ", 1)[1] for line in expected ^ found})
        if different:
            raise InputError(
                f"{ARCHIVE.url} does not hold the clips of gtzan-mini: {len(different)} are missing, added or changed, "
                f"e.g. {different[0]}. The download was deleted; try again later, or use `dataset.name: synthetic`."
            )
    except InputError as error:
        if not isinstance(error, NoRoomError):
            archive.unlink()
        raise
    return skipped


DESCRIPTION = DatasetDescription(
    title="gtzan-mini (100 clips of GTZAN)",
    source=lambda _: "gtzan-mini: 100 clips of GTZAN, ten of each genre",
    obtain=lambda _, folder, __: write_gtzan_mini(folder),
    caveats=(
        "gtzan-mini is 100 of GTZAN's 1,000 clips, and a test set of a few clips says little: the intervals are wide, "
        "and nothing here says how well the models do on GTZAN.",
    ),
)
