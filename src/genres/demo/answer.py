"""What the page says: of a song, of a file that is none, and of the model. It is HTML, in which names are escaped."""

import base64
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from genres.audio.decoding import FloatArray
from genres.demo.figure import NARROW, WIDE, draw_song
from genres.demo.models import Choice
from genres.demo.nearest import NearClip
from genres.prediction.lines import clock, course
from genres.prediction.song import Song, best_first

TEMPLATE = Path(__file__).with_name("answer.html.jinja")


def answer_html(name: str, choice: Choice, song: Song, spectrogram: FloatArray, near: Sequence[NearClip]) -> str:
    """Return what a model makes of a song, with all figures and sounds in it, so that nothing of it is on a disk."""
    class_names = choice.description.class_names
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"clock": clock, "data_uri": _data_uri, "percent": _percent}
    bars = []
    if song.probabilities is not None and song.not_music is None:
        bars = [(class_names[label], float(song.probabilities[label])) for label in best_first(song)]
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=name,
        choice=choice,
        song=song,
        verdict=verdict(song, class_names),
        bars=bars,
        wide=draw_song(song, spectrogram, class_names, WIDE),
        narrow=draw_song(song, spectrogram, class_names, NARROW),
        course=course(song.windows, class_names),
        near=near,
    )


def verdict(song: Song, class_names: Sequence[str]) -> str:
    """Return in words what a model makes of a song."""
    if song.not_music is not None:
        return f"{song.not_music.capitalize()}, not music"
    genre = class_names[song.label]
    if song.probabilities is None:
        return f"{genre} (this model gives no probabilities)"
    if song.is_unsure:
        return f"Not sure, most likely {genre}"
    return f"{genre}, {_percent(float(song.probabilities[song.label]))}"


def refusal_html(name: str, reason: str) -> str:
    """Return why a file cannot be classified."""
    return Markup('<p class="refusal" role="alert"><strong>{}</strong> cannot be classified: {}</p>').format(
        name, reason
    )


def model_html(choice: Choice) -> str:
    """Return what has to be known of a model, and the warning if its answers mean nothing."""
    description = choice.description
    html = Markup("<p>Data set: {}. Trained on {} clips; {} of its test clips correct.</p>").format(
        description.dataset["title"], description.n_train_clips, _percent(description.test_accuracy)
    )
    if description.dataset["synthetic"]:
        html = Markup(
            '<p class="warning" role="note"><strong>This model was trained on synthetic clips, so its answers mean '
            "nothing for real music.</strong></p>{}"
        ).format(html)
    return html


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
