"""Turn every spectrogram into features of its excerpts, for the model beyond the paper."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core.files import write_csv
from genres.core.tables import read_clip_array
from genres.parallel import workers
from genres.scattering_features import write_features

MEL = Path("data/mel.npy")
MEL_ROWS = Path("data/mel.csv")
SCATTERING = Path("data/scattering.npy")  # written, like the one below
SCATTERING_ROWS = Path("data/scattering.csv")


def main() -> None:
    """Write the features as one array, and the list of its rows."""
    featurize = load_params("featurize").featurize
    _, rows = read_clip_array(MEL, MEL_ROWS, "featurize")
    with workers() as executor:
        write_features(SCATTERING, MEL, rows.frames.to_list(), featurize, executor)
    write_csv(SCATTERING_ROWS, rows)


if __name__ == "__main__":
    run_stage(main)
