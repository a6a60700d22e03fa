"""What a data set is: what it is called wherever its results stand, what has to be said beside them, how to get it."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from genres.datasets.layout import Skipped
from genres.schema import Dataset


@dataclass(frozen=True)
class DatasetDescription:
    """The one description of a data set.

    ``obtain`` puts the clips into an empty folder as ``<genre>/<clip>.<ext>``, given the parameters and an executor,
    and returns the files that it skipped. It raises an InputError if the clips cannot be had or are not laid out so.
    """

    title: str  # what it is called wherever its results are shown, so that no two are confused
    source: Callable[[Dataset], str]  # where its clips come from
    obtain: Callable[[Dataset, Path, Executor], list[Skipped]]
    synthetic: bool = False  # whether a program made the clips
    kept: str | None = None  # the ``<genre>/<clip>.<ext>`` that stays though it is named in `dataset.exclude`
    paper: bool = False  # whether these are the paper's data, so that its results may stand beside ours
    caveats: tuple[str, ...] = ()  # what keeps its figures from meaning what they seem to mean
    split_caveats: Mapping[str, str] = field(default_factory=dict)  # the same for single methods of ``split.method``
