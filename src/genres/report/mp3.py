"""Clips as sound that a web page can hold: small mp3s."""

import io
from pathlib import Path

import numpy as np
import soundfile

from genres.audio.decoding import read_listed_clip

SAMPLE_RATE = 22_050  # Hz, GTZAN's own
MAX_SECONDS = 30
COMPRESSION_LEVEL = 0.8  # of libsndfile's 0 to 1: 40 kbit/s at this rate, 150 kB for 30 s


def clip_as_mp3(path: Path) -> bytes:
    """Return the first 30 s of a clip as mono mp3 of constant bit rate, or raise an InputError if it is unreadable.

    Samples beyond full scale, as in floating-point files in the range of integers, are brought down to it.
    """
    samples = read_listed_clip(path, SAMPLE_RATE)[: MAX_SECONDS * SAMPLE_RATE]
    samples = samples / max(np.abs(samples).max(), np.float32(1))
    encoded = io.BytesIO()
    soundfile.write(
        encoded, samples, SAMPLE_RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=COMPRESSION_LEVEL
    )
    return encoded.getvalue()
