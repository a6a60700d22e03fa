"""The ten bands of the synthetic data set: what each genre plays, on what, and how, as a table.

A genre differs from its neighbours in tempo, swing, chords, drum patterns and instruments, in ranges that overlap.
"""

from typing import NamedTuple

Span = tuple[float, float]  # a value is drawn between the two, all equally likely


class Drum(NamedTuple):
    """A drum or cymbal: a tone that falls in pitch, and noise between two frequencies; decays in seconds."""

    tone_hz: float
    tone_fall: float  # how many times higher the tone begins
    tone_decay: float
    noise: float  # peak level; the tone's is 1 minus this
    noise_hz: Span
    noise_decay: float


class Voice(NamedTuple):
    """A pitched instrument; times in seconds."""

    rolloff: float  # the n-th harmonic has amplitude n ** -rolloff
    even: float  # level of the even harmonics: 1 for a string, near 0 for a clarinet
    attack: float
    decay: float  # time constant while the note is held
    vibrato: float = 0.0  # depth in semitones
    drive: float = 0.0  # gain into the amplifier's saturation, 0 for none
    formants: tuple[float, ...] = ()  # resonances of a throat or a body, in Hz


class Part(NamedTuple):
    """What an accompanist plays: chord degrees in a rhythm."""

    voice: Voice
    rhythms: tuple[str, ...]  # sixteenths of a bar; each clip keeps to one of these
    figure: str  # degrees of the chord for one hit after the other: "1 5" alternates, "135" is a triad
    register: int  # MIDI pitch that roots lie nearest to
    gain: float  # dB
    gate: Span  # how much of the time to the next hit a note is held


class Lead(NamedTuple):
    """How a soloist improvises over the band's scale."""

    voice: Voice
    register: int
    density: Span  # share of the sixteenths on which a note begins
    gain: float
    gate: Span = (0.6, 1.0)


class Band(NamedTuple):
    """A genre."""

    tempo: Span  # beats per minute
    progressions: tuple[str, ...]  # a chord per bar
    scale: tuple[int, ...]  # semitones above the key note
    drums: tuple[dict[str, str], ...]  # rhythm of each drum; each clip keeps to one of these
    parts: tuple[Part, ...]
    leads: tuple[Lead, ...]
    related: tuple[str, ...]  # genres it borrows from
    swing: Span = (0.5, 0.5)  # share of a beat that its first eighth takes: 0.5 is straight, 0.67 a triplet
    drums_gain: float = -2  # dB
    dynamics: float = 1  # dB by which the whole band swells and fades over a phrase


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
CHUGGING, CHARLESTON, HALVES = "XxxxXxxxXxxxXxxx", "x.....x.........", "X.......X......."
BACKBEAT, OFF_BEATS, WHOLE = "....X.......X...", "..x...x...x...x.", "x..............."

