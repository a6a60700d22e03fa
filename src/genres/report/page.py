"""The page of results: self-contained, so that it opens offline and can be sent by mail."""

import base64
import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import jinja2

from genres.core.columns import clip_name
from genres.core.files import atomic_write
from genres.evaluation.convergence import LAST_EPOCHS, TOLERANCE
from genres.report.cnn_study import PAPER, SIMPLE
from genres.report.examples import MisclassifiedClip, choose_examples
from genres.report.facts import collect_facts, curve_note, leakage_note, percent
from genres.report.models import MODELS
from genres.report.paper import beyond_paper, comparable_results, deviations
from genres.report.results import Results
from genres.report.studies import Studies
from genres.report.table import interval, p_value, points
from genres.schema import Params

TEMPLATE = Path(__file__).with_name("page.html.jinja")
VERSIONS_OF = ("torch", "scikit-learn", "librosa", "numpy", "dvc")


def write_page(
    path: Path,
    figures: Path,
    results: Results,
    misclassified: Sequence[MisclassifiedClip],
    sounds: Sequence[bytes],
    studies: Studies,
    params: Params,
) -> None:
    """Write the page, which embeds the figures of a folder, and the MP3 ``sounds`` of the misclassified clips.

    All text is escaped, and a missing value is an error.
    """
    networks = list(results.curves)
    own_lists = params.split.method == "fault-filtered" and params.split.lists is not None
    of_split = results.dataset["split_caveats"].get("own lists" if own_lists else params.split.method)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "percent": percent,
        "clip_name": clip_name,
        "leakage_note": leakage_note,
        "curve_note": curve_note,
        "points": points,
        "interval": interval,
        "p_value": p_value,
    }
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        results=results,
        facts=collect_facts(results, studies.runs),
        titles={name: model.full_title for name, model in MODELS.items()},
        trained_here=[name for name, model in MODELS.items() if not model.pre_trained_on],
        caveats=[*results.dataset["caveats"], *([of_split] if of_split else [])],
        svm_study=studies.svm,
        cnn_study=studies.cnn,
        run_study=studies.runs,
        paper_setting=PAPER,
        simple_setting=SIMPLE,
        beyond_paper=beyond_paper(results.scores),
        papers=comparable_results(results.dataset, params.split.method),
        deviations=deviations(params),
        split=params.split,
        lists_name=Path(params.split.lists or "").name,  # where they lie is nobody's business
        seed=params.seed,
        # Without what tells PyTorch's builds apart, such as +cpu: their results do not differ.
        versions={package: version(package).partition("+")[0] for package in VERSIONS_OF},
        uniform_loss=math.log(len(results.class_names)),
        last_epochs=LAST_EPOCHS,
        tolerance=TOLERANCE,
        curves=[networks] * (len(networks) > 1) + [[network] for network in networks],
        examples=choose_examples(results.clips),
        misclassified=[
            (clip, _data_uri("audio/mpeg", sound)) for clip, sound in zip(misclassified, sounds, strict=True)
        ],
        figure_uri=lambda name: _data_uri("image/png", (figures / name).read_bytes()),
    )
    with atomic_write(path) as partial:
        partial.write_text(page + "\n", encoding="utf-8")


def _data_uri(media_type: str, content: bytes) -> str:
    """Return ``content`` as an address that holds it."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
