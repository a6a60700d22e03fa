"""Two runs side by side, as Markdown to paste into a pull request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genres.results import MODELS, TITLES, data_title, leakage_note, percent

SCORES = {"accuracy": "Test accuracy", "macro_f1": "Macro F1"}


@dataclass(frozen=True)
class Run:
    """A run as it stands in a revision: its name, ``metrics/evaluate.json``, ``params.yaml``, and leaked test clips.

    Of an older revision, it is not known how many test clips have a copy in train.
    """

    name: str
    scores: Mapping[str, Mapping[str, Any]]
    params: Mapping[str, Any]
    leaked: int | None = None


def compare_runs(old: Run, new: Run) -> str:
    """Return the data of both runs, and what differs: each model's scores, the parameters, each genre's recall."""
    parts = [
        f"### Results: {_code(old.name)} → {_code(new.name)}",
        "\n".join(f"- {_code(run.name)}: {_describe_data(run)}" for run in (old, new)),
        *(["**The data are others, so the scores cannot be compared.**"] if _data(old) != _data(new) else []),
        _compare_scores(old, new),
        "#### Parameters that differ",
        _compare_params(old, new),
        "#### Genres that gained or lost recall",
        _compare_recalls(old, new),
    ]
    return "\n\n".join(parts)


def _data(run: Run) -> tuple[Any, Any]:
    params = _flat(run.params)
    return params.get("dataset.name"), params.get("dataset.path")


def _describe_data(run: Run) -> str:
    name, _ = _data(run)
    try:
        title = data_title(name) if isinstance(name, str) else "an unnamed data set"
    except KeyError:  # one that this version does not know
        title = _code(str(name))
    return "; ".join(filter(None, [title, leakage_note(run.leaked or 0)]))


def _compare_scores(old: Run, new: Run) -> str:
    models = [model for model in MODELS if model in old.scores or model in new.scores]
    if all(old.scores.get(model) == new.scores.get(model) for model in models):
        return "Every model scores the same."
    rows = []
    for model in models:
        before, after = old.scores.get(model), new.scores.get(model)
        row = [TITLES[model]]
        for score in SCORES:
            row += _change(*(scores[score] if scores else None for scores in (before, after)))
        row.append(_interval(after))
        rows.append(row)
    heads = ["Model"]
    for title in SCORES.values():
        heads += [title, "change (points)"]
    return _table([*heads, "95 % interval of the new accuracy"], rows)


def _change(before: float | None, after: float | None) -> list[str]:
    change = "" if before is None or after is None else _points(after - before)
    return [f"{percent(before)} → {percent(after)}", change]


def _points(change: float) -> str:
    points = round(100 * change, 1)
    return "=" if points == 0 else f"{points:+.1f}"


def _interval(scores: Mapping[str, Any] | None) -> str:
    if scores is None or "accuracy_low" not in scores:
        return "n/a"
    return f"{percent(scores['accuracy_low'])} to {percent(scores['accuracy_high'])}"


def _compare_params(old: Run, new: Run) -> str:
    before, after = _flat(old.params), _flat(new.params)
    rows = [
        [_code(key), _value(before, key), _value(after, key)]
        for key in sorted({*before, *after})
        if before.get(key, ...) != after.get(key, ...)
    ]
    return _table(["Parameter", _code(old.name), _code(new.name)], rows) if rows else "None."


def _flat(group: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in group.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _value(params: Mapping[str, Any], key: str) -> str:
    return _code("null" if params[key] is None else str(params[key])) if key in params else "not set"


def _compare_recalls(old: Run, new: Run) -> str:
    rows = []
    for model in MODELS:
        if model in old.scores and model in new.scores:
            before, after = old.scores[model]["recall"], new.scores[model]["recall"]
            changes = {
                genre: after[genre] - before[genre]
                for genre in before
                if before[genre] is not None and after.get(genre) is not None and before[genre] != after[genre]
            }
            gained = sorted((genre for genre in changes if changes[genre] > 0), key=lambda genre: -changes[genre])
            lost = sorted((genre for genre in changes if changes[genre] < 0), key=lambda genre: changes[genre])
            if changes:
                rows.append([TITLES[model], *(_listed(genres, changes) for genres in (gained, lost))])
    return _table(["Model", "gained (points)", "lost (points)"], rows) if rows else "None."


def _listed(genres: Iterable[str], changes: Mapping[str, float]) -> str:
    return ", ".join(f"{_text(genre)} {_points(changes[genre])}" for genre in genres)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def _text(words: str) -> str:
    """Return words of the user's so that neither Markdown nor HTML finds anything in them."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_{}[]()<>#+!|~$&" else sign for sign in words)
    return " ".join(escaped.split())


def _code(words: str) -> str:
    return f"`{' '.join(words.replace('`', chr(39)).replace('|', '¦').split())}`"
