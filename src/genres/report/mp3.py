"""Clips as sound that a web page can hold: small mp3s."""

import io
from pathlib import Path

import soundfile

from genres.audio import UnreadableAudioError, read_clip
from genres.core.files import damaged, require_file

SAMPLE_RATE = 22_050  # Hz, GTZAN's own
LONGEST_SECONDS = 30
COMPRESSION_LEVEL = 0.8  # of libsndfile's 0 to 1: 40 kbit/s at this rate, 150 kB for 30 s


def clip_as_mp3(path: Path) -> bytes:
    """Return the first 30 s of an audio file as mono mp3, of the same size whatever the sound.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    require_file(path, "download")
    try:
        samples = read_clip(path, SAMPLE_RATE)[: LONGEST_SECONDS * SAMPLE_RATE]
    except UnreadableAudioError as error:
        raise damaged(path, "download", str(error)) from None
    encoded = io.BytesIO()
    soundfile.write(
        encoded, samples, SAMPLE_RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=COMPRESSION_LEVEL
    )
    return encoded.getvalue()
