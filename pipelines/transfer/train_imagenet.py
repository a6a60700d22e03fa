"""Train a classifier on the features of the backbone for photographs, or the backbone itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "stages"))

from common import load_params, run_stage

from genres.core.columns import TRAIN
from genres.models.base.predictions import write_predictions
from genres.models.base.training_data import read_training_data
from genres.models.base.weights import Arrays, describe_model, write_weights
from genres.models.fine_tuned import fine_tune, predict_fine_tuned
from genres.models.transfer import predict_transfer, train_transfer, with_network
from genres.pretrained.imagenet import BACKBONES

FEATURES = Path("data/transfer/imagenet.npy")
FEATURE_ROWS = Path("data/transfer/imagenet.csv")
EMBED = "pipelines/transfer/dvc.yaml:embed_imagenet"  # the stage that makes both
MEL = Path("data/mel.npy")
MEL_ROWS = Path("data/mel.csv")
BACKBONE = Path("data/transfer/imagenet.safetensors")
SPLIT = Path("data/split.csv")
DATASET = Path("data/dataset.json")
WEIGHTS = Path("models/transfer/imagenet.safetensors")  # written, like the one below
PREDICTIONS = Path("data/transfer/predictions/imagenet.csv")


def main() -> None:
    """Write the trained model and its predictions: of the features as they are, or of a network that is trained on."""
    params = load_params("seed", "featurize", "transfer")
    transfer, top_db = params.transfer, params.featurize.top_db
    if transfer.fine_tune_epochs:
        data = read_training_data(MEL, MEL_ROWS, SPLIT, DATASET, None, "featurize")
        epochs, name = transfer.fine_tune_epochs, transfer.backbone
        model = fine_tune(*data.subset(TRAIN), top_db, name, BACKBONE, epochs, params.seed)
        architecture = {"kind": "fine_tuned", "network": name}
        arrays: Arrays = {key: tensor.numpy() for key, tensor in model.state_dict().items()}
        output = predict_fine_tuned(model, top_db, BACKBONES[name], data.inputs)
    else:
        data = read_training_data(FEATURES, FEATURE_ROWS, SPLIT, DATASET, None, EMBED)
        inputs, labels = data.subset(TRAIN)
        trained = train_transfer(inputs[:, 0], labels, transfer.classifier, params.seed)
        architecture = {"kind": "transfer", "network": transfer.backbone, "classifier": transfer.classifier}
        arrays = with_network(trained, BACKBONE)
        output = predict_transfer(trained, data.inputs[:, 0])
    write_weights(WEIGHTS, arrays, describe_model("imagenet", architecture, data, output, params))
    write_predictions(PREDICTIONS, data.clips, data.class_names, output)


if __name__ == "__main__":
    run_stage(main)
