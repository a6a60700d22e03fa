"""Score the trained models on the test clips, and show what came out as figures and as a page."""

from common import StageParser, run_stage


def main() -> None:
    """Write the scores, the predictions, the figures and the page, and print the table of results."""
    from genres.results import MODELS, NETWORKS, format_results, read_leaked

    parser = StageParser(__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="which models to evaluate")
    parser.add_path("--audio", "data/audio", "the folder of clips")
    parser.add_path("--clips", "data/clips.csv", "the list of clips")
    parser.add_path("--mel", "data/mel.npy", "the spectrograms")
    parser.add_path("--mel-rows", "data/mel.csv", "the list of their rows")
    parser.add_path("--split", "data/split.csv", "each clip's subset")
    parser.add_path("--split-metrics", "metrics/split.json", "how many test clips have a copy in train")
    parser.add_path("--model-folder", "models", "the folder of trained models")
    parser.add_path("--training", "metrics", "the folder of the training stages' figures")
    parser.add_path("--scores", "metrics/evaluate.json", "each model's scores, written")
    parser.add_path("--comparisons", "metrics/comparisons.json", "each two models compared, written")
    parser.add_path("--convergence", "metrics/convergence.json", "each network's convergence, written")
    parser.add_path("--plots", "plots", "the folder of predictions, figures and page, written")
    arguments = parser.parse_args()

    import pandas as pd

    from genres import paper
    from genres.artifacts import read_csv, read_rows, write_csv, write_json
    from genres.evaluation import evaluate
    from genres.histories import read_final_scores, read_history
    from genres.inputs import find_rows, read_inputs
    from genres.params import load_params
    from genres.players import clip_as_mp3
    from genres.predictions import predict_genres
    from genres.presentation import draw_clips, draw_results, write_report
    from genres.report import describe_run
    from genres.showcase import choose_examples, most_confidently_misjudged
    from genres.tables import CLIPS, MEL, SPLIT, TEST
    from genres.trained_models import load_model

    params = load_params(arguments.params)
    dataset, train = params.dataset, params.train
    splitting = params.split
    clips = read_csv(arguments.clips, CLIPS, "download")
    mel_rows = read_csv(arguments.mel_rows, MEL, "featurize")
    split = read_csv(arguments.split, SPLIT, "split")
    leaked = read_leaked(arguments.split_metrics)
    genres = tuple(sorted(split.genre.unique()))
    inputs = read_inputs(arguments.mel, mel_rows, split[split.subset == TEST], params.input)

    predictions, training, histories = {}, {}, {}
    for name in arguments.models:
        stage = f"train_{name}"
        model, description = load_model(arguments.model_folder / f"{name}.safetensors", stage)
        description.require(genres, params.featurize, params.input)
        predictions[name] = predict_genres(model, inputs)
        training[name] = read_final_scores(arguments.training / stage, stage)
        if name in NETWORKS:
            histories[name] = read_history(arguments.training / stage, stage, train.epochs)
    evaluation = evaluate(dataset.name, genres, split, predictions, training, histories, leaked)

    examples, misjudged = choose_examples(split), most_confidently_misjudged(evaluation)
    chosen = pd.DataFrame([clip[:2] for clip in (*examples, *misjudged)], columns=["genre", "clip"])
    rows = find_rows(arguments.mel, mel_rows, chosen)
    spectrograms = list(read_rows(arguments.mel, list(mel_rows.sha256), "featurize", rows))
    files = dict(zip(zip(clips.genre, clips["clip"], strict=True), clips.path, strict=True))
    sounds = [clip_as_mp3(arguments.audio / files[clip[:2]]) for clip in misjudged]

    write_json(arguments.scores, evaluation.metrics)
    write_json(arguments.comparisons, evaluation.comparisons)
    write_json(arguments.convergence, {name: found.rounded() for name, found in evaluation.convergence.items()})
    for name, predicted in predictions.items():
        table = pd.DataFrame(
            {"actual": evaluation.test.genre, "predicted": [genres[place] for place in predicted.genres]}
        )
        write_csv(arguments.plots / "confusion" / f"{name}.csv", table)
    shown = draw_results(arguments.plots, evaluation, splitting.method)
    shown |= draw_clips(arguments.plots, examples, misjudged, spectrograms, params.featurize)
    groups = {
        "featurize": params.featurize,
        "split": splitting,
        "input": params.input,
        "train": train,
        "simple": params.simple,
        "complex": params.complex,
        "svm": params.svm,
    }
    run = describe_run(dataset, splitting, params.seed, leaked)
    page = arguments.plots / "report.html"
    write_report(page, evaluation, splitting, shown, misjudged, sounds, paper.deviations(groups), run)
    print(format_results(evaluation.metrics, evaluation.dataset_name, leaked, splitting.method))


if __name__ == "__main__":
    run_stage(main)
