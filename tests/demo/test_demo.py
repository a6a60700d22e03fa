"""The demo as a user has it: a server of its own, and a real browser."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from browser import CHROMIUM, Browser
from demo_models import write_models
from project import ROOT, environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium (Debian's package `chromium`)"),
    pytest.mark.skipif(find_spec("gradio") is None, reason="gradio is not installed (`make demo` installs it)"),
]

# It notes each address that anything in the process looks up or connects to.
SERVE = """
import sys
log = open(sys.argv[1], "w", buffering=1)
def note(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        print(arguments[1], file=log)
    elif event == "socket.getaddrinfo":
        print(arguments[:2], file=log)
sys.addaudithook(note)
from genres.core.processor import settle_arithmetic
settle_arithmetic()
from argparse import Namespace
from pathlib import Path
from genres.demo.command import run
run(Namespace(model=None, host="127.0.0.1", port=int(sys.argv[2])), [Path("models")], Path("data"))
"""
FIELD = "input[type=file]"
ANSWER = "document.querySelector('.answer')"
REFUSAL = "document.querySelector('.refusal')"
# The field for files is there again, so that all that follows on an answer is done.
DONE = f"!document.querySelector('.pending, .generating') && document.querySelector('{FIELD}')"


class Server(NamedTuple):
    process: subprocess.Popen[str]
    address: str
    folder: Path

    @property
    def uploads(self) -> Path:
        return self.folder / "temporary"


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def start(folder: Path) -> Server:
    write_models(folder / "models")
    (folder / "temporary").mkdir()
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder / "connections.txt"), str(port)],
        cwd=folder,
        env=environment(
            PYTHONPATH=str(ROOT / "src"),
            TMPDIR=str(folder / "temporary"),
            # None of these is followed.
            GRADIO_SHARE="True",
            GRADIO_SERVER_NAME="0.0.0.0",  # noqa: S104
            HTTP_PROXY="http://192.0.2.1:1",
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    told = process.stdout.readline()
    assert told == f"The demo is at http://127.0.0.1:{port}/ and ends with Ctrl+C.\n", told + process.stdout.read()
    return Server(process, f"http://127.0.0.1:{port}/", folder)


def end(server: Server) -> str:
    server.process.terminate()
    output, _ = server.process.communicate(timeout=60)
    return output


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start(tmp_path_factory.mktemp("server"))
    yield started
    if started.process.poll() is None:
        output = end(started)
        assert "Traceback" not in output, output


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Browser]]:
    with (
        Browser(tmp_path_factory.mktemp("first") / "profile") as first,
        Browser(tmp_path_factory.mktemp("second") / "profile") as second,
    ):
        yield first, second


@pytest.fixture
def browser(browsers: tuple[Browser, Browser], server: Server) -> Browser:
    """The page, just opened."""
    open_page(browsers[0], server)
    return browsers[0]


def open_page(browser: Browser, server: Server, width: int = 1440, colours: str = "light") -> None:
    browser.open(server.address, width, colours)
    browser.wait_for(f"document.querySelector('{FIELD}')")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three windows and a half of the toy models, of a tone in noise."""
    path = tmp_path_factory.mktemp("clip") / "My song & <b>yours<b>.wav"
    seconds = np.arange(7 * 22_050) / 22_050
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, seconds.size)
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * seconds) + noise, 22_050)
    return path


def text_of(browser: Browser, selector: str) -> str:
    return str(browser.evaluate(f"document.querySelector('{selector}').innerText"))


def wait_for_end(browser: Browser, selector: str) -> str:
    browser.wait_for(f"document.querySelector('{selector}') && {DONE}")
    return text_of(browser, selector)


def kept(server: Server, content: bytes) -> list[Path]:
    """Return the files among the server's own that hold a part of an upload."""
    files = [path for path in server.uploads.rglob("*") if path.is_file()]
    return [path for path in files if content[1000:2000] in path.read_bytes()]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_clip_is_answered_at_any_width(
    browsers: tuple[Browser, Browser], server: Server, clip: Path, width: int, colours: str
) -> None:
    browser = browsers[0]
    open_page(browser, server, width, colours)
    assert "mean nothing for real music" in text_of(browser, ".warning")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    browser.choose_file(FIELD, clip)
    wait_for_end(browser, ".answer")

    assert "classified by Simple CNN" in text_of(browser, ".answer .file")
    assert any(genre in text_of(browser, ".answer h2") for genre in ("blues", "jazz", "<i>rock</i>"))
    rows = browser.evaluate("[...document.querySelectorAll('.bars tr')].map(row => row.innerText)")
    assert {row.split()[0] for row in rows} == {"blues", "jazz", "<i>rock</i>"}
    shares = browser.evaluate("[...document.querySelectorAll('.bars .number')].map(cell => parseInt(cell.innerText))")
    assert sum(shares) == pytest.approx(100, abs=2)
    assert shares == sorted(shares, reverse=True)
    drawn = browser.evaluate(
        "(i => i.decode().then(() => [i.naturalWidth, i.alt]))(document.querySelector('.answer img'))"
    )
    assert drawn[0] == (576 if width == 390 else 1440)
    assert "0:00" in drawn[1]
    assert "0:07" in drawn[1]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width

    requested = {event["request"]["url"] for event in browser.told("Network.requestWillBeSent")}
    assert {url for url in requested if not url.startswith((server.address, "data:", "blob:"))} == set()
    assert browser.told("Runtime.exceptionThrown") == []
    assert [event for event in browser.told("Log.entryAdded") if event["entry"]["level"] == "error"] == []
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (colours == "light")


