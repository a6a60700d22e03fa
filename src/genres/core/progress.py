"""Progress of long-running work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


class Progress:
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
        on_terminal = sys.stderr.isatty()
        self._bar = (
            tqdm(
                total=total,
                desc=description,
                unit=unit if unit == "B" else f" {unit}",
                unit_scale=unit == "B",
                initial=done,
                dynamic_ncols=True,
            )
            if on_terminal
            else None
        )

    def advance(self, note: str = "", amount: int = 1) -> None:
        """Count ``amount`` more units as done; ``note`` is shown after the count until the next call."""
        self._done += amount
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(amount)
            return
        now = time.monotonic()
        if self._done == self._total or now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            suffix = f", {note}" if note else ""
            print(f"{self._description}: {self._count()}{suffix}", file=sys.stderr, flush=True)

    def _count(self) -> str:
        if self._unit == "B":
            return f"{self._done / 1e6:.1f} of {self._total / 1e6:.1f} MB"
        return f"{self._done} of {self._total} {self._unit}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
