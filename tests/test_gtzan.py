"""GTZAN from the hub or its archive, and gtzan-mini, from a server on this machine that stands for all of them."""

import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import hf_hub_url
from misbehaving import Behaviour, Handler, Server, closed_port, serve, status

from genres import attempts, datasets
from genres.artifacts import sha256
from genres.attempts import PAUSES
from genres.datasets import gtzan, gtzan_mini, obtain_clips
from genres.datasets.gtzan import write_gtzan
from genres.datasets.gtzan_mini import CHECKSUMS, write_gtzan_mini
from genres.errors import InputError
from genres.params import Dataset, Synthetic, parse_group
from genres.remotes import GTZAN_ON_HUB

SOURCE = Path(__file__).resolve().parents[1] / "src"
CLIPS = {f"{genre}/{genre}.{number:05}": os.urandom(999) for genre in ("blues", "jazz") for number in (0, 54)}
TOP = "gtzan_mini-a61439e86c13037011fde8e0f0743ec55c50bce3/"


def tar_gz(extension: str, clips: dict[str, bytes] = CLIPS) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path, content in clips.items():
            member = tarfile.TarInfo(f"genres/{path}.{extension}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def repository_zip(clips: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{TOP}README.md", "about it")
        for path, content in clips.items():
            archive.writestr(f"{TOP}genres/{path}", content)
    return stream.getvalue()


ON_HUB, ORIGINAL = tar_gz("wav"), tar_gz("au")
MINI = {f"{path}.wav": content for path, content in CLIPS.items()}


class Internet(Server):
    """The hub, the CDN that it sends to, the Internet Archive and GitHub, each by its path."""

    def __init__(self) -> None:
        super().__init__()
        self.etag, self.size, self.revision = sha256(ON_HUB), len(ON_HUB), GTZAN_ON_HUB.revision
        self.hub: Behaviour = self.redirect
        self.cdn = self.original = serve()
        self.mini = repository_zip(MINI)
        self.base = f"http://127.0.0.1:{self.server_port}"
        self.behave = self.route

    def route(self, handler: Handler) -> None:
        path = urlsplit(handler.path).path  # what comes as to a proxy has a host before it
        if path == f"/datasets/marsyas/gtzan/resolve/{GTZAN_ON_HUB.revision}/data/genres.tar.gz":
            self.hub(handler)
        elif path == "/cdn":
            self.content = ON_HUB
            self.cdn(handler)
        elif path == "/original":
            self.content = ORIGINAL
            self.original(handler)
        elif path == "/mini":
            self.content = self.mini
            serve(with_ranges=False, with_length=False)(handler)
        else:
            status(404)(handler)

    def redirect(self, handler: Handler) -> None:
        """As the hub does for a file in its large storage: size and checksum are of what lies there."""
        handler.head(
            302,
            Location=f"http://localhost:{self.server_port}/cdn",
            X_Linked_Etag=f'"{self.etag}"',
            X_Linked_Size=self.size,
            X_Repo_Commit=self.revision,
            ETag='"of the redirect"',
            Content_Length=0,
        )

    @property
    def asked(self) -> list[str]:
        names = {"cdn": "cdn", "original": "original", "mini": "mini"}
        return [f"{method} {names.get(path.split('/')[-1], 'hub')}" for method, path, _ in self.seen]


@pytest.fixture
def internet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # Else the library looks once a day in a list on the hub for what it runs in.
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_TELEMETRY", True)
    with Internet() as server:
        monkeypatch.setattr(gtzan, "hf_hub_url", partial(hf_hub_url, endpoint=server.base))
        monkeypatch.setattr(gtzan, "GTZAN_ON_HUB", replace(GTZAN_ON_HUB, size=len(ON_HUB)))
        original = replace(
            gtzan.GTZAN_ORIGINAL, url=f"{server.base}/original", size=len(ORIGINAL), sha256=sha256(ORIGINAL)
        )
        monkeypatch.setattr(gtzan, "GTZAN_ORIGINAL", original)
        monkeypatch.setattr(gtzan_mini, "GTZAN_MINI", replace(gtzan_mini.GTZAN_MINI, url=f"{server.base}/mini"))
        checksums = tmp_path / "list.sha256"
        checksums.write_text("".join(f"{sha256(content)}  {path}\n" for path, content in MINI.items()))
        monkeypatch.setattr(gtzan_mini, "CHECKSUMS", checksums)
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked: list[float] = []
    monkeypatch.setattr(attempts.time, "sleep", asked.append)
    return asked


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    folder = tmp_path / "audio"
    folder.mkdir()
    return folder


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def clips_as(extension: str, but: str = "") -> dict[str, bytes]:
    return {f"{path}.{extension}": content for path, content in CLIPS.items() if path != but}


