"""A song of any length: cut into windows, each classified as a clip, and summed up."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genres.audio.decoding import Decoded, FloatArray, resample
from genres.not_music import name_not_music
from genres.prediction.classifier import Classifier

MIN_REST = 0.1  # of a window: a shorter rest at the end of a song is no window of its own
UNSURE_BELOW = 0.6  # probability: of less probable answers about unheard artists one in three is correct, see docs


@dataclass(frozen=True)
class Window:
    """A part of a song, which was classified as a clip."""

    start: float  # seconds
    end: float
    not_music: str | None  # "silence", "speech" or "noise"; None if it may be music
    label: int  # of the genre predicted for it
    probabilities: NDArray[np.float64] | None  # (classes,); None if the model has none


@dataclass(frozen=True)
class Song:
    """What a model makes of a song. What is not music has no say, if there is any music."""

    windows: tuple[Window, ...]  # in order, at least one
    not_music: str | None  # what most of it is, if none of it may be music
    label: int  # of the most probable genre
    probabilities: NDArray[np.float64] | None  # the mean over the windows, (classes,); None if the model has none
    note: str = ""  # what is odd about the file although it was classified

    @property
    def is_unsure(self) -> bool:
        """Whether the most probable genre is improbable; never of a model without probabilities."""
        return self.probabilities is not None and float(self.probabilities[self.label]) < UNSURE_BELOW


def classify_song(blocks: Iterable[Decoded], classifier: Classifier) -> Song:
    """Classify the audio that `decoding.decode_blocks` yields, of which one window at a time is in memory.

    An UnreadableAudioError of the blocks is passed on.
    """
    note = ""

    def noted() -> Iterator[Decoded]:
        nonlocal note
        for block in blocks:
            note = block.note
            yield block

    windows = []
    for start, samples, rate in cut_windows(noted(), classifier.seconds):
        heard = resample(samples, rate, classifier.sample_rate)
        output = classifier.classify(heard)
        probabilities = None if output.probabilities is None else output.probabilities[0]
        end = start + samples.size / rate
        not_music = name_not_music(heard, classifier.sample_rate)
        windows.append(Window(start, end, not_music, int(output.labels[0]), probabilities))
    return replace(sum_up(windows), note=note)


def cut_windows(blocks: Iterable[Decoded], seconds: float) -> Iterator[tuple[float, FloatArray, int]]:
    """Yield the windows of a song: start in seconds, samples, and sample rate in Hz.

    They follow one another, and the last one ends where the song does, so that it overlaps the one before; a rest
    shorter than `MIN_REST` is left out. A song that is longer than one window by no more is a single one, as a whole: a
    clip of the usual length is heard as in the pipeline.
    """
    # From one window before `position`, where the next window starts, which is at sample `n_before` of the song.
    kept, position, n_before, length, rate = np.empty(0, np.float32), 0, 0, 1, 1
    for block in blocks:
        rate = block.sample_rate
        length = max(1, round(seconds * rate))
        kept = np.concatenate([kept, block.samples])
        while kept.size - position >= (length if n_before else (1 + MIN_REST) * length):
            yield n_before / rate, kept[position : position + length], rate
            kept, position, n_before = kept[position:], length, n_before + length
    if n_before == 0:
        yield 0.0, kept, rate
    elif kept.size - position >= MIN_REST * length:
        yield (n_before + kept.size - position - length) / rate, kept[-length:], rate


def sum_up(windows: Sequence[Window]) -> Song:
    """Return what the windows say of a song together; there is at least one."""
    music = [window for window in windows if window.not_music is None]
    not_music = None if music else Counter(window.not_music for window in windows).most_common(1)[0][0]
    probabilities = [window.probabilities for window in music or windows if window.probabilities is not None]
    if probabilities:
        mean = np.mean(probabilities, axis=0)
        return Song(tuple(windows), not_music, int(mean.argmax()), mean)
    label = Counter(window.label for window in music or windows).most_common(1)[0][0]
    return Song(tuple(windows), not_music, label, None)


def best_first(song: Song) -> list[int]:
    """Return the classes of a song, the most probable first; without probabilities, those of most windows first."""
    if song.probabilities is None:
        return [label for label, _ in Counter(window.label for window in song.windows).most_common()]
    return [int(label) for label in np.argsort(-song.probabilities, kind="stable")]
