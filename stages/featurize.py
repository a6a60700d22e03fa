"""Turn every readable clip into a mel spectrogram in dB."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core import columns
from genres.core.files import write_csv
from genres.core.tables import read_clips
from genres.features.mel import write_spectrograms
from genres.parallel import workers

AUDIO = Path("data/audio")
CLIPS = Path("data/clips.csv")
MEL = Path("data/mel.npy")  # written, like the one below
MEL_ROWS = Path("data/mel.csv")


def main() -> None:
    """Write the spectrograms as one array, and the list of its rows."""
    featurize = load_params("featurize").featurize
    clips = read_clips(CLIPS)
    with workers() as executor:
        rows = write_spectrograms(MEL, clips[clips.status == columns.OK], AUDIO, featurize, executor)
    write_csv(MEL_ROWS, rows)


if __name__ == "__main__":
    run_stage(main)
