"""Every parameter of ``params.yaml`` with its type, its range and its unit, checked before anything runs.

It accepts a file or refuses it, and changes no value: what DVC tracks are the values, so no stage depends on this file.
"""

import difflib
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from genres.core.errors import InputError

MAX_DEPTH = 10  # levels of nesting in params.yaml, which has three

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Group(BaseModel):
    """A group of parameters: every one has to be there, no other may be, and no text is read as a number."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Synthetic(Group):
    """The synthetic data set."""

    clips_per_genre: int = Field(ge=2, le=10_000)
    seconds: float = Field(gt=0, le=600, description="length of a clip")
    seed: Seed = Field(description="of the clips")


class Dataset(Group):
    """Where the clips come from."""

    name: Text = Field(description="one of the data sets in src/genres/datasets")
    path: Text | None = Field(description="local: a folder, tar, tar.gz or zip laid out <genre>/<clip>.<ext>")
    depth: Count | None = Field(
        description="local: which level of folders below `path` names the genres, from 1; null if each holds its clips"
    )
    exclude: tuple[Text, ...] = Field(strict=False, description="clips to leave out, by name")  # YAML has lists only
    synthetic: Synthetic


class Featurize(Group):
    """The mel spectrogram, under librosa's names."""

    sample_rate: int = Field(ge=1000, le=192_000, description="Hz")
    n_fft: int = Field(ge=2, le=65_536, description="samples in one window")
    hop_length: int = Field(ge=1, le=65_536, description="samples between frames")
    n_mels: int = Field(ge=1, le=1024, description="mel bands")
    top_db: float = Field(gt=0, le=1000, description="dB kept below the loudest point of the clip")
    n_frames: int = Field(ge=1, le=100_000, description="frames that a clip is padded or cut to")


class Split(Group):
    """How clips are split into train and test."""

    method: Literal["stratified", "grouped", "fault-filtered", "kfold"]
    test_size: Count | Annotated[float, Field(gt=0, lt=1)] = Field(
        description="stratified, grouped: a share of the clips, or their number"
    )
    lists: Text | None = Field(
        description="fault-filtered: a folder with {train,valid,test}_filtered.txt, instead of the published ones"
    )
    folds: int = Field(ge=2, le=1000, description="kfold: how many folds there are")
    fold: int = Field(ge=0, description="kfold: which one is tested, from 0")

    @field_validator("fold")
    @classmethod
    def _is_one_of_the_folds(cls, fold: int, info: ValidationInfo) -> int:
        if fold >= info.data.get("folds", math.inf):
            raise ValueError(f"below `split.folds`, which is {info.data['folds']}")
        return fold


class Input(Group):
    """What a model sees of a spectrogram: (height, width) after resizing, then (x - mean) / std in dB."""

    # Three poolings by four leave one value per channel of anything smaller, and batch norm needs two.
    height: int = Field(ge=32, le=1024, description="mel bands after resizing")
    width: int = Field(ge=32, le=4096, description="frames after resizing")
    mean: float = Field(ge=-1000, le=1000, description="dB, subtracted")
    std: float = Field(ge=0.001, le=1000, description="dB, divided by")

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width)."""
        return self.height, self.width


class Train(Group):
    """How a network is trained."""

    epochs: int = Field(ge=1, le=100_000)
    batch_size: int = Field(ge=1, le=100_000, description="clips")
    learning_rate: float = Field(gt=0, description="of Adam")
    device: Literal["cpu", "cuda", "mps"]


class Network(Group):
    """A CNN."""

    channels: int = Field(ge=1, le=512, description="of the first block")
    hidden: int = Field(ge=1, le=16_384, description="units of the first linear layer")
    dropout: float = Field(ge=0, lt=1, description="probability, between the two linear layers")
    crop: Annotated[int, Field(ge=32, le=4096)] | None = Field(
        description="frames of the input that it sees at a time, at random in training; null for all"
    )


class Svm(Group):
    """The support vector machine, under scikit-learn's names."""

    kernel: Literal["linear", "rbf"]
    C: float = Field(gt=0, description="weight of a misclassified clip against the width of the margin")


class Scattering(Group):
    """The model beyond the paper: a discriminant analysis and a kernel ridge regression."""

    shrinkage: float = Field(ge=0, le=1, description="of the covariance within classes")
    gamma: float = Field(gt=0, le=1000, description="of the kernel; two excerpts have a squared distance of about 2")
    alpha: float = Field(gt=0, le=1000, description="regularisation of the ridge regression")
    ridge_weight: float = Field(
        ge=0, le=1000, description="of its scores relative to those of the discriminant analysis"
    )


Classifier = Literal["logistic", "svm"]


