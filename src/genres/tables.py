"""The columns of the tables that stages hand to each other, and the words that stand in them."""

CLIPS = ("clip", "genre", "path", "seconds", "sample_rate", "sha256", "status", "reason")
"""``clips.csv``: a row for each file found; ``path`` is relative to the folder of clips."""
OK = "ok"
UNREADABLE = "unreadable"

DUPLICATES = ("genre_a", "clip_a", "genre_b", "clip_b", "similarity")
"""``duplicates.csv``: a row for each pair of clips that hold the same recording; none if there is no such pair."""

MEL = ("clip", "genre", "frames", "sha256")
"""``mel.csv``: a row for each row of the array; ``frames`` before padding or cutting, ``sha256`` of the row."""

SPLIT = ("clip", "genre", "subset")
"""``split.csv``: a row for each clip that is used."""
TRAIN = "train"
VALID = "valid"
TEST = "test"
LEFT_OUT = ""  # in no row: a clip that no subset has
