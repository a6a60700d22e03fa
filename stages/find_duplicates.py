"""Find the clips that are copies of one recording."""

from common import StageParser, run_stage


def main() -> None:
    """Write the list of pairs."""
    parser = StageParser(__doc__)
    parser.add_processes()
    parser.add_path("--audio", "data/audio", "the folder of clips")
    parser.add_path("--clips", "data/clips.csv", "the list of clips")
    parser.add_path("--duplicates", "data/duplicates.csv", "the list of pairs, written")
    arguments = parser.parse_args()

    from genres.artifacts import read_csv, write_csv
    from genres.duplicates import list_duplicates
    from genres.tables import CLIPS, OK

    clips = read_csv(arguments.clips, CLIPS, "download")
    readable = clips[clips.status == OK]
    write_csv(arguments.duplicates, list_duplicates(readable, arguments.audio, arguments.processes))


if __name__ == "__main__":
    run_stage(main)
