"""The one table of what is fetched from elsewhere: where it lies, how large it is, how it is known to be right."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Remote:
    """A file behind a URL; ``size`` in bytes, ``file`` its name where it is kept.

    Without a ``sha256`` the host packs the file anew now and then: the size is about right, and what is in
    it has to be checked instead.
    """

    name: str
    file: str
    url: str
    size: int
    sha256: str | None


@dataclass(frozen=True)
class HubFile:
    """A file of a data set on the Hugging Face hub, which publishes the sha256 for each revision."""

    name: str
    file: str
    repository: str
    path: str
    revision: str
    size: int


GTZAN_ON_HUB = HubFile(
    name="GTZAN",
    file="gtzan-hub.tar.gz",
    repository="marsyas/gtzan",
    path="data/genres.tar.gz",
    revision="d2146561ecc7df707d9e6b8318885fe6a39668a2",
    size=1_226_192_050,
)
GTZAN_ORIGINAL = Remote(
    name="GTZAN (the original, archived)",
    file="gtzan-original.tar.gz",
    url="https://web.archive.org/web/20211207012050/http://opihi.cs.uvic.ca/sound/genres.tar.gz",
    size=1_225_571_541,
    sha256="24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6",
)
GTZAN_MINI = Remote(
    name="gtzan-mini",
    file="gtzan-mini.zip",
    url="https://github.com/TempoBeatDownbeat/gtzan_mini/archive/a61439e86c13037011fde8e0f0743ec55c50bce3.zip",
    size=125_000_000,
    sha256=None,
)
FAULT_FILTERED_LISTS = tuple(
    Remote(
        name=f"the {subset} list of the fault-filtered split",
        file=f"fault-filtered/{subset}_filtered.txt",
        url="https://raw.githubusercontent.com/coreyker/dnn-mgr/bdad579ea6cb37b665ea6019fe1026a6ce20cbc7/gtzan/"
        f"{subset}_filtered.txt",
        size=size,
        sha256=sha256,
    )
    for subset, size, sha256 in (
        ("train", 10_152, "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa"),
        ("valid", 4_522, "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956"),
        ("test", 6_616, "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72"),
    )
)
