"""Get the data set's clips and check each of them."""

from common import StageParser, run_stage


def main() -> None:
    """Write the folder of clips and the list of what is in it."""
    parser = StageParser(__doc__)
    parser.add_processes()
    parser.add_path("--audio", "data/audio", "the folder of clips, written")
    parser.add_path("--clips", "data/clips.csv", "the list of clips, written")
    arguments = parser.parse_args()

    from genres.artifacts import whole_folder, write_csv
    from genres.clips import list_clips, require_genres
    from genres.datasets import obtain_clips
    from genres.params import load_params

    params = load_params(arguments.params)
    with whole_folder(arguments.audio) as folder:
        obtain_clips(params.dataset, folder, arguments.processes)
        clips = list_clips(folder, arguments.processes)
        require_genres(clips)
        # An older list must not stand beside newer clips, should this be killed between the two.
        arguments.clips.unlink(missing_ok=True)
    write_csv(arguments.clips, clips)


if __name__ == "__main__":
    run_stage(main)
