"""The columns of the tables that stages hand to each other, and the words that stand in them."""

CLIPS = ("clip", "genre", "path", "seconds", "sample_rate", "sha256", "status", "reason")
"""``clips.csv``: a row for each file found; ``path`` is relative to the folder of clips."""
OK = "ok"
UNREADABLE = "unreadable"

MEL = ("clip", "genre", "frames", "sha256")
"""``mel.csv``: a row for each row of the array; ``frames`` before padding or cutting, ``sha256`` of the row."""

SPLIT = ("clip", "genre", "subset")
"""``split.csv``: a row for each clip that is used."""
TRAIN = "train"
TEST = "test"
