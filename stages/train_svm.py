"""Train the support vector machine."""

from common import StageParser, run_stage


def main() -> None:
    """Write the trained machine and its accuracies."""
    parser = StageParser(__doc__)
    parser.add_path("--mel", "data/mel.npy", "the spectrograms")
    parser.add_path("--mel-rows", "data/mel.csv", "the list of their rows")
    parser.add_path("--split", "data/split.csv", "each clip's subset")
    parser.add_path("--model", "models/svm.safetensors", "the trained machine, written")
    parser.add_path("--metrics", "metrics/train_svm/metrics.json", "its accuracies, written")
    arguments = parser.parse_args()

    from genres.artifacts import DECIMALS, read_csv, write_json
    from genres.checkpoints import Description, save_arrays
    from genres.inputs import label_clips, read_inputs
    from genres.params import load_params
    from genres.predictions import predict_genres
    from genres.svm import train_svm
    from genres.tables import MEL, SPLIT, TEST, TRAIN

    params = load_params(arguments.params)
    mel_rows = read_csv(arguments.mel_rows, MEL, "featurize")
    split = read_csv(arguments.split, SPLIT, "split")
    genres = tuple(sorted(split.genre.unique()))
    inputs = read_inputs(arguments.mel, mel_rows, split, params.input)
    train_clips, test_clips = (
        label_clips(inputs[rows.to_numpy(copy=True)], split.genre[rows], genres)  # torch wants it writable
        for rows in (split.index[split.subset == subset] for subset in (TRAIN, TEST))
    )
    trained = train_svm(train_clips.inputs.numpy(), train_clips.genres.numpy(), params.svm)
    metrics = {}
    for subset, clips in ((TRAIN, train_clips), (TEST, test_clips)):
        right = predict_genres(trained, clips.inputs).genres == clips.genres.numpy()
        metrics[subset] = {"accuracy": round(float(right.mean()), DECIMALS)}
    description = Description("svm", genres, params.featurize, params.input, params.svm, params.seed)
    save_arrays(arguments.model, trained._asdict(), description)
    write_json(arguments.metrics, {**metrics, "support_vectors": len(trained.support_vectors)})


if __name__ == "__main__":
    run_stage(main)
