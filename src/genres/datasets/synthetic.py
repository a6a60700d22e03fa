"""A stand-in for GTZAN that needs no download: ten procedural bands, badly recorded and never twice alike.

A genre is a row of data in :data:`BANDS`. A clip draws its own key, tempo, rhythms, sounds, room and recording, and
now and then a band borrows players from a related genre. So average spectra distinguish the genres poorly; rhythm,
texture and the way in which notes begin and end say more.

A clip follows from its seed, genre and number alone. All arithmetic is in double precision, so that the last bits, in
which machines differ, are gone once samples are rounded to 16 bits.
"""

import io
import re
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import soundfile
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from genres.core.files import require_space
from genres.datasets.bands import BANDS, DRUMS, GENRES, Band, Drum, Lead, Part, Span, Voice
from genres.datasets.description import DatasetDescription
from genres.datasets.layout import Skipped
from genres.parallel import ordered_map
from genres.schema import Synthetic

Wave = NDArray[np.float64]
Chord = dict[str, int]  # from the degree of a chord to semitones above C
Option = TypeVar("Option")
Level = TypeVar("Level", float, Wave)

SAMPLE_RATE, BYTES_PER_SAMPLE = 22_050, 2

# GTZAN's clips: most have the usual length, the others lie anywhere between the shortest and the longest.
GTZAN_SECONDS = 30
USUAL_SAMPLES, SHORTEST_SAMPLES, LONGEST_SAMPLES = 661_794, 660_000, 675_808
USUAL_SHARE = 0.7
UNREADABLE_CLIP = ("jazz", 54)  # as in the copy of GTZAN that most people have

# How hard the genres are to distinguish, besides the bands themselves.
BORROWED = 0.12  # chance that drummer, accompanists or soloist come from a related genre
RESTING = 0.15  # share of the four-bar sections that a player sits out
GAIN_DB = 4.0  # standard deviation of each instrument's level in the mix
EQUALISER_DB = 7.5  # standard deviation of a recording's colouring, octave by octave
TILT_DB = 2.0  # standard deviation of its slope per octave
CUTOFF_HZ: Span = (3500, 11000)
NOISE_DB: Span = (-48, -24)  # relative to the band
ROOM_DB: Span = (-20, -3)  # the echo, relative to the direct sound
ROOM_DECAY: Span = (0.02, 0.12)  # seconds
SATURATION: Span = (0.5, 4.0)  # gain into the last tape machine
PEAK_DB: Span = (-12, -0.2)  # relative to full scale

BEATS_PER_BAR, STEPS_PER_BAR, BARS_PER_SECTION = 4, 16, 4
LOUDNESS = {"X": 1.0, "x": 0.7, "o": 0.3}  # accent, hit and ghost note; a dot is a rest
TIMING_SECONDS = 0.006  # standard deviation of a human's timing
FALL_SECONDS = 0.02  # in which a drum falls to its pitch
FORMANT_WIDTH_HZ = 150
EQUALISER_SAMPLES = 2048
RELEASE_SAMPLES = round(0.04 * SAMPLE_RATE)  # from the end of a note to silence
LENGTH_STEP = 256  # samples to which notes are rounded, so that few differ
CYCLE_SAMPLES = 4096  # one period of a tone
HIGHEST_PARTIAL_HZ = 10_000
CHORD_NAME = re.compile(r"(?P<flat>b?)(?P<roman>[IViv]+)(?P<seventh>maj7|7)?")
ROMAN = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}


class Hit(NamedTuple):
    """A stroke in a rhythm; times in samples."""

    bar: int
    start: int
    samples: int  # until the next stroke
    loudness: float


class Note(NamedTuple):
    """A tone of an instrument; times in samples."""

    start: int
    samples: float
    pitch: int  # MIDI
    loudness: float


