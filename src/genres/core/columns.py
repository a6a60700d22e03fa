"""The columns of the tables that stages pass to each other, and the fixed values in them.

A clip is identified everywhere by its ``clip_id``, ``<genre>/<clip>``, unique in a data set.
"""

CLIPS = ("clip_id", "genre", "path", "seconds", "sample_rate", "sha256", "status", "reason")
"""``clips.csv``: a row for each file found; ``path`` is relative to the folder of clips."""
OK, UNREADABLE = "ok", "unreadable"

SKIPPED = ("path", "reason")
"""``skipped.csv``: a row for each file of the data set that is no clip, possibly none; ``path`` is its place there."""

DUPLICATES = ("clip_id_a", "clip_id_b", "similarity")
"""``duplicates.csv``: a row for each pair of clips with the same recording, possibly none."""

ARRAY_ROWS = ("clip_id", "genre", "frames")
"""``mel.csv`` and ``inputs.csv``: the rows of the array of the same name; ``frames`` as before cutting or padding."""

SPLIT = ("clip_id", "genre", "sha256", "subset")
"""``split.csv``: a row for each clip that is used; ``sha256`` is that of its file."""
SUBSETS = TRAIN, VALID, TEST = "train", "valid", "test"
UNASSIGNED = ""  # never written: a clip in no subset

PREDICTIONS = (*SPLIT, "model", "predicted")
"""``predictions/<model>.csv``: a row for each clip of the split, as there. If the model has probabilities, a column for
each class follows, named after the class."""


def clip_name(clip_id: str) -> str:
    """Return the part of a ``clip_id`` after the genre, which has no slash in it."""
    return clip_id.partition("/")[2]
