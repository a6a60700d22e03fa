"""Print the table that evaluate wrote, where the figures lie, and the commit. No stage: it changes nothing."""

from common import StageParser, run_stage


def main() -> None:
    """Print the table."""
    parser = StageParser(__doc__)
    parser.add_path("--metrics", "metrics/evaluate.json", "the scores")
    parser.add_path("--split-metrics", "metrics/split.json", "how many test clips have a copy in train")
    parser.add_path("--plots", "plots", "the folder of figures")
    arguments = parser.parse_args()

    from genres.params import load_params
    from genres.results import format_results, read_leaked, read_scores
    from genres.revision import commit

    params = load_params(arguments.params)
    leaked = read_leaked(arguments.split_metrics)
    print(format_results(read_scores(arguments.metrics), params.dataset.name, leaked, params.split.method))
    page = arguments.plots / "report.html"
    if page.is_file():
        print(f"\nPage:\n  {page}")
    print("\nFigures:")
    for figure in sorted(arguments.plots.glob("*.png")):
        print(f"  {figure}")
    print(f"\nCode:\n  {commit()}")


if __name__ == "__main__":
    run_stage(main)
