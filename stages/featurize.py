"""Turn every readable clip into a mel spectrogram in dB."""

from common import StageParser, run_stage


def main() -> None:
    """Write the spectrograms as one array, and the list of its rows."""
    parser = StageParser(__doc__)
    parser.add_processes()
    parser.add_path("--audio", "data/audio", "the folder of clips")
    parser.add_path("--clips", "data/clips.csv", "the list of clips")
    parser.add_path("--mel", "data/mel.npy", "the spectrograms (clips, mel bands, frames), written")
    parser.add_path("--mel-rows", "data/mel.csv", "the list of their rows, written")
    arguments = parser.parse_args()

    from genres.artifacts import read_csv, write_csv
    from genres.features import write_features
    from genres.params import load_params
    from genres.tables import CLIPS, OK

    params = load_params(arguments.params)
    clips = read_csv(arguments.clips, CLIPS, "download")
    readable = clips[clips.status == OK]
    rows = write_features(arguments.mel, readable, arguments.audio, params.featurize, arguments.processes)
    write_csv(arguments.mel_rows, rows)


if __name__ == "__main__":
    run_stage(main)
