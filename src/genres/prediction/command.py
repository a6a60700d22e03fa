"""``python -m genres predict``: classify files, and print a result for each as soon as it is there."""

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from genres.audio.decoding import Decoded, UnreadableAudioError
from genres.core.errors import InputError
from genres.core.progress import Progress
from genres.parallel import local_processes, ordered_map
from genres.prediction.choice import choose_model
from genres.prediction.classifier import Classifier, load_classifier
from genres.prediction.lines import csv_header, format_csv, format_json, format_text
from genres.prediction.song import Song, classify_song
from genres.prediction.sources import announced_seconds, is_regular, list_files, read_blocks, shown_name
from genres.prediction.tags import write_genre

LONG_SECONDS = 120  # from which the progress within a file is shown
FILES_IN_PROCESS = 3  # up to which starting more processes takes longer than it saves


def run(arguments: argparse.Namespace, folders: Sequence[Path], dataset: Path) -> int:
    """Classify the files, with a model from its own path or from one of the folders, and return the exit status.

    That is 0 if every file was classified, else 1. ``dataset`` is the path of dataset.json.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal has the letters of every name
    model = choose_model(arguments.model, folders, dataset)
    classifier = _load_once(model)
    description = classifier.description
    print(
        f"model: {shown_name(description.model)}, trained on {description.n_train_clips} clips "
        f"({shown_name(description.dataset['title'])}); "
        f"{description.test_accuracy:.0%} of its test clips correct",
        file=sys.stderr,
    )
    is_synthetic = bool(description.dataset["synthetic"])
    if is_synthetic:
        print(
            "warning: it was trained on synthetic clips, so its answers about real music mean nothing; "
            "`make classifier` trains a model on real music",
            file=sys.stderr,
        )
        if arguments.write_tags is not None:
            raise InputError("A model that was trained on synthetic clips writes no tags. Name another with --model.")
    formats: dict[str, Callable[[str, Song], str]] = {
        "text": partial(format_text, class_names=[*map(shown_name, description.class_names)]),
        "json": partial(
            format_json, class_names=description.class_names, model=description.model, is_synthetic=is_synthetic
        ),
        "csv": partial(format_csv, class_names=description.class_names),
    }
    to_line = formats["json" if arguments.json else "csv" if arguments.csv else "text"]
    if arguments.csv:
        print(csv_header(description.class_names))
    files, problems = list_files(arguments.files)
    for name, reason in problems.items():
        _report(name, reason, arguments.json)
    n_failed = len(problems)
    for name, outcome in _classify_all(files, model):
        try:
            if not isinstance(outcome, Song):
                raise InputError(outcome)
            _say(to_line(name, outcome), sys.stdout)
            if outcome.note:
                _say(f"note: {shown_name(name)}: {shown_name(outcome.note)}", sys.stderr)
            if arguments.write_tags is not None:
                _tag(name, outcome, description.class_names, arguments.write_tags, arguments.yes)
        except InputError as error:
            n_failed += 1
            _report(name, str(error), arguments.json)
    return 1 if n_failed else 0


def _report(name: str, reason: str, as_json: bool) -> None:
    """Say why a file was not classified or tagged, to people and, as one more line, to programs that read JSON."""
    _say(f"error: {shown_name(name)}: {shown_name(reason)}", sys.stderr)
    if as_json:
        _say(json.dumps({"file": name, "error": reason}), sys.stdout)


def _say(text: str, stream: TextIO) -> None:
    """Print at once, and above the bar of the progress if a terminal shows one."""
    tqdm.write(text, stream)
    stream.flush()


def _classify_all(files: Sequence[str], model: Path) -> Iterator[tuple[str, Song | str]]:
    """Yield each file with what it is, or with the reason why it cannot be said, in order."""
    if len(files) <= FILES_IN_PROCESS:
        yield from ((name, _classify(name, model, in_view=True)) for name in files)
        return
    with local_processes() as executor:
        regular = list(filter(is_regular, files))
        outcomes = ordered_map(partial(_classify, model=model), regular, executor, "classifying")
        # The others are read here: standard input and many a pipe are open in this process alone.
        is_elsewhere = set(regular)
        for name in files:
            yield name, next(outcomes) if name in is_elsewhere else _classify(name, model)
        next(outcomes, None)  # so that the progress ends


def _classify(name: str, model: Path, in_view: bool = False) -> Song | str:
    classifier = _load_once(model)
    try:
        blocks = read_blocks(name)
        return classify_song(_with_progress(name, blocks) if in_view else blocks, classifier)
    except UnreadableAudioError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


@cache
def _load_once(model: Path) -> Classifier:
    return load_classifier(model)


def _with_progress(name: str, blocks: Iterator[Decoded]) -> Iterator[Decoded]:
    """Pass on the blocks of a file, and show how far they are if it is long."""
    seconds = round(announced_seconds(Path(name))) if is_regular(name) else 0
    if seconds < LONG_SECONDS:
        yield from blocks
        return
    with Progress(seconds, shown_name(name), "s") as progress:
        for block in blocks:
            yield block
            progress.advance(amount=round(block.samples.size / block.sample_rate))


def _tag(name: str, song: Song, class_names: Sequence[str], probability: float, is_confirmed: bool) -> None:
    """Write the genre of a song that is probable enough into its file's tags, or say that it would be written."""
    if song.probabilities is None:
        raise InputError("the model has no probabilities, so no genre is written into its tags")
    if song.not_music is not None or song.probabilities[song.label] < probability:
        return
    genre = class_names[song.label]
    if not is_regular(name):
        raise InputError("a tag can be written into a file only")
    try:
        earlier = write_genre(Path(name), genre, is_confirmed)
    except OSError as error:
        raise InputError(f"its tags cannot be written ({error.strerror or error})") from None
    did, how = ("wrote", "") if is_confirmed else ("would write", "; --yes writes it")
    instead = f" instead of {shown_name(earlier)}" if earlier else ""
    _say(f"{did} the genre {shown_name(genre)} into {shown_name(name)}{instead}{how}", sys.stderr)
