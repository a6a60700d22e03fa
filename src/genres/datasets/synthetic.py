"""A stand-in for GTZAN that needs no download: ten procedural bands, badly recorded and never twice alike.

A genre is a row of data in :data:`BANDS`: how fast it is played, over which chords, on which drums and
instruments. A clip draws its own key, tempo, rhythms, sounds, room and recording, and now and then a band
borrows its drummer, its accompanists or its soloist from a related genre. So average spectra tell the genres
apart badly; rhythm, texture and the way in which notes begin and end tell more.

A clip follows from its seed, genre and number alone. All arithmetic is in double precision, so that the last
bits, in which machines differ, are gone once samples are rounded to 16 bits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import soundfile
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from genres.parallel import map_in_processes

Wave = NDArray[np.float64]
Span = tuple[float, float]  # a value is drawn between the two, all equally likely
Chord = dict[str, int]  # from the degree of a chord to semitones above C
Option = TypeVar("Option")
Level = TypeVar("Level", float, Wave)

SAMPLE_RATE = 22_050

# GTZAN's clips: most have the usual length, the others lie anywhere between the shortest and the longest.
GTZAN_SECONDS = 30
USUAL_SAMPLES, SHORTEST_SAMPLES, LONGEST_SAMPLES = 661_794, 660_000, 675_808
USUAL_SHARE = 0.7
UNREADABLE_CLIP = ("jazz", 54)  # as in the copy of GTZAN that most people have

# How hard the genres are to tell apart, besides the bands themselves.
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
RELEASE_SECONDS = 0.04  # from the end of a note to silence
LENGTH_STEP = 256  # samples to which notes are rounded, so that few differ
CYCLE_SAMPLES = 4096  # one period of a tone
HIGHEST_PARTIAL_HZ = 10_000
CHORD_NAME = re.compile(r"(?P<flat>b?)(?P<roman>[IViv]+)(?P<seventh>maj7|7)?")
ROMAN = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}


@dataclass(frozen=True)
class Drum:
    """A drum or cymbal: a tone that falls in pitch, and noise between two frequencies; decays in seconds."""

    tone_hz: float
    tone_fall: float  # how many times higher the tone begins
    tone_decay: float
    noise: float  # peak level; the tone's is 1 minus this
    noise_hz: Span
    noise_decay: float


@dataclass(frozen=True)
class Voice:
    """A pitched instrument; times in seconds."""

    rolloff: float  # the n-th harmonic has amplitude n ** -rolloff
    even: float  # level of the even harmonics: 1 for a string, near 0 for a clarinet
    attack: float
    decay: float  # time constant while the note is held
    vibrato: float = 0.0  # depth in semitones
    drive: float = 0.0  # gain into the amplifier's saturation, 0 for none
    formants: tuple[float, ...] = ()  # resonances of a throat or a body, in Hz


@dataclass(frozen=True)
class Part:
    """What an accompanist plays: chord degrees in a rhythm."""

    voice: Voice
    rhythms: tuple[str, ...]  # sixteenths of a bar; each clip keeps to one of these
    figure: str  # degrees of the chord for one hit after the other: "1 5" alternates, "135" is a triad
    register: int  # MIDI pitch that roots lie nearest to
    gain: float  # dB
    gate: Span  # how much of the time to the next hit a note is held


@dataclass(frozen=True)
class Lead:
    """How a soloist improvises over the band's scale."""

    voice: Voice
    register: int
    density: Span  # share of the sixteenths on which a note begins
    gain: float
    gate: Span


@dataclass(frozen=True)
class Band:
    """A genre."""

    tempo: Span  # beats per minute
    swing: Span  # share of a beat that its first eighth takes: 0.5 is straight, 0.67 a triplet
    progressions: tuple[str, ...]  # a chord per bar
    scale: tuple[int, ...]  # semitones above the key note
    drums: tuple[dict[str, str], ...]  # rhythm of each drum; each clip keeps to one of these
    drums_gain: float
    parts: tuple[Part, ...]
    leads: tuple[Lead, ...]
    dynamics: float  # dB by which the whole band swells and fades over a phrase
    related: tuple[str, ...]  # genres it borrows from


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