def dataset(name: str, **others: Any) -> Dataset:
    found = {"path": None, "exclude": ["jazz.00054"], "synthetic": {"clips_per_genre": 2, "seconds": 1.0, "seed": 0}}
    return parse_group(Dataset, {"name": name} | found | others)


def test_gtzan_comes_from_the_hub(internet: Internet, audio: Path) -> None:
    write_gtzan(audio)
    assert held(audio) == clips_as("wav")
    assert internet.asked == ["HEAD hub", "GET hub", "GET cdn"]


@pytest.mark.parametrize("extension", ["wav", "au"])
def test_either_source_is_left_without_the_excluded_clip(
    internet: Internet, audio: Path, extension: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if extension == "au":
        internet.hub = status(404)
    obtain_clips(dataset("gtzan"), audio, 1)
    assert held(audio) == clips_as(extension, but="jazz/jazz.00054")
    assert f"left out, as `dataset.exclude` says: jazz/jazz.00054.{extension}" in capsys.readouterr().err


def wrong(**facts: object) -> Behaviour:
    def behave(handler: Handler) -> None:
        server = handler.server
        assert isinstance(server, Internet)
        for name, value in facts.items():
            setattr(server, name, value)
        server.redirect(handler)

    return behave


@pytest.mark.parametrize(
    ("hub", "told"),
    [
        (status(404), "status 404"),
        (status(401), "status 401"),
        (status(500), "status 500, 6 times in a row"),
        (status(429, Retry_After=999), "asks to wait for 999 s"),
        (wrong(revision="0" * 40), "answers for revision 0000"),
        (wrong(size=9), "the hub has 9 bytes"),
        (wrong(etag="d" * 40), "which is no sha256"),
        (wrong(etag="0" * 64), ", not 0000"),
        (status(200, b"<html>", Content_Type="text/html"), "revision None"),
    ],
)
def test_where_the_hub_fails_the_original_is_fetched(
    internet: Internet, audio: Path, waits: list[float], hub: Behaviour, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    internet.hub = hub
    write_gtzan(audio)
    assert held(audio) == clips_as("au")
    said = capsys.readouterr().err
    assert f"warning: {internet.base}/datasets/marsyas/gtzan/resolve/" in said
    assert told in said


def test_the_hub_is_asked_again_when_it_is_busy(internet: Internet, audio: Path, waits: list[float]) -> None:
    internet.script = [status(429, Retry_After=5), status(503)]
    write_gtzan(audio)
    assert held(audio) == clips_as("wav")
    assert waits == [5, PAUSES[1]]


def test_a_broken_download_from_the_hub_is_resumed(internet: Internet, audio: Path, waits: list[float]) -> None:
    internet.cdn = serve(stop_at=0.5)
    internet.script = [internet.route] * 3 + [
        lambda handler: setattr(internet, "cdn", serve()) or internet.route(handler)
    ]
    write_gtzan(audio)
    assert held(audio) == clips_as("wav")
    assert internet.asked == ["HEAD hub", "GET hub", "GET cdn", "GET hub", "GET cdn"]
    assert internet.ranges[-1] == f"bytes={len(ON_HUB) // 2}-"


@pytest.mark.parametrize("source", ["hub", "original"])
def test_what_either_source_gave_is_used_again_without_a_network(
    internet: Internet, audio: Path, source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if source == "original":
        internet.hub = status(404)
    write_gtzan(audio)
    requests = len(internet.seen)
    again = tmp_path / "again"
    again.mkdir()
    write_gtzan(again)
    assert held(again) == held(audio)
    assert len(internet.seen) == requests


def test_without_any_source_all_is_told(internet: Internet, audio: Path, waits: list[float]) -> None:
    internet.hub = internet.original = status(503)
    with pytest.raises(InputError) as told:
        write_gtzan(audio)
    for needed in (
        "GTZAN cannot be fetched",
        f"{internet.base}/datasets/marsyas/gtzan/resolve/{GTZAN_ON_HUB.revision}/data/genres.tar.gz: ",
        f"{internet.base}/original: ",
        "HF_ENDPOINT",
        "`dataset.name: local`",
        "`dataset.name: synthetic`",
    ):
        assert needed in str(told.value)
    assert waits == [*PAUSES, *PAUSES]
    assert held(audio) == {}


def test_without_a_network_nothing_is_tried_twice(
    internet: Internet, audio: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setattr(gtzan, "hf_hub_url", partial(hf_hub_url, endpoint=nowhere))
    monkeypatch.setattr(gtzan, "GTZAN_ORIGINAL", replace(gtzan.GTZAN_ORIGINAL, url=f"{nowhere}/original"))
    with pytest.raises(InputError, match="GTZAN cannot be fetched.*cannot connect.*cannot connect.*synthetic"):
        write_gtzan(audio)
    assert waits == []


@pytest.mark.parametrize("error", [httpx2.ConnectError("reset"), httpx2.ReadTimeout("slow")])
def test_the_hub_may_fall_silent(
    internet: Internet, audio: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch, error: httpx2.HTTPError
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(gtzan, "get_hf_file_metadata", fail)
    write_gtzan(audio)
    assert held(audio) == clips_as("au")
    assert waits == list(PAUSES)


FROM_ENVIRONMENT = f"""
from dataclasses import replace
from pathlib import Path
from genres.datasets import gtzan
gtzan.GTZAN_ON_HUB = replace(gtzan.GTZAN_ON_HUB, size={len(ON_HUB)})
gtzan.write_gtzan(Path("audio"))
"""


def fetch_with(environment: dict[str, str], folder: Path) -> str:
    run = subprocess.run(
        [sys.executable, "-c", FROM_ENVIRONMENT],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(SOURCE)} | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stderr


def test_a_mirror_of_the_hub_is_honoured(internet: Internet, audio: Path, tmp_path: Path) -> None:
    said = fetch_with({"HF_ENDPOINT": internet.base}, tmp_path)
    assert held(audio) == clips_as("wav")
    assert f"from {internet.base}/datasets/marsyas/gtzan/resolve/" in said


def test_a_proxy_to_the_hub_is_honoured(internet: Internet, audio: Path, tmp_path: Path) -> None:
    fetch_with({"HF_ENDPOINT": "http://hub.example", "http_proxy": internet.base, "no_proxy": "localhost"}, tmp_path)
    assert held(audio) == clips_as("wav")
    assert internet.asked == ["HEAD hub", "GET hub", "GET cdn"]


def test_gtzan_mini_comes_from_a_repacked_archive(internet: Internet, audio: Path, tmp_path: Path) -> None:
    write_gtzan_mini(audio)
    assert held(audio) == MINI
    again = tmp_path / "again"
    again.mkdir()
    obtain_clips(dataset("gtzan-mini", exclude=["blues.00000"]), again, 1)
    assert held(again) == {path: content for path, content in MINI.items() if path != "blues/blues.00000.wav"}
    assert internet.asked == ["GET mini"]


@pytest.mark.parametrize(
    "clips",
    [
        MINI | {"jazz/jazz.00000.wav": b"other"},
        MINI | {"jazz/jazz.00001.wav": b"more"},
        {path: content for path, content in MINI.items() if "jazz.00000" not in path},
    ],
)
def test_other_clips_than_those_of_the_list_are_refused(
    internet: Internet, audio: Path, clips: dict[str, bytes], tmp_path: Path
) -> None:
    internet.mini = repository_zip(clips)
    with pytest.raises(InputError, match="mini does not hold the clips of gtzan-mini: 1 are .* e.g. jazz/jazz.0000"):
        write_gtzan_mini(audio)
    assert [file.name for file in (tmp_path / "cache/genres").iterdir() if file.suffix != ".lock"] == []


def test_what_is_no_archive_is_not_kept(internet: Internet, audio: Path, tmp_path: Path) -> None:
    internet.mini = gzip.compress(b"no tar")
    with pytest.raises(InputError, match="neither a tar"):
        write_gtzan_mini(audio)
    assert not (tmp_path / "cache/genres/gtzan-mini.zip").exists()


def test_an_archive_that_there_is_no_room_to_unfold_is_kept(
    internet: Internet, audio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gtzan_mini(audio)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2))
    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(InputError, match="only 2 are free; make room"):
        write_gtzan_mini(again)
    assert (tmp_path / "cache/genres/gtzan-mini.zip").exists()


def test_gtzan_mini_that_cannot_be_had_is_told(internet: Internet, audio: Path) -> None:
    internet.script = [status(404)]
    with pytest.raises(
        InputError, match=f"gtzan-mini cannot be fetched. Tried {internet.base}/mini: .*status 404.*local"
    ):
        write_gtzan_mini(audio)


def test_the_list_has_ten_clips_of_each_genre() -> None:
    lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  ([a-z]+)/\1\.000[01][0-9]\.wav", line) for line in lines)
    assert set(Counter(line[66:].split("/")[0] for line in lines).values()) == {10}
    assert len(lines) == len(set(lines)) == 100


@pytest.mark.skipif("GENRES_TEST_DATA" not in os.environ, reason="needs the real gtzan-mini")
def test_the_list_is_of_the_real_clips(internet: Internet, audio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    real = Path(os.environ["GENRES_TEST_DATA"]) / "gtzan-mini" / "genres.tar.gz"
    with tarfile.open(real) as archive, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as packed:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            packed.writestr(TOP + member.name, content.read())
    internet.mini = stream.getvalue()
    monkeypatch.setattr(gtzan_mini, "CHECKSUMS", CHECKSUMS)
    write_gtzan_mini(audio)
    assert len(held(audio)) == 100


@pytest.mark.parametrize("exclude", [[], ["jazz.00054"], ["a.00054", "jazz.00054", "rock.00016"], ["jazz.00054.wav"]])
def test_the_users_own_clips_can_be_excluded_by_name(audio: Path, tmp_path: Path, exclude: list[str]) -> None:
    source = tmp_path / "mine.tar.gz"
    source.write_bytes(ON_HUB)
    obtain_clips(dataset("local", path=str(source), exclude=exclude), audio, 1)
    assert held(audio) == clips_as("wav", but="jazz/jazz.00054" if "jazz.00054" in exclude else "")


def test_at_least_one_clip_must_be_left(audio: Path, tmp_path: Path) -> None:
    source = tmp_path / "mine.tar.gz"
    source.write_bytes(ON_HUB)
    names = [path.split("/")[1] for path in CLIPS]
    with pytest.raises(InputError, match="`dataset.exclude` leaves no clip: all of 4 are named"):
        obtain_clips(dataset("local", path=str(source), exclude=names), audio, 1)


def test_the_synthetic_set_stays_whole(audio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(folder: Path, *_: object) -> None:
        (folder / "jazz").mkdir()
        (folder / "jazz" / "jazz.00054.wav").touch()

    monkeypatch.setattr(datasets, "write_clips", write)
    obtain_clips(dataset("synthetic"), audio, 1)
    assert set(held(audio)) == {"jazz/jazz.00054.wav"}


@pytest.mark.parametrize("found", ["jazz.00054", None, [54], [""], {"jazz.00054": 1}, [["jazz.00054"]], [None]])
def test_what_is_no_list_of_names_is_refused(found: object) -> None:
    with pytest.raises(InputError, match="`exclude` should be a list of names, but is "):
        dataset("gtzan", exclude=found)


def test_a_list_becomes_a_tuple() -> None:
    assert dataset("gtzan") == Dataset("gtzan", None, ("jazz.00054",), Synthetic(2, 1.0, 0))