class Transfer(Group):
    """The pre-trained networks, and the classifier on their features."""

    classifier: Classifier = Field(description="logistic regression or a linear support vector machine")
    backbone: Literal["efficientnet-lite0", "resnet18"] = Field(description="the network for photographs")
    weights: Literal["pretrained", "random"] = Field(description="of the backbone")
    fine_tune_epochs: int = Field(ge=0, le=1000, description="of training the backbone itself; 0 leaves it as it is")


class Study(Group):
    """Many runs of every model, `make study`."""

    seeds: int = Field(ge=1, le=1000, description="how many, from 0; of folds, how often they are drawn")
    vary: Literal["split", "init", "both"] = Field(description="what differs between runs; the rest has `seed`")


class Params(Group):
    """All of ``params.yaml``."""

    seed: Seed = Field(description="of the split and the training; the data do not depend on it")
    dataset: Dataset
    featurize: Featurize
    split: Split
    input: Input
    train: Train
    simple: Network
    complex: Network
    svm: Svm
    scattering: Scattering
    transfer: Transfer
    study: Study


def read_params(path: Path, *names: str) -> Params:
    """Check all of ``params.yaml``, and return what was asked for; nothing else can be read.

    A name is that of a group, or ``<group>.<parameter>`` for one of its parameters alone.

    The file is read with the library that DVC reads it with, so that ``1e-4`` means the same to both.

    Raises:
        InputError: the file is missing or no YAML, or a key is unknown, missing, of another type or out of
            range. The message names the key, what was found and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if problem := _refused_syntax(text):
            raise InputError(f"{path} {problem}.")
        document = YAML(typ="safe").load(text)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Run this from the project's folder.") from None
    # ValueError: bytes that are no UTF-8, and a date such as 2024-13-01. LookupError: `!!bool abc`.
    except (YAMLError, ValueError, LookupError) as error:
        raise InputError(f"{path} is not valid YAML: {_in_one_line(error)}") from None
    try:
        values = Params.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{path}: {_first_problem(error, document)}") from None
    asked: dict[str, Any] = {}
    parts_of: dict[str, dict[str, Any]] = {}  # of a group, what was asked for by itself
    for name in names:
        group, _, key = name.partition(".")
        value = getattr(values, group)
        if key:
            parts = parts_of.setdefault(group, {})
            parts[key] = getattr(value, key)
        asked[group] = type(value).model_construct(**parts) if key else value
    return Params.model_construct(**asked)


def _in_one_line(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _refused_syntax(text: str) -> str | None:
    """Return what YAML allows but takes all memory or all time: aliases of aliases, and deep nesting."""
    depth = 0
    for event in YAML(typ="safe").parse(text):
        if isinstance(event, AliasEvent):
            return "has an alias (*name): write the value itself in its place"
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            return "is nested too deeply"
    return None


def _first_problem(error: ValidationError, found: Any) -> str:
    # An unknown key first: if a key is misspelt, the right one is missing too.
    problem = min(error.errors(), key=lambda problem: problem["type"] not in ("extra_forbidden", "invalid_key"))
    schema = allowed = Params.model_json_schema()
    key = ""
    for name in problem["loc"]:
        known = allowed.get("properties")
        if known is None:  # an item of a list or a member of a union: the whole is named
            break
        group, key = key, f"{key}.{name}".lstrip(".")
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f" Did you mean `{f'{group}.{close[0]}'.lstrip('.')}`?" if close else ""
            return f"`{key}` is not a known parameter.{hint}"
        if name not in found:
            return f"`{key}` is missing."
        allowed, found = known[name], found[name]
        if "$ref" in allowed:
            allowed = schema["$defs"][allowed["$ref"].rpartition("/")[2]]
    wanted = problem["ctx"]["error"] if problem["type"] == "value_error" else _in_words(allowed)
    what = f"the string {found!r}" if isinstance(found, str) else "null" if found is None else repr(found)
    return f"{f'`{key}`' if key else 'the file'} should be {wanted}, but is {what}."


def _in_words(schema: dict[str, Any]) -> str:
    """Say what a JSON schema allows: "an integer >= 1", "a number > 0 and < 1", "one of linear, rbf"."""
    if "anyOf" in schema:
        return " or ".join(_in_words(option) for option in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = " and ".join(f"{sign} {schema[limit]}" for limit, sign in signs.items() if limit in schema)
    kinds = {
        "object": "a group of parameters",
        "array": "a list of non-empty strings",
        "string": "a non-empty string",
        "integer": "an integer",
        "number": "a number",
        "null": "null",
    }
    return f"{kinds[schema['type']]} {limits}".rstrip()