BANDS = {
    "blues": Band(
        tempo=(65, 115),
        swing=(0.60, 0.68),
        progressions=("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7"),
        scale=BLUES_SCALE,
        drums=(
            {"kick": HALVES, "snare": BACKBEAT, "hat": EIGHTHS},
            {"kick": "X.......X.x.....", "snare": BACKBEAT, "ride": EIGHTHS},
        ),
        drums_gain=-4,
        parts=(
            Part(UPRIGHT_BASS, (FOUR_BEATS, EIGHTHS), "1 3 5 6", 38, -2, (0.7, 0.95)),
            Part(CRUNCH_GUITAR, (EIGHTHS,), "15 15 16 16", 48, -8, (0.4, 0.7)),
            Part(PIANO, ("..x...x.....x...", "x.....x........."), "1357", 60, -8, (0.3, 0.8)),
        ),
        leads=(Lead(BLUES_GUITAR, 67, (0.15, 0.3), -3), Lead(SINGER, 60, (0.1, 0.25), -2)),
        dynamics=4,
        related=("rock", "country", "jazz"),
    ),
    "classical": Band(
        tempo=(60, 130),
        progressions=("I IV V I", "I vi IV V", "I V vi iii IV I IV V", "I ii V I"),
        scale=MAJOR,
        drums=({},),
        parts=(
            Part(STRINGS, (WHOLE, "x.......x......."), "1358", 48, -5, (0.9, 1.0)),
            Part(PIANO, (EIGHTHS, SIXTEENTHS), "1 5 3 5", 60, -6, (0.8, 1.0)),
            Part(STRINGS, (FOUR_BEATS, WHOLE), "1 5", 41, -5, (0.7, 1.0)),
        ),
        leads=(Lead(FIDDLE, 74, (0.15, 0.4), -3, (0.8, 1.0)), Lead(FLUTE, 77, (0.15, 0.4), -3, (0.8, 1.0))),
        dynamics=10,
        related=("jazz",),
    ),
    "country": Band(
        tempo=(85, 130),
        swing=(0.5, 0.58),
        progressions=("I I IV I V V I I", "I IV V I", "I I V V I I IV V"),
        scale=MAJOR_PENTATONIC,
        drums=({"kick": HALVES, "brush": "xoXoxoXoxoXoxoXo"}, {"kick": HALVES, "snare": BACKBEAT, "hat": EIGHTHS}),
        drums_gain=-7,
        parts=(
            Part(UPRIGHT_BASS, ("X.......x.......",), "1 5", 38, -2, (0.5, 0.8)),
            Part(CLEAN_GUITAR, (BACKBEAT, "....X..x....X.x.", OFF_BEATS), "1358", 52, -4, (0.4, 0.9)),
            Part(CLEAN_GUITAR, (EIGHTHS, SIXTEENTHS), "1 5 3 8", 60, -9, (0.6, 1.0)),
        ),
        leads=(Lead(FIDDLE, 72, (0.15, 0.35), -4), Lead(SINGER, 62, (0.15, 0.3), -1, (0.7, 1.0))),
        dynamics=2,
        related=("rock", "blues", "pop"),
    ),
    "disco": Band(
        tempo=(110, 132),
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
        leads=(Lead(SINGER, 65, (0.15, 0.3), -3), Lead(STRINGS, 76, (0.1, 0.3), -4)),
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
        leads=(Lead(SAXOPHONE, 65, (0.3, 0.5), -1), Lead(PIANO, 72, (0.3, 0.55), -3)),
        dynamics=4,
        related=("blues", "classical"),
    ),
    "metal": Band(
        tempo=(100, 180),
        progressions=("i bVI bVII i", "i i bII i", "i bIII bVI bVII"),
        scale=PHRYGIAN,
        drums=(
            {"kick": "xxxxxxxxxxxxxxxx", "snare": BACKBEAT, "crash": "x...x...x...x..."},
            {"kick": "X.xxX.xxX.xxX.xx", "snare": BACKBEAT, "ride": FOUR_BEATS},
            {"kick": "X.x.X.x.X.x.X.x.", "snare": "..X...X...X...X.", "hat": EIGHTHS},
        ),
        parts=(
            Part(METAL_GUITAR, ("X.xxX.xxX.xxX.xx", CHUGGING, "X.......x.x....."), "158", 40, -3, (0.4, 1.0)),
            Part(ELECTRIC_BASS, (EIGHTHS, SIXTEENTHS), "1", 29, -4, (0.5, 0.9)),
        ),
        leads=(Lead(SHRED_GUITAR, 74, (0.4, 0.8), -6, (0.8, 1.0)), Lead(SINGER, 57, (0.1, 0.2), -4, (0.8, 1.0))),
        dynamics=0,
        related=("rock",),
    ),
    "pop": Band(
        tempo=(92, 130),
        progressions=("I V vi IV", "vi IV I V", "I vi IV V"),
        scale=MAJOR_PENTATONIC,
        drums=(
            {"kick": "X.......X.x.....", "snare": BACKBEAT, "hat": EIGHTHS},
            {"kick": "X...X...X...X...", "clap": BACKBEAT, "hat": EIGHTHS},
        ),
        parts=(
            Part(ELECTRIC_BASS, (EIGHTHS, "x.......x......."), "1", 36, -4, (0.6, 1.0)),
            Part(SYNTH, (EIGHTHS, WHOLE), "1358", 60, -7, (0.7, 1.0)),
            Part(SYNTH, (SIXTEENTHS, EIGHTHS), "1 5 8 3", 72, -12, (0.3, 0.8)),
        ),
        leads=(Lead(SINGER, 66, (0.2, 0.35), 0, (0.7, 1.0)),),
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
        leads=(Lead(SINGER, 62, (0.15, 0.3), -3),),
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
        parts=(
            Part(CRUNCH_GUITAR, (EIGHTHS, "X.....x...x.....", "X.......x......."), "158", 45, -4, (0.6, 1.0)),
            Part(ELECTRIC_BASS, (EIGHTHS,), "1", 33, -4, (0.7, 1.0)),
            Part(ORGAN, (WHOLE,), "135", 60, -12, (0.9, 1.0)),
        ),
        leads=(Lead(BLUES_GUITAR, 69, (0.2, 0.4), -5, (0.7, 1.0)), Lead(SINGER, 64, (0.15, 0.3), -1, (0.7, 1.0))),
        related=("metal", "blues", "country"),
    ),
}

GENRES: tuple[str, ...] = tuple(BANDS)
