"""What all figures share: their style and file, and how models and genres are named in them."""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from genres.report.models import MODELS
from genres.report.paper import beyond_paper

STYLE = Path(__file__).with_name("figures.mplstyle")

MAX_NAME = 24  # characters
MAX_MARK = 16  # characters of a line below a bar


@contextmanager
def new_figure(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure of a size in inches, and write it to ``path`` as PNG."""
    with matplotlib.style.context(STYLE, after_reset=True):  # whatever the user's matplotlibrc says
        figure = Figure(figsize=(width, height))
        yield figure
        # Matplotlib would write its own version into the file.
        figure.savefig(path, metadata={"Software": None})


def shortened(name: str) -> str:
    """Return a genre's name, cut to what a figure has room for."""
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def tick_labels(models: Iterable[str]) -> list[str]:
    """Return the titles of models, with what has to be said of those that the paper does not have."""
    models = list(models)
    marks = {model: f"\n({textwrap.fill(mark, MAX_MARK)})" for model, mark in beyond_paper(models).items()}
    return [MODELS[model].title + marks.get(model, "") for model in models]
