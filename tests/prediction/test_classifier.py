"""A model with all that lies before it, of kinds that no stage trains by default."""

from pathlib import Path

import numpy as np
import torch

from genres.features.mel import fit_frames, mel_db
from genres.models.base.weights import Description, write_weights
from genres.models.fine_tuned import FineTuned, predict_fine_tuned
from genres.prediction.classifier import load_classifier
from genres.pretrained.imagenet import BACKBONES
from genres.schema import Params

DATASET = {"name": "a", "title": "A", "description": "a: clips", "synthetic": False, "paper": False}
DATASET |= {"caveats": [], "split_caveats": {}}


def test_a_fine_tuned_network_sees_the_whole_spectrogram(tmp_path: Path, params: Params) -> None:
    torch.manual_seed(0)
    featurize = params.featurize.model_copy(update={"n_frames": 90})
    model = FineTuned(BACKBONES["resnet18"].network(), 3).eval()
    torch.nn.init.normal_(model.head.weight)
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    architecture = {"kind": "fine_tuned", "network": "resnet18"}
    names = ("blues", "jazz", "rock")
    path = tmp_path / "model.safetensors"
    write_weights(
        path, arrays, Description("any", architecture, names, featurize.model_dump(), None, DATASET, 1, 1.0, 0)
    )
    classifier = load_classifier(path)
    assert classifier.sample_rate == featurize.sample_rate
    assert classifier.seconds == 90 * featurize.hop_length / featurize.sample_rate
    for n_samples in (30_000, 60_000):
        samples = np.random.default_rng(0).normal(0, 0.1, n_samples).astype(np.float32)
        seen = fit_frames(mel_db(samples, featurize), 90, -featurize.top_db)
        expected = predict_fine_tuned(model, featurize.top_db, BACKBONES["resnet18"], seen[None])
        np.testing.assert_array_equal(classifier.classify(samples).probabilities, expected.probabilities)
