"""A headless Chromium, driven by the DevTools protocol through two pipes: what a page really does when it is opened."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")  # Debian's, Ubuntu's, and that of GitHub's runners
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
PATIENCE = 120  # seconds for one answer; no test measures time


class Browser:
    """One tab. ``events`` holds what the browser told of its own accord, such as requests and console messages."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        to_browser, self._requests = os.pipe()
        self._answers, from_browser = os.pipe()
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream", f"--user-data-dir={profile}", "--remote-debugging-pipe",
        ]  # fmt: skip
        # The browser reads from descriptor 3 and writes to 4.
        redirected = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        with (profile.parent / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", redirected, "bash", CHROMIUM, *flags],
                pass_fds=(to_browser, from_browser),
                stdout=log,
                stderr=log,
            )
        os.close(to_browser)
        os.close(from_browser)
        os.set_blocking(self._answers, False)
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._requests)
        os.close(self._answers)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._unread:
            try:
                self._unread += os.read(self._answers, 1 << 16)
            except BlockingIOError:
                assert self._process.poll() is None, "Chromium ended"
                assert time.monotonic() < deadline, "Chromium does not answer"
                time.sleep(0.02)
        message, self._unread = self._unread.split(b"\0", 1)
        return dict(json.loads(message))

    def open(self, page: Path | str, width: int, colours: str) -> None:
        """Open a file or an address, and wait for its load.

        The window has a width in CSS pixels, and "light" or "dark" colours.
        """
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        self.events.clear()
        self.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        while not self.told("Page.loadEventFired"):
            self.events.append(self._read())

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, or of the promise that it is."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.05)

    def choose_file(self, selector: str, file: Path) -> None:
        """Choose a file in the field for files that a CSS selector names."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def told(self, *methods: str) -> list[dict[str, Any]]:
        """Return the parameters of the events of some kinds since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") in methods]
