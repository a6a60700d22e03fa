"""The table of results as plain text: ours, and the paper's beside it where they may be compared."""

from collections.abc import Mapping
from typing import Any

from genres.report.facts import leakage_note
from genres.report.models import MODELS
from genres.report.paper import beyond_paper, comparable_results


def format_table(
    scores: Mapping[str, Mapping[str, Any]], dataset: Mapping[str, Any], n_leaked: int, split_method: str
) -> str:
    """Return the table of test accuracies with their 95 % intervals and of macro F1, and the note on leakage.

    ``scores`` and ``dataset`` are the contents of ``evaluate.json`` and ``dataset.json``.
    """
    papers = comparable_results(dataset, split_method)
    lines = [f"Results on {dataset['title']}", ""]
    header = f"{'model':<13}{'test accuracy':>14}{'95 % interval':>18}{'macro F1':>11}"
    lines.append(header + ("    paper" if papers else ""))
    for model, found in scores.items():
        interval = f"{found['accuracy_low']:.1%} - {found['accuracy_high']:.1%}"
        line = f"{MODELS[model].title:<13}{found['accuracy']:>14.1%}{interval:>18}{found['macro_f1']:>11.3f}"
        lines.append(line + (f"{papers[model].test_accuracy:>9.1%}" if model in papers else ""))
    if beyond := beyond_paper(scores):
        lines += ["", *(f"{MODELS[model].title} is {mark}" for model, mark in beyond.items())]
    if n_leaked:
        lines += ["", leakage_note(n_leaked)]
    return "\n".join(lines)