# Tone: Hz, fall, decay; noise: level, Hz, decay.
DRUMS = {
    "kick": Drum(52, 4.0, 0.10, 0.10, (1000, 5000), 0.01),
    "boom": Drum(44, 3.0, 0.30, 0.03, (1000, 3000), 0.01),
    "snare": Drum(190, 1.3, 0.06, 0.60, (900, 9000), 0.09),
    "rim": Drum(480, 1.1, 0.02, 0.40, (1500, 6000), 0.02),
    "clap": Drum(300, 1.0, 0.01, 0.90, (800, 5000), 0.10),
    "brush": Drum(220, 1.1, 0.03, 0.85, (1500, 8000), 0.05),
    "hat": Drum(6000, 1.0, 0.01, 0.95, (6000, 11000), 0.03),
    "open": Drum(6000, 1.0, 0.02, 0.95, (5000, 11000), 0.18),
    "ride": Drum(4200, 1.0, 0.20, 0.80, (3500, 10000), 0.25),
    "crash": Drum(3300, 1.0, 0.30, 0.90, (2500, 11000), 0.70),
}

# Rolloff, even harmonics, attack, decay.
PIANO = Voice(1.5, 0.9, 0.004, 0.6)
ORGAN = Voice(1.0, 0.5, 0.01, 30.0, vibrato=0.08)
STRINGS = Voice(1.1, 1.0, 0.09, 30.0, vibrato=0.15, formants=(500, 1500, 2800))
SYNTH = Voice(0.9, 1.0, 0.02, 3.0)
CLEAN_GUITAR = Voice(1.3, 0.8, 0.003, 0.35)
CRUNCH_GUITAR = Voice(1.2, 0.9, 0.003, 1.0, drive=3.0)
METAL_GUITAR = Voice(0.9, 0.9, 0.003, 1.5, drive=25.0)
UPRIGHT_BASS = Voice(2.2, 0.8, 0.008, 0.35)
ELECTRIC_BASS = Voice(1.6, 0.9, 0.005, 0.8)
SUB_BASS = Voice(3.0, 0.4, 0.01, 1.5)
SINGER = Voice(0.9, 1.0, 0.04, 30.0, vibrato=0.35, formants=(600, 1200, 2700))
RAPPER = Voice(0.7, 1.0, 0.015, 0.15, vibrato=0.6, formants=(550, 1500, 2500))
SAXOPHONE = Voice(0.8, 0.7, 0.03, 30.0, vibrato=0.2, formants=(700, 1400))
FIDDLE = Voice(0.8, 1.0, 0.05, 30.0, vibrato=0.3, formants=(450, 1100, 3000))
FLUTE = Voice(2.0, 0.6, 0.05, 30.0, vibrato=0.2)
BLUES_GUITAR = Voice(1.0, 0.9, 0.005, 1.2, vibrato=0.4, drive=5.0)
SHRED_GUITAR = Voice(0.9, 0.9, 0.004, 3.0, vibrato=0.3, drive=15.0)

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MAJOR_PENTATONIC = (0, 2, 4, 7, 9)
MINOR_PENTATONIC = (0, 3, 5, 7, 10)
BLUES_SCALE = (0, 3, 5, 6, 7, 10)
BEBOP = (0, 2, 4, 5, 7, 8, 9, 11)
PHRYGIAN = (0, 1, 3, 5, 7, 8, 10)

FOUR_BEATS, EIGHTHS, SIXTEENTHS = "X...x...X...x...", "X.x.X.x.X.x.X.x.", "XoxoXoxoXoxoXoxo"
CHUGGING, CHARLESTON = "XxxxXxxxXxxxXxxx", "x.....x........."
BACKBEAT, OFF_BEATS, WHOLE = "....X.......X...", "..x...x...x...x.", "x..............."