def write_clips(folder: Path, synthetic: Synthetic, executor: Executor) -> list[Skipped]:
    """Write ``<genre>/<genre>.NNNNN.wav`` into ``folder``, an empty folder, and skip nothing.

    Raises:
        InputError: the disk has no room for the clips.
    """
    longest = LONGEST_SAMPLES * synthetic.seconds / GTZAN_SECONDS
    size = round(len(GENRES) * synthetic.clips_per_genre * longest * BYTES_PER_SAMPLE)
    lower = "lower `dataset.synthetic.clips_per_genre` or `dataset.synthetic.seconds`"
    require_space(size, folder, "the synthetic data set", lower)
    for genre in GENRES:
        (folder / genre).mkdir()
    clips = [(genre, number) for genre in GENRES for number in range(synthetic.clips_per_genre)]
    write = partial(_write_clip, folder=folder, seconds=synthetic.seconds, seed=synthetic.seed)
    for _ in ordered_map(write, clips, executor, "generating"):
        pass
    return []


def _write_clip(clip: tuple[str, int], folder: Path, seconds: float, seed: int) -> None:
    genre, number = clip
    path = folder / genre / _file_name(genre, number)
    if clip == UNREADABLE_CLIP:
        path.write_bytes(b"RIFF is how a wav file begins, but this is none\n")
    else:
        encoded = io.BytesIO()  # libsndfile does not say why it cannot write a file
        soundfile.write(encoded, render_clip(genre, number, seed, seconds), SAMPLE_RATE, subtype="PCM_16", format="WAV")
        path.write_bytes(encoded.getvalue())


def _file_name(genre: str, number: int) -> str:
    return f"{genre}.{number:05d}.wav"


def render_clip(genre: str, number: int, seed: int, seconds: float) -> NDArray[np.int16]:
    """Return one clip, mono at 22,050 Hz, shape (samples,): the same whenever and wherever it is rendered."""
    band = BANDS[genre]
    rng = Generator(PCG64(SeedSequence([seed, GENRES.index(genre), number])))
    return record(perform(band, draw_samples(seconds, rng), rng), rng)


def draw_samples(seconds: float, rng: Generator) -> int:
    """Return a clip's length: spread as GTZAN's lengths are, scaled from its 30 seconds to ``seconds``."""
    usual = rng.random() < USUAL_SHARE
    samples = USUAL_SAMPLES if usual else int(rng.integers(SHORTEST_SAMPLES, LONGEST_SAMPLES + 1))
    return round(samples * seconds / GTZAN_SECONDS)


def perform(band: Band, samples: int, rng: Generator) -> Wave:
    """Return an excerpt of a song, without room and at no particular level, shape (samples,)."""
    key = int(rng.integers(12))
    beat = 60 / rng.uniform(*band.tempo) * SAMPLE_RATE
    skipped = int(rng.uniform(0, BEATS_PER_BAR * beat))  # an excerpt begins anywhere in a bar
    length = skipped + samples
    steps = swung_steps(1 + int(length / (BEATS_PER_BAR * beat)), beat, rng.uniform(*band.swing))
    chords = parse_progression(choose(band.progressions, rng), key)
    first = int(rng.integers(len(chords)))
    chords = chords[first:] + chords[:first]

    drummer, accompanists, soloist = (
        BANDS[choose(band.related, rng)] if rng.random() < BORROWED else band for _ in range(3)
    )
    tracks = []
    for drum, rhythm in choose(drummer.drums, rng).items():
        hits = play_rhythm(rhythm, steps, rng)
        tracks.append((drummer.drums_gain, render_drum(DRUMS[drum], hits, length, rng)))
    for part in accompanists.parts:
        notes = accompany(part, chords, steps, rng)
        tracks.append((part.gain, render_voice(part.voice, notes, length, rng)))
    lead = choose(soloist.leads, rng)
    notes = improvise(lead, band.scale, key, steps, rng)
    tracks.append((lead.gain, render_voice(lead.voice, notes, length, rng)))

    song = np.zeros(length)
    for gain, track in tracks:
        song += amplitude(gain + rng.normal(0, GAIN_DB)) * track
    phrase = rng.uniform(3, 6) * BEATS_PER_BAR * beat
    swell = np.sin(2 * np.pi * (np.arange(length) / phrase + rng.random()))
    return (song * amplitude(band.dynamics / 2 * swell))[skipped:]