def test_nothing_that_was_uploaded_is_kept(browser: Browser, server: Server, clip: Path) -> None:
    browser.choose_file(FIELD, clip)
    wait_for_end(browser, ".answer")
    assert kept(server, clip.read_bytes()) == []
    assert not [path for path in server.uploads.rglob("*") if path.is_file()]


def test_what_is_no_audio_gets_a_sentence(browser: Browser, server: Server, tmp_path: Path) -> None:
    junk = tmp_path / "holiday.jpg"
    junk.write_bytes(bytes(range(256)) * 100)
    browser.choose_file(FIELD, junk)
    said = wait_for_end(browser, ".refusal")
    assert said.startswith("holiday.jpg cannot be classified: no readable audio (")
    assert kept(server, junk.read_bytes()) == []


def test_too_long_a_file_gets_a_sentence(browser: Browser, tmp_path: Path) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, np.zeros(16 * 60 * 8000), 8000, subtype="PCM_U8")
    browser.choose_file(FIELD, long)
    said = wait_for_end(browser, ".refusal")
    assert said == "long.wav cannot be classified: it is longer than 15 minutes. Cut out a part of it."


def test_too_large_a_file_is_not_taken(browser: Browser, server: Server, tmp_path: Path) -> None:
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(50_000_001)
    browser.choose_file(FIELD, large)
    browser.wait_for("document.body.innerText.includes('50 MB') && document.body.innerText.includes('exceed')")
    assert not [path for path in server.uploads.rglob("*") if path.is_file()]


def choose_model(browser: Browser, title: str) -> None:
    browser.evaluate("document.querySelector('input[aria-label=Model]').focus()")
    option = f"[...document.querySelectorAll('[role=option]')].find(option => option.innerText.includes('{title}'))"
    browser.wait_for(option)
    browser.evaluate(f"{option}.dispatchEvent(new MouseEvent('mousedown', {{bubbles: true}}))")


def test_another_model_hears_the_same_file_again(browser: Browser, server: Server, clip: Path) -> None:
    browser.choose_file(FIELD, clip)
    wait_for_end(browser, ".answer")
    choose_model(browser, "SVM")
    browser.wait_for(f"{ANSWER}.innerText.includes('classified by SVM') && {DONE}")
    assert "this model gives no probabilities" in text_of(browser, ".answer h2")
    assert browser.evaluate("document.querySelectorAll('.bars').length") == 0
    browser.wait_for("document.body.innerText.includes('80\\u00a0% of its test clips')")
    assert kept(server, clip.read_bytes()) == []


def test_another_model_can_be_chosen_before_a_file(browser: Browser, clip: Path) -> None:
    choose_model(browser, "SVM")
    browser.choose_file(FIELD, clip)  # at once, while the page still asks whether there is a file to hear again
    wait_for_end(browser, ".answer")
    assert "classified by SVM" in text_of(browser, ".answer .file")
    browser.wait_for("document.body.innerText.includes('80\\u00a0% of its test clips')")


def test_a_recording_is_answered(browser: Browser) -> None:
    browser.wait_for("document.querySelector('.record-button')")
    browser.evaluate("document.querySelector('.record-button').click()")
    browser.wait_for("document.querySelector('.stop-button')?.offsetParent")
    time.sleep(1)
    browser.evaluate("document.querySelector('.stop-button').click()")
    wait_for_end(browser, ".answer")
    assert "classified by Simple CNN" in text_of(browser, ".answer .file")


def test_two_users_at_once_are_both_answered(browsers: tuple[Browser, Browser], server: Server, clip: Path) -> None:
    for browser in browsers:
        open_page(browser, server)
    for browser in browsers:  # with the same file, which Gradio gives the same path
        browser.choose_file(FIELD, clip)
    for browser in browsers:
        assert "classified by" in wait_for_end(browser, ".answer")
    assert kept(server, clip.read_bytes()) == []


def test_the_server_listens_on_this_machine_alone_and_calls_no_other(server: Server) -> None:
    port = int(server.address.rstrip("/").rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=10)
    connections = (server.folder / "connections.txt").read_text().splitlines()
    assert connections
    assert {line for line in connections if "127.0.0.1" not in line} == set()


def test_the_end_leaves_nothing_even_of_a_file_that_waits(tmp_path: Path, browser: Browser, clip: Path) -> None:
    server = start(tmp_path)
    open_page(browser, server)
    browser.evaluate(
        "(() => { const form = new FormData(); form.append('files', new File(['x'.repeat(5000)], 'waits.wav'));"
        " return fetch('gradio_api/upload', {method: 'POST', body: form}); })().then(() => 1)"
    )
    assert kept(server, b"x" * 5000)
    browser.choose_file(FIELD, clip)
    output = end(server)
    assert server.process.returncode == 0
    assert output == "The demo has ended; the uploaded files are deleted.\n"
    assert list(server.uploads.iterdir()) == []
