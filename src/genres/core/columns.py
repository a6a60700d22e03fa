"""The columns of the tables that stages pass to each other, the fixed values in them, and the types of the numbers.

A clip is identified everywhere by its ``clip_id``, ``<genre>/<clip>``, unique in a data set.
"""

from typing import Annotated

from pydantic import Field

CLIPS = ("clip_id", "genre", "path", "seconds", "sample_rate", "sha256", "status", "reason")
"""``clips.csv``: a row for each file found; ``path`` is relative to the folder of clips."""
OK, UNREADABLE = "ok", "unreadable"

SKIPPED = ("path", "reason")
"""``skipped.csv``: a row for each file of the data set that is no clip or is excluded, possibly none; ``path`` is its
place there or, for an excluded clip, ``<genre>/<clip>.<ext>``."""

DUPLICATES = ("clip_id_a", "clip_id_b", "similarity")
"""``duplicates.csv``: a row for each pair of clips with the same recording, possibly none."""

ARRAY_ROWS = ("clip_id", "genre", "frames")
"""``mel.csv``, ``inputs.csv`` and ``scattering.csv``: the rows of the array of the same name; ``frames`` as before
cutting or padding."""

SPLIT = ("clip_id", "genre", "sha256", "subset")
"""``split.csv``: a row for each clip that is used; ``sha256`` is that of its file."""
SUBSETS = TRAIN, VALID, TEST = "train", "valid", "test"
UNASSIGNED = ""  # never written: a clip in no subset

PREDICTIONS = (*SPLIT, "model", "predicted")
"""``predictions/<model>.csv``: a row for each clip of the split, as there. If the model has probabilities, a column for
each class follows, named after the class. They sum to 1, and none is larger than that of ``predicted``."""

# What pydantic checks in tables and in JSON; all of them refuse NaN and infinity.
Natural = Annotated[int, Field(ge=0, lt=2**32)]
Epoch = Annotated[int, Field(ge=1, lt=2**32)]
Share = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def clip_name(clip_id: str) -> str:
    """Return the part of a ``clip_id`` after the genre, which has no slash in it."""
    return clip_id.partition("/")[2]
