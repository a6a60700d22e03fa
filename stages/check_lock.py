"""Check that the committed dvc.lock is fresh, in a clone without data too. No stage: it changes nothing.

``dvc status`` calls every stage of a fresh clone changed, because its data are absent; ``dvc repro --dry
--allow-missing`` calls none so. This looks at what ``dvc status`` says of everything but absent data.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from common import run_stage


def main() -> None:
    """Print what is out of step, and end with status 1 if anything is."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

    from genres.lockfile import stale_entries

    stale = stale_entries(read_status(), read_yaml(Path("dvc.yaml")), read_yaml(Path("dvc.lock")))
    if stale:
        print("\n".join(stale))
        sys.exit("error: dvc.lock is stale. Run `dvc repro`, and commit dvc.lock with metrics/ and plots/.")
    print("dvc.lock is fresh.")


def read_status() -> Any:
    """Return what `dvc status` says of each stage."""
    from genres.errors import InputError

    status = subprocess.run(["dvc", "status", "--json"], capture_output=True, encoding="utf-8", check=False)  # noqa: S607
    if status.returncode:
        raise InputError(f"`dvc status` failed: {status.stderr.strip()}")
    return json.loads(status.stdout)


def read_yaml(path: Path) -> Any:
    """Return the content of one of DVC's files."""
    from ruamel.yaml import YAML

    from genres.errors import InputError

    if not path.is_file():
        raise InputError(f"{path} is not there. Run `dvc repro` to make dvc.lock, in the project's folder.")
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run_stage(main)
