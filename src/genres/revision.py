"""Which commit of the project is checked out."""

import subprocess
from pathlib import Path


def commit() -> str:
    """Say which commit of the checkout ran, and whether its code, pipeline or parameters are as in it."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD").stdout.strip()
        changed = _git("status", "--porcelain", "--", "src", "stages", "params.yaml", "dvc.yaml").stdout
    except FileNotFoundError:
        return "unknown (git is not installed)"
    if not head:
        return "unknown (no git repository)"
    return f"commit {head}" + (", with changes to code, pipeline or parameters" if changed else "")


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    checkout = Path(__file__).parents[2]
    return subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=False)  # noqa: S603, S607
