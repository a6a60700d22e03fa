"""The table of results: ours, and the paper's beside it where the data are the paper's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from genres import paper

NETWORKS = ("linear", "simple", "complex")
MODELS = (*NETWORKS, "svm")

TITLES = {"linear": "Linear", "simple": "Simple CNN", "complex": "Complex CNN", "svm": "SVM"}

INTERVAL = {"accuracy_low", "accuracy_high"}


def data_title(dataset_name: str) -> str:
    """Return how a data set is called wherever its results are shown, so that none is taken for another."""
    return {
        "synthetic": "SYNTHETIC clips (not GTZAN)",
        "local": "your own clips",
        "gtzan": "GTZAN",
        "gtzan-mini": "gtzan-mini (100 clips of GTZAN)",
    }[dataset_name]


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share as it is written in sentences and on the page: "40.0 %", or "n/a" for a share of nothing."""
    return "n/a" if share is None else f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def paper_accuracies(dataset_name: str, split_method: str | None = None) -> Mapping[str, float]:
    """Return the paper's test accuracies if they may stand beside those of this data set and split, else nothing."""
    if (dataset_name, split_method) != ("gtzan", "stratified"):
        return {}
    return {model: result.test_accuracy for model, result in paper.RESULTS.items()}


def leakage_note(leaked: int) -> str:
    """Return what has to be said beside accuracies if some test clips have a copy in train, else nothing."""
    clips = "1 test clip has" if leaked == 1 else f"{leaked} test clips have"
    return f"{clips} a copy in train: accuracies are too high" if leaked else ""


def format_results(
    metrics: Mapping[str, Mapping[str, Any]], dataset_name: str, leaked: int, split_method: str | None = None
) -> str:
    """Return the table of test accuracies with their 95 % intervals and of macro F1, and the note on leakage."""
    papers = paper_accuracies(dataset_name, split_method)
    lines = [f"Results on {data_title(dataset_name)}", ""]
    lines.append(
        f"{'model':<13}{'test accuracy':>14}{'95 % interval':>18}{'macro F1':>11}" + ("    paper" if papers else "")
    )
    for name in (model for model in MODELS if model in metrics):
        scores = metrics[name]
        interval = f"{scores['accuracy_low']:.1%} - {scores['accuracy_high']:.1%}"
        line = f"{TITLES[name]:<13}{scores['accuracy']:>14.1%}{interval:>18}{scores['macro_f1']:>11.3f}"
        lines.append(line + (f"{papers[name]:>9.1%}" if papers else ""))
    if leaked:
        lines += ["", leakage_note(leaked)]
    return "\n".join(lines)


def is_count(found: Any) -> TypeGuard[int]:
    """Say whether a value of JSON is a number of clips, as stands under "leaked" in ``metrics/split.json``."""
    return isinstance(found, int) and not isinstance(found, bool) and found >= 0


def are_scores(found: Any, intervals: bool = True) -> bool:
    """Say whether JSON has the form of ``metrics/evaluate.json``; older versions wrote it without the intervals."""
    return isinstance(found, Mapping) and bool(found) and all(_is_score(scores, intervals) for scores in found.values())


def _is_score(scores: Any, intervals: bool) -> bool:
    if not isinstance(scores, Mapping) or not isinstance(scores.get("recall"), Mapping):
        return False
    needed = {"accuracy", "macro_f1"}
    if intervals or not INTERVAL.isdisjoint(scores):
        needed |= INTERVAL
    return all(_is_number(scores.get(name)) for name in needed) and all(
        share is None or _is_number(share) for share in scores["recall"].values()
    )


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


# The files are read by the two functions below. Their imports take long, and a command line is read before them.


def read_leaked(path: Path) -> int:
    """Read the number of test clips with a copy in train from ``metrics/split.json``.

    Raises:
        InputError: the file is missing, or has no such number.
    """
    from genres.artifacts import damaged, read_json

    leaked = read_json(path, "split").get("leaked")
    if not is_count(leaked):
        raise damaged(path, "split", 'it has no number of clips under "leaked"')
    return leaked


def read_scores(path: Path) -> dict[str, Any]:
    """Read each model's scores from ``metrics/evaluate.json``.

    Raises:
        InputError: the file is missing, or lacks a score, or has those of another model.
    """
    from genres.artifacts import damaged, read_json

    found = read_json(path, "evaluate")
    if not are_scores(found) or not found.keys() <= TITLES.keys():
        raise damaged(path, "evaluate", "it is not what `evaluate` writes")
    return found
