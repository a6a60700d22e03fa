"""What the training scripts share: from spectrograms and a split to a trained network and its curves.

No stage by itself: ``train_linear.py``, ``train_simple.py`` and ``train_complex.py`` each name a network.
"""

import argparse
from typing import TYPE_CHECKING

from common import StageParser

if TYPE_CHECKING:
    from genres.params import Featurize, Input, Network, Train


def parse_arguments(model: str, description: str | None) -> argparse.Namespace:
    """Read the command line of the script that trains ``model``."""
    parser = StageParser(description)
    parser.add_path("--mel", "data/mel.npy", "the spectrograms")
    parser.add_path("--mel-rows", "data/mel.csv", "the list of their rows")
    parser.add_path("--split", "data/split.csv", "each clip's subset")
    parser.add_path("--model", f"models/{model}.safetensors", "the trained model, written")
    parser.add_path("--metrics", f"metrics/train_{model}", "the folder of its figures at every epoch, written")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="where to train")
    return parser.parse_args()


def train_network(
    arguments: argparse.Namespace,
    *,
    model_name: str,
    network: "Network | None",
    featurize: "Featurize",
    input_params: "Input",
    train_params: "Train",
    seed: int,
) -> None:
    """Train a network, log every epoch with DVCLive, and save it."""
    from dvclive.live import Live

    from genres.artifacts import DECIMALS, read_csv
    from genres.checkpoints import Description, save_arrays
    from genres.inputs import label_clips, read_inputs
    from genres.models import build_model, trainable_parameters
    from genres.progress import Progress
    from genres.seeding import seed_torch
    from genres.tables import MEL, SPLIT, TEST, TRAIN
    from genres.training import choose_device, train

    device = choose_device(arguments.device)
    mel_rows = read_csv(arguments.mel_rows, MEL, "featurize")
    split = read_csv(arguments.split, SPLIT, "split")
    genres = tuple(sorted(split.genre.unique()))
    inputs = read_inputs(arguments.mel, mel_rows, split, input_params)
    train_clips, test_clips = (
        label_clips(inputs[rows.to_numpy(copy=True)], split.genre[rows], genres).to(device)  # torch wants it writable
        for rows in (split.index[split.subset == subset] for subset in (TRAIN, TEST))
    )

    seed_torch(seed)
    model = build_model(network, input_params, len(genres)).to(device)
    # An older model must not stand beside newer curves, should this be killed.
    arguments.model.unlink(missing_ok=True)
    with (
        # DVCLive would otherwise rewrite the project's dvc.yaml, and save an experiment of its own.
        Live(str(arguments.metrics), dvcyaml=None, save_dvc_exp=False) as live,
        Progress(train_params.epochs, f"training {model_name} on {device.type}", "epochs") as progress,
    ):
        live.summary["parameters"] = trainable_parameters(model)
        for epoch in train(model, train_clips, test_clips, train_params, seed):
            live.step = epoch.number
            for subset, scores in (("train", epoch.train), ("test", epoch.test)):
                live.log_metric(f"{subset}/loss", round(scores.loss, DECIMALS))
                live.log_metric(f"{subset}/accuracy", round(scores.accuracy, DECIMALS))
            progress.advance(
                f"loss {epoch.train.loss:.3f} / {epoch.test.loss:.3f}, "
                f"accuracy {epoch.train.accuracy:.1%} / {epoch.test.accuracy:.1%} (train / test)"
            )
    weights = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
    save_arrays(arguments.model, weights, Description(model_name, genres, featurize, input_params, network, seed))
