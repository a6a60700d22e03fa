"""From the inputs to a trained network with its predictions and its curves: what the networks' stages share."""

from pathlib import Path

from dvclive.live import Live

from genres.core.columns import TEST, TRAIN
from genres.core.files import DECIMALS
from genres.core.progress import Progress
from genres.models.base.predictions import write_predictions
from genres.models.base.training_data import TrainingData
from genres.models.base.weights import describe_model, write_weights
from genres.models.networks.architectures import describe_architecture, predict_network
from genres.models.networks.fitting import fit_network, start_network
from genres.schema import Network, Params


def train_network(
    name: str,
    network: Network | None,
    params: Params,
    data: TrainingData,
    weights: Path,
    predictions: Path,
    metrics: Path,
) -> None:
    """Train a network, or the linear model if there is none, and write it with its predictions for all clips.

    DVCLive logs every epoch into the folder ``metrics``: ``metrics.json``, and a curve of each loss and accuracy.
    The ``params`` need ``seed``, ``featurize``, ``input`` and ``train``. An InputError is raised if the device is not
    there, if the crops are wider than the input, or if the training diverges.
    """
    model = start_network(name, network, data, params)
    # An older model must not stand beside newer curves, should this be killed.
    weights.unlink(missing_ok=True)
    predictions.unlink(missing_ok=True)
    with (
        # DVCLive would otherwise rewrite the project's dvc.yaml, and save an experiment of its own.
        Live(str(metrics), dvcyaml=None, save_dvc_exp=False) as live,
        Progress(params.train.epochs, f"training {name} on {params.train.device}", "epochs") as progress,
    ):
        live.summary["parameters"] = sum(parameter.numel() for parameter in model.parameters())
        for epoch in fit_network(model, data, params):
            live.step = epoch.number
            for subset, scores in ((TRAIN, epoch.train), (TEST, epoch.test)):
                live.log_metric(f"{subset}/loss", round(scores.loss, DECIMALS))
                live.log_metric(f"{subset}/accuracy", round(scores.accuracy, DECIMALS))
            progress.advance(
                f"loss {epoch.train.loss:.3f} / {epoch.test.loss:.3f}, "
                f"accuracy {epoch.train.accuracy:.1%} / {epoch.test.accuracy:.1%} (train / test)"
            )
    output = predict_network(model, data.inputs)
    description = describe_model(name, describe_architecture(network), data, output, params)
    write_weights(weights, {key: tensor.numpy() for key, tensor in model.state_dict().items()}, description)
    write_predictions(predictions, data.clips, data.class_names, output)
