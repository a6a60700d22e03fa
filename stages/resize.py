"""Make of every spectrogram what the models see: a small, normalised image."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out under PYTHONSAFEPATH

from common import load_params, run_stage

from genres.core.files import write_array, write_csv
from genres.core.tables import read_clip_array
from genres.inputs import make_inputs

MEL = Path("data/mel.npy")
MEL_ROWS = Path("data/mel.csv")
INPUTS = Path("data/inputs.npy")  # written, like the one below
INPUT_ROWS = Path("data/inputs.csv")


def main() -> None:
    """Write the inputs as one array, and the list of its rows."""
    input_params = load_params("input").input
    mel, rows = read_clip_array(MEL, MEL_ROWS, "featurize")
    write_array(INPUTS, (len(rows), *input_params.size), make_inputs(mel, input_params))
    write_csv(INPUT_ROWS, rows)


if __name__ == "__main__":
    run_stage(main)
