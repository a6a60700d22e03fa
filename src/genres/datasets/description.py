"""What a data set is: how it is called wherever its results stand, what has to be said beside them, how to get it."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from genres.schema import Dataset


@dataclass(frozen=True)
class DatasetDescription:
    """The one description of a data set.

    Attributes:
        title: how it is called wherever its results are shown, so that no two are confused.
        source: where its clips come from, given the parameters.
        obtain: puts the clips into an empty folder as ``<genre>/<clip>.<ext>``, given the parameters and an executor;
            raises InputError if they cannot be had or are not laid out so.
        synthetic: whether a program made the clips.
        paper: whether these are the paper's data, so that its results may stand beside ours.
        caveats: what keeps its figures from meaning what they seem to mean.
        split_caveats: the same for single methods of ``split.method``.
    """

    title: str
    source: Callable[[Dataset], str]
    obtain: Callable[[Dataset, Path, Executor], None]
    synthetic: bool = False
    paper: bool = False
    caveats: tuple[str, ...] = ()
    split_caveats: Mapping[str, str] = field(default_factory=dict)
