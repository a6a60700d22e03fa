"""The page: what stands where, and what follows on a file, a recording, or another model."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from genres.audio.decoding import UnreadableAudioError
from genres.core.errors import InputError
from genres.demo.answer import answer_html, model_html, refusal_html
from genres.demo.listening import MAX_MINUTES, hear
from genres.demo.models import Choice
from genres.demo.nearest import TrainClips, nearest_clips, read_train_clips
from genres.demo.uploads import MAX_BYTES, Uploads
from genres.prediction.classifier import Classifier, load_classifier

ABANDONED = (60, 3600)  # seconds: how often uploads that nobody asked about are sought, and from which age deleted
FONT = ("system-ui", "sans-serif")  # nothing to download
FOLDER = Path(__file__).parent
LOOK = {
    "theme": gr.themes.Default(font=FONT, font_mono=("ui-monospace", "monospace")),
    "css_paths": FOLDER / "page.css",
    "head": f"<script>{(FOLDER / 'page.js').read_text(encoding='utf-8')}</script>",
}
INTRODUCTION = f"""# What genre is it?
Drop a piece of music of up to {MAX_MINUTES} minutes and {MAX_BYTES // 1_000_000} MB, or record one. It is classified
on the machine that serves this page, sent nowhere else, and deleted once it is answered."""


def build_app(choices: Sequence[Choice], data: Path) -> gr.Blocks:
    """Return the page of some models, the first of which is chosen at first; it is launched with `LOOK`."""
    uploads = Uploads()

    @cache
    def load(index: int) -> tuple[Classifier, TrainClips | None]:
        return load_classifier(choices[index].path), read_train_clips(choices[index].description, data)

    def answer(path: str | None, index: int) -> Any:
        if path is None:  # another model was chosen, and nothing was heard before, or another file came meanwhile
            return gr.skip()
        name = Path(path).name
        try:
            classifier, train = load(index)
            song, spectrogram = hear(Path(path), classifier)
            near = [] if train is None else nearest_clips(song, train)
            return answer_html(name, choices[index], song, spectrogram, near)
        except (UnreadableAudioError, InputError) as error:
            return refusal_html(name, str(error))
        except FileNotFoundError:  # somebody else's copy of it was answered in the moment before this one was expected
            return refusal_html(name, "it is no longer there. Drop it again.")
        finally:
            uploads.answered(path)

    with gr.Blocks(title="What genre is it?", analytics_enabled=False, delete_cache=ABANDONED) as app:
        gr.Markdown(INTRODUCTION)
        model = gr.Dropdown([(choice.title, index) for index, choice in enumerate(choices)], value=0, label="Model")
        about = gr.HTML(model_html(choices[0]))
        with gr.Row():
            # Of any type, so that the reason why one is no audio is said here, and not by the browser.
            file = gr.File(label="A file", height=160)
            recorder = gr.Audio(
                sources=["microphone"], type="filepath", label="A recording", editable=False, elem_id="recorder"
            )
        shown = gr.HTML()

        model.input(lambda index: model_html(choices[index]), model, about, queue=False, api_visibility="private")
        for listen, source, code in (
            (file.upload, file, "genres.keep"),
            (recorder.stop_recording, recorder, "genres.keep"),
            (model.input, None, "genres.again"),
        ):
            # What the answer is about. Each has its own, as a file may come while another model is still being asked.
            heard = gr.Audio(type="filepath", visible=False)
            answered = (
                listen(None, source, heard, js=code)
                .then(uploads.expect, heard, None, queue=False, api_visibility="private")
                .then(answer, [heard, model], shown, concurrency_id="answer", api_visibility="private")
            )
            if source is not None:
                answered.then(lambda: None, None, source, queue=False, api_visibility="private")
    return app.queue(default_concurrency_limit=1, api_open=False)
