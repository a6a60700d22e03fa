"""What is said of a data set wherever its results, or models that were trained on it, are shown."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from genres.core.files import read_json


class DescribedDataset(BaseModel):
    """``dataset.json``."""

    name: str
    title: str
    description: str
    synthetic: bool
    paper: bool
    caveats: list[str]
    split_caveats: dict[str, str]


def read_dataset(path: Path) -> dict[str, Any]:
    """Read ``dataset.json``."""
    return read_json(path, DescribedDataset, "download")
