"""The page of results: self-contained, so that it opens offline and can be sent by mail."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2

from genres.artifacts import whole_file
from genres.params import Dataset, Split
from genres.results import leakage_note, percent

TEMPLATE = Path(__file__).with_name("report.html.jinja")
VERSIONS_OF = ("torch", "scikit-learn", "librosa", "numpy", "dvc")

# A commit holds dvc.lock, and that this page's checksum: so the page cannot hold its commit's name. And a page that
# held another one's would never be the same again in a clone.
COMMIT = "the one whose dvc.lock has this page's MD5 checksum: git log -S<checksum> -- dvc.lock"


@dataclass(frozen=True)
class Shown:
    """A figure in the page: its file, what it shows to those who cannot see it, and the line below it."""

    path: Path
    alternative: str
    caption: str

    @property
    def source(self) -> str:
        """The image itself, as an address."""
        return data_uri("image/png", self.path.read_bytes())


def data_uri(media_type: str, content: bytes) -> str:
    """Return ``content`` as an address that holds it."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def write_page(path: Path, content: Mapping[str, Any]) -> None:
    """Fill the template with ``content`` and write the page. All text is escaped; a missing value is an error."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["percent"] = percent
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(content)
    with whole_file(path) as partial:
        partial.write_text(page + "\n", encoding="utf-8")


def describe_run(dataset: Dataset, split: Split, seed: int, leaked: int) -> dict[str, str]:
    """Return what was run, for the page: the data, how they were split, the packages' versions."""
    synthetic = dataset.synthetic
    described = {
        "synthetic": f"synthetic: {synthetic.clips_per_genre} clips a genre of about {synthetic.seconds:g} s, "
        f"data seed {synthetic.seed}",
        "local": f"your own: {Path(dataset.path or '').name}",
    }
    size = f"{split.test_size:.0%}" if isinstance(split.test_size, float) else f"{split.test_size}"
    sides = {
        "kfold": f"part {split.fold} (from 0) of {split.folds} is tested",
        "fault-filtered": "train and test as "
        + ("the published lists say" if split.lists is None else f"your own lists in {Path(split.lists).name} say"),
    }
    return {
        "Data set": described.get(dataset.name, dataset.name),
        "Split": f"{split.method}: {sides.get(split.method, f'{size} of the clips are tested')}",
        "Leakage": leakage_note(leaked) or "no test clip has a copy in train, as far as the audio shows",
        "Seed of split and training": str(seed),
        "Commit": COMMIT,
        "Versions": ", ".join(f"{package} {version(package)}" for package in VERSIONS_OF),
    }
