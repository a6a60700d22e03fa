"""Run a stage's script in this process alone, and write down which files it opened and which parameters it asked for.

python traced_stage.py RECORD SCRIPT
"""

import concurrent.futures
import json
import os
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def main() -> None:
    """Install the hook, then be the script."""
    record, script = sys.argv[1:]
    opened: set[str] = set()
    asked: list[str] = []

    def note(event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(details[0], str | os.PathLike):
            opened.add(str(Path(details[0]).resolve()))

    sys.argv = [script]
    sys.path[0] = str(Path(script).parent)
    sys.addaudithook(note)

    # What worker processes would open is seen in a thread of this process.
    concurrent.futures.ProcessPoolExecutor = lambda *_, **__: ThreadPoolExecutor(1)  # type: ignore[assignment,misc]

    import common

    load_params = common.load_params

    def load_and_note(*groups: str) -> Any:
        asked.extend(groups)
        return load_params(*groups)

    common.load_params = load_and_note
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        Path(record).write_text(json.dumps({"opened": sorted(opened), "asked": asked}))


if __name__ == "__main__":
    main()
