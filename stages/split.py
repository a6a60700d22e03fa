"""Draw the clips that train and those that test."""

from common import StageParser, run_stage


def main() -> None:
    """Write each clip's subset."""
    parser = StageParser(__doc__)
    parser.add_path("--mel-rows", "data/mel.csv", "the list of spectrograms")
    parser.add_path("--split", "data/split.csv", "each clip's subset, written")
    arguments = parser.parse_args()

    from genres.artifacts import read_csv, write_csv
    from genres.params import load_params
    from genres.splits import stratified_split
    from genres.tables import MEL

    params = load_params(arguments.params)
    rows = read_csv(arguments.mel_rows, MEL, "featurize")
    subset = stratified_split(rows.genre.to_numpy(str), params.split.test_size, params.seed)
    write_csv(arguments.split, rows[["clip", "genre"]].assign(subset=subset))


if __name__ == "__main__":
    run_stage(main)
