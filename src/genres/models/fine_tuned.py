"""A backbone for photographs that is trained on as a whole, with a linear classifier on its features."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from genres.core.errors import InputError
from genres.core.progress import Progress
from genres.models.base.predictions import ModelOutput, Predict
from genres.models.base.weights import Arrays, Description
from genres.pretrained.imagenet import BACKBONES, Backbone, Network, load_network, spectrogram_image

BATCH_SIZE = 16
LEARNING_RATE = 3e-4  # of Adam; 1e-3 destroys what the network knows
TRAIN_FRAMES = 256  # of a clip that are seen at a time in training, at random: time and memory grow with them
MIN_DEVIATION = 1e-3  # of a feature, below which differences are noise

FloatArray = NDArray[np.float32]


class FineTuned(nn.Module):
    """A network, and a linear classifier on its features, standardised by those it had before it was trained on."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: Network, n_classes: int) -> None:
        super().__init__()
        n_features = network.n_features
        self.network = network
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("deviation", torch.ones(n_features))
        self.head = nn.Linear(n_features, n_classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (clips, classes) of images (clips, 3, height, width)."""
        logits: Tensor = self.head((self.network(images) - self.mean) / self.deviation)
        return logits


def fine_tune(
    mel: FloatArray, labels: NDArray[np.int64], top_db: float, name: str, weights: Path, epochs: int, seed: int
) -> FineTuned:
    """Train the backbone called ``name``, which starts with the ``weights`` of a file, with Adam on the cross entropy.

    ``mel`` has the train clips' spectrograms (clips, n_mels, frames) in dB, ``labels`` (clips,) their classes, of which
    every one from 0 to the highest must occur. ``seed`` sets the order of the clips and which frames are seen. Batch
    norm keeps its statistics, which small batches would spoil. An InputError is raised if the loss is not finite.
    """
    backbone = BACKBONES[name]
    model = FineTuned(load_network(load_file(weights), backbone), int(labels.max()) + 1).eval()
    targets = torch.from_numpy(labels)
    generator = torch.Generator().manual_seed(seed)
    n_frames = min(TRAIN_FRAMES, mel.shape[2])

    def images(indices: Tensor) -> Tensor:
        starts = torch.randint(mel.shape[2] - n_frames + 1, (len(indices),), generator=generator)
        crops = [mel[index, :, start : start + n_frames] for index, start in zip(indices, starts, strict=True)]
        return torch.stack([spectrogram_image(crop, top_db, backbone) for crop in crops])

    with torch.inference_mode():
        features = torch.cat([model.network(images(batch)) for batch in torch.arange(len(labels)).split(BATCH_SIZE)])
    model.mean.copy_(features.mean(dim=0))
    model.deviation.copy_(features.std(dim=0, correction=0) + MIN_DEVIATION)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    with Progress(epochs * len(labels), f"fine-tuning {name}", "clips") as progress:
        for _ in range(epochs):
            for batch in torch.randperm(len(labels), generator=generator).split(BATCH_SIZE):
                loss = functional.cross_entropy(model(images(batch)), targets[batch])
                if not torch.isfinite(loss):
                    raise InputError("The loss of fine-tuning is no longer finite. Set `transfer.fine_tune_epochs: 0`.")
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                progress.advance(f"loss {loss.item():.3f}", amount=len(batch))
    return model


def predict_fine_tuned(model: FineTuned, top_db: float, backbone: Backbone, mel: FloatArray) -> ModelOutput:
    """Predict the classes of spectrograms (clips, n_mels, frames) in dB, one by one."""
    with torch.inference_mode():
        logits = torch.cat([model(spectrogram_image(clip, top_db, backbone)[None]) for clip in mel])
    probabilities = torch.softmax(logits.double(), dim=1)
    return ModelOutput(probabilities.argmax(dim=1).numpy(), probabilities.numpy())


def load_predict(arrays: Arrays, description: Description) -> Predict:
    """Return a function that predicts spectrograms; a ValueError, KeyError or RuntimeError says they do not fit."""
    if description.featurize is None:
        raise ValueError("it does not say of which spectrograms")
    backbone = BACKBONES[description.architecture["network"]]
    model = FineTuned(backbone.network(), len(description.class_names))
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return partial(predict_fine_tuned, model.eval(), float(description.featurize["top_db"]), backbone)