def swung_steps(bars: int, beat: float, swing: float) -> Wave:
    """Return where each sixteenth begins and, last, where the music ends: samples, shape (16 * bars + 1,)."""
    within_beat = np.array([0, swing / 2, swing, (1 + swing) / 2])
    steps = np.arange(BEATS_PER_BAR * bars)[:, np.newaxis] + within_beat  # (beats, 4)
    return np.append(steps, BEATS_PER_BAR * bars) * beat


def play_rhythm(rhythm: str, steps: Wave, rng: Generator) -> list[Hit]:
    """Repeat a rhythm to the end of the song, except in the sections that its player sits out."""
    last_step = len(steps) - 1
    section = BARS_PER_SECTION * STEPS_PER_BAR
    resting = rng.random(last_step // section + 1) < RESTING
    marks = list(islice(cycle(rhythm), last_step))
    onsets = [step for step, mark in enumerate(marks) if mark != "."]
    return [
        Hit(
            bar=onset // STEPS_PER_BAR,
            start=max(0, round(steps[onset] + rng.normal(0, TIMING_SECONDS * SAMPLE_RATE))),
            samples=round(steps[following] - steps[onset]),
            loudness=LOUDNESS[marks[onset]],
        )
        for onset, following in pairwise([*onsets, last_step])
        if not resting[onset // section]
    ]


def accompany(part: Part, chords: list[Chord], steps: Wave, rng: Generator) -> list[Note]:
    """Return the notes of an accompanist who follows the chords, one per bar, over and over."""
    gate = rng.uniform(*part.gate)
    hits = play_rhythm(choose(part.rhythms, rng), steps, rng)
    notes: list[Note] = []
    for hit, degrees in zip(hits, cycle(part.figure.split()), strict=False):
        chord = chords[hit.bar % len(chords)]
        transposition = nearest_pitch(chord["1"], part.register) - chord["1"]
        pitches = [chord[degree] + transposition for degree in degrees]
        notes += [Note(hit.start, gate * hit.samples, pitch, hit.loudness) for pitch in pitches]
    return notes


def improvise(lead: Lead, scale: tuple[int, ...], key: int, steps: Wave, rng: Generator) -> list[Note]:
    """Return a solo: a two-bar rhythm that keeps coming back, and a line that strolls along the scale."""
    gate = rng.uniform(*lead.gate)
    begins = rng.random(2 * STEPS_PER_BAR) < rng.uniform(*lead.density)
    rhythm = "".join("x" if begin else "." for begin in begins)
    home = nearest_pitch(key, lead.register)
    notes, position = [], 0  # in steps of the scale above home
    for hit in play_rhythm(rhythm, steps, rng):
        position = min(max(position + int(rng.integers(-2, 3)), -len(scale)), len(scale))
        octave, tone = divmod(position, len(scale))
        notes.append(Note(hit.start, gate * hit.samples, home + 12 * octave + scale[tone], hit.loudness))
    return notes


def nearest_pitch(tone: int, register: int) -> int:
    """Return the pitch that lies some octaves from ``tone`` and within half an octave of ``register``."""
    return register - 6 + (tone - register + 6) % 12


def parse_progression(progression: str, key: int) -> list[Chord]:
    """Return the chords of a progression such as ``"ii7 V7 Imaj7"`` in a key (0 is C).

    Capitals are major chords, small letters minor ones. Every chord knows a seventh, should a part ask for it: a major
    one after "maj7", else a minor one.
    """
    chords = []
    for name in CHORD_NAME.finditer(progression):
        root = key + ROMAN[name["roman"].upper()] - len(name["flat"])
        third = 4 if name["roman"].isupper() else 3
        seventh = 11 if name["seventh"] == "maj7" else 10
        intervals = {"1": 0, "3": third, "5": 7, "6": 9, "7": seventh, "8": 12, "9": 14}
        chords.append({degree: root + interval for degree, interval in intervals.items()})
    return chords


def render_drum(drum: Drum, hits: list[Hit], length: int, rng: Generator) -> Wave:
    """Return all hits of one drum, shape (length,)."""
    tuning = 2 ** rng.normal(0, 0.15)
    seconds = np.arange(round(5 * max(drum.tone_decay, drum.noise_decay) * SAMPLE_RATE)) / SAMPLE_RATE
    surplus = (drum.tone_fall - 1) * FALL_SECONDS * (1 - np.exp(-seconds / FALL_SECONDS))
    tone = np.sin(2 * np.pi * drum.tone_hz * tuning * (seconds + surplus))
    tone *= (1 - drum.noise) * np.exp(-seconds / drum.tone_decay)

    spectrum = np.fft.rfft(rng.standard_normal(len(seconds)))
    frequencies = np.fft.rfftfreq(len(seconds), 1 / SAMPLE_RATE)
    low, high = drum.noise_hz
    spectrum[(frequencies < low * tuning) | (frequencies > high * tuning)] = 0
    noise = np.fft.irfft(spectrum, len(seconds)) * np.exp(-seconds / drum.noise_decay)
    noise *= drum.noise / np.abs(noise).max()
    stroke = tone + noise

    track = np.zeros(length)
    for hit in hits:
        add(hit.loudness * stroke, track, hit.start)
    return track


def render_voice(voice: Voice, notes: list[Note], length: int, rng: Generator) -> Wave:
    """Return all notes of one instrument, through its amplifier if it has one, shape (length,)."""
    own_voice = voice._replace(rolloff=voice.rolloff + rng.normal(0, 0.2))
    phases = rng.uniform(0, 2 * np.pi, CYCLE_SAMPLES // 2)
    vibrato_hz = rng.uniform(4.5, 6.5)
    held = [LENGTH_STEP * (1 + round(note.samples / LENGTH_STEP)) for note in notes]
    seconds = np.arange(max(held, default=0) + RELEASE_SAMPLES) / SAMPLE_RATE  # of the longest; the others begin alike
    # The frequency swings by 2 ** (vibrato / 12), about 1 + vibrato * log(2) / 12; the phase is its integral.
    swing = voice.vibrato * np.log(2) / 12 / (2 * np.pi * vibrato_hz)
    swung = seconds - swing * np.cos(2 * np.pi * vibrato_hz * seconds)
    envelope = (1 - np.exp(-seconds / voice.attack)) * np.exp(-seconds / voice.decay)

    rendered: dict[tuple[int, int], Wave] = {}  # the same pitch and length recur from bar to bar
    track = np.zeros(length)
    for note, samples in zip(notes, held, strict=True):
        if (note.pitch, samples) not in rendered:
            frequency = 440 * 2 ** ((note.pitch - 69) / 12)
            period = render_period(own_voice, frequency, phases)
            wave = envelope[: samples + RELEASE_SAMPLES].copy()
            wave[samples:] *= np.linspace(1, 0, RELEASE_SAMPLES)
            wave *= period[(frequency * swung[: len(wave)] * CYCLE_SAMPLES).astype(np.int64) % CYCLE_SAMPLES]
            rendered[note.pitch, samples] = wave
        add(note.loudness * rendered[note.pitch, samples], track, note.start)
    return np.tanh(voice.drive * track) if voice.drive else track


def render_period(voice: Voice, frequency: float, phases: Wave) -> Wave:
    """Return one period of a tone, the sum of its harmonics, shape (CYCLE_SAMPLES,)."""
    harmonics = np.arange(1, int(HIGHEST_PARTIAL_HZ / frequency) + 1)
    levels = harmonics**-voice.rolloff * np.where(harmonics % 2, 1, voice.even)
    for formant in voice.formants:
        levels *= 1 + 4 * np.exp(-(((harmonics * frequency - formant) / FORMANT_WIDTH_HZ) ** 2))
    spectrum = np.zeros(CYCLE_SAMPLES // 2 + 1, complex)
    spectrum[harmonics] = levels / np.linalg.norm(levels) * np.exp(1j * phases[harmonics])
    return np.fft.irfft(spectrum, CYCLE_SAMPLES) * CYCLE_SAMPLES / 4  # about as loud as a drum


def add(wave: Wave, track: Wave, start: int) -> None:
    """Add a wave to a track in place, as far as the track reaches."""
    track[start : start + len(wave)] += wave[: max(len(track) - start, 0)]


def record(song: Wave, rng: Generator) -> NDArray[np.int16]:
    """Return a song as an unknown engineer left it: in a room, coloured, noisy, saturated, at any level."""
    sound = oaconvolve(song, draw_room(rng))[: len(song)]
    loudness = np.sqrt(np.mean(sound**2)) or 1.0  # a short clip may catch the whole band resting
    sound += loudness * amplitude(rng.uniform(*NOISE_DB)) * rng.standard_normal(len(sound))
    sound = oaconvolve(sound, draw_equaliser(rng))[: len(song)]
    sound /= np.abs(sound).max()
    gain = rng.uniform(*SATURATION)
    sound = np.tanh(gain * sound) / np.tanh(gain)
    peak = np.iinfo(np.int16).max * amplitude(rng.uniform(*PEAK_DB))
    return np.asarray(np.round(peak * sound), np.int16)


def draw_room(rng: Generator) -> Wave:
    """Return a room's impulse response: the direct sound, then noise that dies away."""
    decay = rng.uniform(*ROOM_DECAY)
    seconds = np.arange(round(5 * decay * SAMPLE_RATE)) / SAMPLE_RATE
    echo = rng.standard_normal(len(seconds)) * np.exp(-seconds / decay)
    echo *= amplitude(rng.uniform(*ROOM_DB)) / np.linalg.norm(echo)
    return np.append(1.0, echo)


def draw_equaliser(rng: Generator) -> Wave:
    """Return the impulse response of a random colouring that changes from octave to octave."""
    frequencies = np.fft.rfftfreq(EQUALISER_SAMPLES, 1 / SAMPLE_RATE)
    octaves = np.log2(np.maximum(frequencies, 20) / 20)
    knots = np.arange(1 + np.ceil(octaves.max()))
    level = np.interp(octaves, knots, rng.normal(0, EQUALISER_DB, len(knots)))
    level += rng.normal(0, TILT_DB) * octaves
    level -= 10 * np.log10(1 + (frequencies / rng.uniform(*CUTOFF_HZ)) ** 8)
    centred = np.roll(np.fft.irfft(amplitude(level), EQUALISER_SAMPLES), EQUALISER_SAMPLES // 2)
    return centred * np.hanning(EQUALISER_SAMPLES)


def choose(options: Sequence[Option], rng: Generator) -> Option:
    """Return one of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def amplitude(level: Level) -> Level:
    """Return the factor for a level in dB."""
    return 10 ** (level / 20)


DESCRIPTION = DatasetDescription(
    title="SYNTHETIC clips (not GTZAN)",
    source=lambda dataset: (
        f"synthetic: {dataset.synthetic.clips_per_genre} clips a genre of about {dataset.synthetic.seconds:g} s, "
        f"data seed {dataset.synthetic.seed}"
    ),
    obtain=lambda dataset, folder, executor: write_clips(folder, dataset.synthetic, executor),
    synthetic=True,
    kept=f"{UNREADABLE_CLIP[0]}/{_file_name(*UNREADABLE_CLIP)}",
    caveats=(
        "These clips are synthetic: small procedural bands under GTZAN's names. The figures say that the pipeline "
        "works, and nothing about GTZAN or about music.",
    ),
)
