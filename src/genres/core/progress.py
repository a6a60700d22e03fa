"""Progress of long-running work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from contextlib import AbstractContextManager

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


class Progress(AbstractContextManager["Progress"]):
    """Report on standard error how many of ``total`` units are done.

    On a terminal this is tqdm's bar, with rate and remaining time. In a log it is a line every few seconds and one at
    the end. Bytes, the unit "B", are shown as kB, MB and so on. ``done`` units were done before, and the rate does not
    include them.
    """

    def __init__(self, total: int, description: str, unit: str, done: int = 0) -> None:
        self._total = total
        self._description = description
        self._unit = unit
        self._done = done
        self._last_line = time.monotonic()
        self._bar = tqdm(
            total=total,
            desc=description,
            unit=unit if unit == "B" else f" {unit}",
            unit_scale=unit == "B",
            initial=done,
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
        )

    def advance(self, note: str = "", amount: int = 1) -> None:
        """Count ``amount`` more units as done; ``note`` is shown after the count until the next call."""
        self._done += amount
        if not self._bar.disable:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(amount)
            return
        now = time.monotonic()
        if self._done == self._total or now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            count = f"{self._done} of {self._total} {self._unit}"
            if self._unit == "B":
                count = f"{self._done / 1e6:.1f} of {self._total / 1e6:.1f} MB"
            suffix = f", {note}" if note else ""
            print(f"{self._description}: {count}{suffix}", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        self._bar.close()