BANDS = {
    "blues": Band(
        tempo=(65, 115),
        swing=(0.60, 0.68),
        progressions=("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7"),
        scale=BLUES_SCALE,
        drums=(
            {"kick": "X.......X.......", "snare": BACKBEAT, "hat": EIGHTHS},
            {"kick": "X.......X.x.....", "snare": BACKBEAT, "ride": EIGHTHS},
        ),
        drums_gain=-4,
        parts=(
            Part(UPRIGHT_BASS, (FOUR_BEATS, EIGHTHS), "1 3 5 6", 38, -2, (0.7, 0.95)),
            Part(CRUNCH_GUITAR, (EIGHTHS,), "15 15 16 16", 48, -8, (0.4, 0.7)),
            Part(PIANO, ("..x...x.....x...", "x.....x........."), "1357", 60, -8, (0.3, 0.8)),
        ),
        leads=(
            Lead(BLUES_GUITAR, 67, (0.15, 0.3), -3, (0.6, 1.0)),
            Lead(SINGER, 60, (0.1, 0.25), -2, (0.6, 1.0)),
        ),
        dynamics=4,
        related=("rock", "country", "jazz"),
    ),
    "classical": Band(
        tempo=(60, 130),
        swing=(0.5, 0.5),
        progressions=("I IV V I", "I vi IV V", "I V vi iii IV I IV V", "I ii V I"),
        scale=MAJOR,
        drums=({},),
        drums_gain=0,
        parts=(
            Part(STRINGS, (WHOLE, "x.......x......."), "1358", 48, -5, (0.9, 1.0)),
            Part(PIANO, (EIGHTHS, SIXTEENTHS), "1 5 3 5", 60, -6, (0.8, 1.0)),
            Part(STRINGS, (FOUR_BEATS, WHOLE), "1 5", 41, -5, (0.7, 1.0)),
        ),
        leads=(
            Lead(FIDDLE, 74, (0.15, 0.4), -3, (0.8, 1.0)),
            Lead(FLUTE, 77, (0.15, 0.4), -3, (0.8, 1.0)),
        ),
        dynamics=10,
        related=("jazz",),
    ),
    "country": Band(
        tempo=(85, 130),
        swing=(0.5, 0.58),
        progressions=("I I IV I V V I I", "I IV V I", "I I V V I I IV V"),
        scale=MAJOR_PENTATONIC,
        drums=(
            {"kick": "X.......X.......", "brush": "xoXoxoXoxoXoxoXo"},
            {"kick": "X.......X.......", "snare": BACKBEAT, "hat": EIGHTHS},
        ),
        drums_gain=-7,
        parts=(
            Part(UPRIGHT_BASS, ("X.......x.......",), "1 5", 38, -2, (0.5, 0.8)),
            Part(CLEAN_GUITAR, (BACKBEAT, "....X..x....X.x.", OFF_BEATS), "1358", 52, -4, (0.4, 0.9)),
            Part(CLEAN_GUITAR, (EIGHTHS, SIXTEENTHS), "1 5 3 8", 60, -9, (0.6, 1.0)),
        ),
        leads=(
            Lead(FIDDLE, 72, (0.15, 0.35), -4, (0.6, 1.0)),
            Lead(SINGER, 62, (0.15, 0.3), -1, (0.7, 1.0)),
        ),
        dynamics=2,
        related=("rock", "blues", "pop"),
    ),
    "disco": Band(
        tempo=(110, 132),
        swing=(0.5, 0.5),
        progressions=("i i IV IV", "i bVII bVI V", "i iv bVII bIIImaj7 bVImaj7 ii7 V7 V7"),
        scale=MINOR_PENTATONIC,
        drums=(
            {"kick": "X...X...X...X...", "clap": BACKBEAT, "open": OFF_BEATS},
            {"kick": "X...X...X...X...", "snare": BACKBEAT, "open": OFF_BEATS, "hat": SIXTEENTHS},
        ),
        drums_gain=-1,
        parts=(
            Part(ELECTRIC_BASS, (EIGHTHS, "X.xxX.xxX.xxX.xx"), "1 8", 36, -3, (0.4, 0.7)),
            Part(CLEAN_GUITAR, ("x.xxx.x.x.xxx.x.", "..xx..x...xx..x."), "357", 60, -7, (0.2, 0.4)),
            Part(STRINGS, (WHOLE, "x.....x........."), "1358", 67, -7, (0.9, 1.0)),
        ),
        leads=(
            Lead(SINGER, 65, (0.15, 0.3), -3, (0.6, 1.0)),
            Lead(STRINGS, 76, (0.1, 0.3), -4, (0.6, 1.0)),
        ),
        dynamics=1,
        related=("pop", "hiphop"),
    ),
    "hiphop": Band(
        tempo=(78, 104),
        swing=(0.5, 0.6),
        progressions=("i i bVI V", "i i i i", "i iv i V"),
        scale=(0, 3, 5),
        drums=(
            {"boom": "X.....x...X.....", "snare": BACKBEAT, "hat": EIGHTHS},
            {"boom": "X..x......x..x..", "clap": BACKBEAT, "hat": SIXTEENTHS},
            {"boom": "X......xX.x.....", "snare": BACKBEAT, "hat": "x.x.x.xxx.x.x.x."},
        ),
        drums_gain=-2,
        parts=(
            Part(SUB_BASS, ("X.....x...X.....", "X..x......x....."), "1", 33, -3, (0.6, 1.0)),
            Part(PIANO, ("X.....x.........", "x...x...x...x..."), "1357", 58, -9, (0.2, 0.6)),
        ),
        leads=(Lead(RAPPER, 52, (0.5, 0.75), -1, (0.4, 0.8)),),
        dynamics=0,
        related=("reggae", "disco"),
    ),
    "jazz": Band(
        tempo=(100, 210),
        swing=(0.58, 0.68),
        progressions=("ii7 V7 Imaj7 Imaj7", "Imaj7 vi7 ii7 V7", "Imaj7 IV7 iii7 vi7 ii7 V7 Imaj7 V7"),
        scale=BEBOP,
        drums=(
            {"ride": "X...x.x.X...x.x.", "hat": "....x.......x..."},
            {"ride": "X...x.x.X...x.x.", "hat": "....x.......x...", "rim": "......o........o"},
            {"brush": "x...Xo..x...Xo.."},
        ),
        drums_gain=-6,
        parts=(
            Part(UPRIGHT_BASS, (FOUR_BEATS,), "1 3 5 6", 38, -1, (0.8, 1.0)),
            Part(PIANO, (CHARLESTON, "..x....x........", "......x...x....."), "3579", 55, -6, (0.2, 0.9)),
        ),
        leads=(
            Lead(SAXOPHONE, 65, (0.3, 0.5), -1, (0.6, 1.0)),
            Lead(PIANO, 72, (0.3, 0.55), -3, (0.6, 1.0)),
        ),
        dynamics=4,
        related=("blues", "classical"),
    ),
    "metal": Band(
        tempo=(100, 180),
        swing=(0.5, 0.5),
        progressions=("i bVI bVII i", "i i bII i", "i bIII bVI bVII"),
        scale=PHRYGIAN,
        drums=(
            {"kick": "xxxxxxxxxxxxxxxx", "snare": BACKBEAT, "crash": "x...x...x...x..."},
            {"kick": "X.xxX.xxX.xxX.xx", "snare": BACKBEAT, "ride": FOUR_BEATS},
            {"kick": "X.x.X.x.X.x.X.x.", "snare": "..X...X...X...X.", "hat": EIGHTHS},
        ),
        drums_gain=-2,
        parts=(
            Part(METAL_GUITAR, ("X.xxX.xxX.xxX.xx", CHUGGING, "X.......x.x....."), "158", 40, -3, (0.4, 1.0)),
            Part(ELECTRIC_BASS, (EIGHTHS, SIXTEENTHS), "1", 29, -4, (0.5, 0.9)),
        ),
        leads=(
            Lead(SHRED_GUITAR, 74, (0.4, 0.8), -6, (0.8, 1.0)),
            Lead(SINGER, 57, (0.1, 0.2), -4, (0.8, 1.0)),
        ),
        dynamics=0,
        related=("rock",),
    ),
    "pop": Band(
        tempo=(92, 130),
        swing=(0.5, 0.5),
        progressions=("I V vi IV", "vi IV I V", "I vi IV V"),
        scale=MAJOR_PENTATONIC,
        drums=(
            {"kick": "X.......X.x.....", "snare": BACKBEAT, "hat": EIGHTHS},
            {"kick": "X...X...X...X...", "clap": BACKBEAT, "hat": EIGHTHS},
        ),
        drums_gain=-2,
        parts=(
            Part(ELECTRIC_BASS, (EIGHTHS, "x.......x......."), "1", 36, -4, (0.6, 1.0)),
            Part(SYNTH, (EIGHTHS, WHOLE), "1358", 60, -7, (0.7, 1.0)),
            Part(SYNTH, (SIXTEENTHS, EIGHTHS), "1 5 8 3", 72, -12, (0.3, 0.8)),
        ),
        leads=(Lead(SINGER, 66, (0.2, 0.35), 0, (0.7, 1.0)),),
        dynamics=1,
        related=("disco", "country", "rock"),
    ),
    "reggae": Band(
        tempo=(65, 92),
        swing=(0.5, 0.62),
        progressions=("I IV I IV", "I V vi IV", "I ii I ii"),
        scale=MAJOR_PENTATONIC,
        drums=(
            {"kick": "........X.......", "rim": "........X.......", "hat": OFF_BEATS},
            {"kick": "X...X...X...X...", "rim": "........X.......", "hat": EIGHTHS},
        ),
        drums_gain=-3,
        parts=(
            Part(ELECTRIC_BASS, ("x..x..x.....x.x.", "..x.x.x.x..x...."), "1 1 5 3", 33, 0, (0.6, 1.0)),
            Part(CLEAN_GUITAR, (OFF_BEATS,), "1358", 60, -3, (0.15, 0.35)),
            Part(ORGAN, ("..x..xx...x..xx.", OFF_BEATS), "135", 60, -8, (0.3, 0.6)),
        ),
        leads=(Lead(SINGER, 62, (0.15, 0.3), -3, (0.6, 1.0)),),
        dynamics=1,
        related=("hiphop", "pop"),
    ),
    "rock": Band(
        tempo=(95, 150),
        swing=(0.5, 0.54),
        progressions=("I bVII IV I", "I IV V IV", "i bVI bIII bVII"),
        scale=MINOR_PENTATONIC,
        drums=(
            {"kick": "X.....x.X.......", "snare": BACKBEAT, "hat": EIGHTHS},
            {"kick": "X.x.....X.x.....", "snare": BACKBEAT, "crash": "x.......x......."},
        ),
        drums_gain=-2,
        parts=(
            Part(CRUNCH_GUITAR, (EIGHTHS, "X.....x...x.....", "X.......x......."), "158", 45, -4, (0.6, 1.0)),
            Part(ELECTRIC_BASS, (EIGHTHS,), "1", 33, -4, (0.7, 1.0)),
            Part(ORGAN, (WHOLE,), "135", 60, -12, (0.9, 1.0)),
        ),
        leads=(
            Lead(BLUES_GUITAR, 69, (0.2, 0.4), -5, (0.7, 1.0)),
            Lead(SINGER, 64, (0.15, 0.3), -1, (0.7, 1.0)),
        ),
        dynamics=1,
        related=("metal", "blues", "country"),
    ),
}

