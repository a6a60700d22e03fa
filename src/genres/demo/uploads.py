"""Uploaded files, each deleted once it is answered."""

from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Lock

MAX_BYTES = 50_000_000  # of one file


class Uploads:
    """The files that wait for an answer. Gradio gives the same content one path, so that several users may wait."""

    def __init__(self) -> None:
        self._n_waiting: Counter[str] = Counter()
        self._lock = Lock()

    def expect(self, path: str | None) -> None:
        """Keep a file until it is answered once more."""
        if path is not None:
            with self._lock:
                self._n_waiting[path] += 1

    def answered(self, path: str) -> None:
        """Delete a file unless somebody else waits for an answer."""
        with self._lock:
            self._n_waiting[path] -= 1
            if self._n_waiting[path] <= 0:
                del self._n_waiting[path]
                Path(path).unlink(missing_ok=True)
                with suppress(OSError):  # another name for the same content may be in it
                    Path(path).parent.rmdir()  # it has the content's SHA-256 as its name
