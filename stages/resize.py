"""Make of every spectrogram what the models see: a small, normalised image."""

from pathlib import Path

from common import load_params, run_stage

from genres.core.columns import ARRAY_ROWS
from genres.core.files import read_array, read_csv, write_array, write_csv
from genres.inputs import make_inputs

MEL = Path("data/mel.npy")
MEL_ROWS = Path("data/mel.csv")
INPUTS = Path("data/inputs.npy")  # written, like the one below
INPUT_ROWS = Path("data/inputs.csv")


def main() -> None:
    """Write the inputs as one array, and the list of its rows."""
    input_params = load_params("input").input
    rows = read_csv(MEL_ROWS, ARRAY_ROWS, "featurize")
    mel = read_array(MEL, len(rows), "featurize")
    shape = (len(rows), input_params.height, input_params.width)
    write_array(INPUTS, shape, make_inputs(mel, input_params))
    write_csv(INPUT_ROWS, rows)


if __name__ == "__main__":
    run_stage(main)