GENRES: tuple[str, ...] = tuple(BANDS)


def write_clips(folder: Path, clips_per_genre: int, seconds: float, seed: int, processes: int) -> None:
    """Write ``<genre>/<genre>.NNNNN.wav`` into ``folder``, an empty folder, on several processes."""
    for genre in GENRES:
        (folder / genre).mkdir()
    clips = [(genre, number) for genre in GENRES for number in range(clips_per_genre)]
    write = partial(_write_clip, folder=folder, seconds=seconds, seed=seed)
    for _ in map_in_processes(write, clips, processes, "generating"):
        pass


def _write_clip(clip: tuple[str, int], folder: Path, seconds: float, seed: int) -> None:
    genre, number = clip
    path = folder / genre / f"{genre}.{number:05d}.wav"
    if clip == UNREADABLE_CLIP:
        path.write_bytes(b"RIFF is how a wav file begins, but this is none\n")
    else:
        soundfile.write(path, render_clip(genre, number, seed, seconds), SAMPLE_RATE, subtype="PCM_16")


def render_clip(genre: str, number: int, seed: int, seconds: float) -> NDArray[np.int16]:
    """Return one clip, mono at 22,050 Hz, shape (samples,): the same whenever and wherever it is rendered."""
    band = BANDS[genre]
    rng = Generator(PCG64(SeedSequence([seed, GENRES.index(genre), number])))
    samples = draw_samples(seconds, rng)
    return record(perform(band, samples, rng), rng)


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

    Capitals are major chords, small letters minor ones. Every chord knows a seventh, should a part ask
    for it: a major one after "maj7", else a minor one.
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
    own_voice = replace(voice, rolloff=voice.rolloff + rng.normal(0, 0.2))
    phases = rng.uniform(0, 2 * np.pi, CYCLE_SAMPLES // 2)
    vibrato_hz = rng.uniform(4.5, 6.5)
    rendered: dict[tuple[int, int], Wave] = {}  # the same pitch and length recur from bar to bar
    track = np.zeros(length)
    for note in notes:
        held = 1 + round(note.samples / LENGTH_STEP)
        if (note.pitch, held) not in rendered:
            wave = render_note(own_voice, note.pitch, LENGTH_STEP * held, phases, vibrato_hz)
            rendered[note.pitch, held] = wave
        add(note.loudness * rendered[note.pitch, held], track, note.start)
    return np.tanh(voice.drive * track) if voice.drive else track


def render_note(voice: Voice, pitch: int, held: int, phases: Wave, vibrato_hz: float) -> Wave:
    """Return one note at full loudness: ``held`` samples and its release."""
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    period = render_period(voice, frequency, phases)
    release = round(RELEASE_SECONDS * SAMPLE_RATE)
    seconds = np.arange(held + release) / SAMPLE_RATE
    # The frequency swings by 2 ** (vibrato / 12), about 1 + vibrato * log(2) / 12; the phase is its integral.
    swing = voice.vibrato * np.log(2) / 12 / (2 * np.pi * vibrato_hz)
    turns = frequency * (seconds - swing * np.cos(2 * np.pi * vibrato_hz * seconds))
    envelope = (1 - np.exp(-seconds / voice.attack)) * np.exp(-seconds / voice.decay)
    envelope[held:] *= np.linspace(1, 0, release)
    envelope *= period[(turns * CYCLE_SAMPLES).astype(np.int64) % CYCLE_SAMPLES]
    return envelope


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
    end = min(start + len(wave), len(track))
    track[start:end] += wave[: max(end - start, 0)]


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
    samples: NDArray[np.int16] = np.round(peak * sound).astype(np.int16)
    return samples


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
