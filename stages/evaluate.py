"""Score the trained networks on the test clips, and draw what came out."""

from common import StageParser, run_stage


def main() -> None:
    """Write the metrics, the predictions and the figures, and print the table of results."""
    parser = StageParser(__doc__)
    parser.add_path("--mel", "data/mel.npy", "the spectrograms")
    parser.add_path("--mel-rows", "data/mel.csv", "the list of their rows")
    parser.add_path("--split", "data/split.csv", "each clip's subset")
    parser.add_path("--split-metrics", "metrics/split.json", "how many test clips have a copy in train")
    parser.add_path("--models", "models", "the folder of trained networks")
    parser.add_path("--metrics", "metrics/evaluate.json", "the scores, written")
    parser.add_path("--plots", "plots", "the folder of predictions and figures, written")
    arguments = parser.parse_args()

    import pandas as pd

    from genres.artifacts import read_csv, read_json, write_csv, write_json
    from genres.checkpoints import load_model
    from genres.evaluation import confusion_counts, score
    from genres.figures import draw_accuracies, draw_confusions
    from genres.inputs import read_inputs
    from genres.models import predict
    from genres.params import load_params
    from genres.results import NETWORKS, format_results
    from genres.tables import MEL, SPLIT, TEST

    params = load_params(arguments.params)
    mel_rows = read_csv(arguments.mel_rows, MEL, "featurize")
    split = read_csv(arguments.split, SPLIT, "split")
    leaked = read_json(arguments.split_metrics, "split")["leaked"]
    genres = tuple(sorted(split.genre.unique()))
    test = split[split.subset == TEST]
    inputs = read_inputs(arguments.mel, mel_rows, test, params.input)

    actual = list(test.genre)

    metrics, confusions, predictions = {}, {}, {}
    for name in NETWORKS:
        model, description = load_model(arguments.models / f"{name}.safetensors", f"train_{name}")
        description.require(genres, params.featurize, params.input)
        predicted = [genres[number] for number in predict(model, inputs).argmax(dim=1)]
        predictions[name] = pd.DataFrame({"actual": actual, "predicted": predicted})
        confusions[name] = confusion_counts(actual, predicted, genres)
        metrics[name] = score(confusions[name], genres)
    # Only now, so that nothing is written if one of the networks is refused.
    for name in NETWORKS:
        write_csv(arguments.plots / "confusion" / f"{name}.csv", predictions[name])
    write_json(arguments.metrics, metrics)
    draw_accuracies(arguments.plots / "accuracy.png", metrics, params.dataset.name, len(test), leaked)
    draw_confusions(arguments.plots / "confusion.png", confusions, genres, params.dataset.name, leaked)
    print(format_results(metrics, params.dataset.name, leaked))


if __name__ == "__main__":
    run_stage(main)
