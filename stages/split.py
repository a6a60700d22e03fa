"""Draw the clips that train and those that test."""

from common import StageParser, run_stage


def main() -> None:
    """Write each clip's subset, and how many test clips have a copy in train."""
    parser = StageParser(__doc__)
    parser.add_path("--mel-rows", "data/mel.csv", "the list of spectrograms")
    parser.add_path("--duplicates", "data/duplicates.csv", "the pairs of clips that hold the same recording")
    parser.add_path("--split", "data/split.csv", "each clip's subset, written")
    parser.add_path("--metrics", "metrics/split.json", "the number of clips in each subset, and leaked, written")
    arguments = parser.parse_args()

    from genres.artifacts import read_csv, write_csv, write_json
    from genres.params import load_params
    from genres.splits import count_clips, draw_split, number_recordings
    from genres.tables import DUPLICATES, LEFT_OUT, MEL

    params = load_params(arguments.params)
    clips = read_csv(arguments.mel_rows, MEL, "featurize")[["clip", "genre"]]
    duplicates = read_csv(arguments.duplicates, DUPLICATES, "find_duplicates", may_be_empty=True)
    recordings = number_recordings(clips, duplicates)
    subsets = draw_split(clips, recordings, params.split, params.seed)
    write_csv(arguments.split, clips.assign(subset=subsets)[subsets != LEFT_OUT])
    write_json(arguments.metrics, count_clips(subsets, recordings))


if __name__ == "__main__":
    run_stage(main)
