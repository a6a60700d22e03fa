"""``params.yaml`` as frozen dataclasses, checked before anything runs."""

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from genres.errors import InputError

Group = TypeVar("Group")


@dataclass(frozen=True)
class Allowed:
    """What values a parameter may have, in words for the user and as a test."""

    words: str
    test: Callable[[Any], bool]


WHOLE_FROM_0 = Allowed("a whole number from 0 to 4294967295", lambda value: 0 <= value < 2**32)
WHOLE_FROM_1 = Allowed("a whole number from 1", lambda value: value >= 1)
WHOLE_FROM_2 = Allowed("a whole number from 2", lambda value: value >= 2)
# Three poolings by four leave one value per channel of anything smaller, and batch norm needs two.
WHOLE_FROM_32 = Allowed("a whole number from 32", lambda value: value >= 32)
NAMES = Allowed("a list of names", lambda value: all(isinstance(name, str) and name for name in value))
NUMBER = Allowed("a number", math.isfinite)
POSITIVE = Allowed("a number above 0", lambda value: 0 < value < math.inf)
PROBABILITY = Allowed("a number from 0 to below 1", lambda value: 0 <= value < 1)
SHARE_OR_COUNT = Allowed(
    "a share between 0 and 1, or a whole number of clips from 1",
    lambda value: 0 < value < 1 if isinstance(value, float) else value >= 1,
)


def one_of(*names: str) -> Allowed:
    """Return the test for one of a few names."""
    return Allowed(f"one of {', '.join(names)}", lambda value: value in names)


@dataclass(frozen=True)
class Synthetic:
    """The synthetic data set: how many clips of which length (s), and the seed that they come from."""

    clips_per_genre: Annotated[int, WHOLE_FROM_2]
    seconds: Annotated[float, POSITIVE]
    seed: Annotated[int, WHOLE_FROM_0]


@dataclass(frozen=True)
class Dataset:
    """Where the clips come from, and which to leave out by name where they are there."""

    name: Annotated[str, one_of("synthetic", "local", "gtzan", "gtzan-mini")]
    path: Annotated[str | None, Allowed("a path or null", lambda value: value != "")]
    exclude: Annotated[tuple[str, ...], NAMES]
    synthetic: Synthetic


@dataclass(frozen=True)
class Featurize:
    """The mel spectrogram, under librosa's names."""

    sample_rate: Annotated[int, WHOLE_FROM_1]
    n_fft: Annotated[int, WHOLE_FROM_2]
    hop_length: Annotated[int, WHOLE_FROM_1]
    n_mels: Annotated[int, WHOLE_FROM_1]
    top_db: Annotated[float, POSITIVE]
    n_frames: Annotated[int, WHOLE_FROM_1]


@dataclass(frozen=True)
class Split:
    """Who trains and who is tested."""

    method: Annotated[str, one_of("stratified", "grouped", "fault-filtered", "kfold")]
    test_size: Annotated[int | float, SHARE_OR_COUNT]
    lists: Annotated[str | None, Allowed("a folder or null", lambda value: value != "")]
    folds: Annotated[int, WHOLE_FROM_2]
    fold: Annotated[int, WHOLE_FROM_0]

    def __post_init__(self) -> None:
        if self.fold >= self.folds:
            raise InputError(
                f"`split.fold` should be below `split.folds`, which is {self.folds}, but is {self.fold}: folds are "
                "counted from 0."
            )


@dataclass(frozen=True)
class Input:
    """What a model sees of a spectrogram: (height, width) after resizing, then (x - mean) / std in dB."""

    height: Annotated[int, WHOLE_FROM_32]
    width: Annotated[int, WHOLE_FROM_32]
    mean: Annotated[float, NUMBER]
    std: Annotated[float, POSITIVE]


@dataclass(frozen=True)
class Train:
    """How a network is trained."""

    epochs: Annotated[int, WHOLE_FROM_1]
    batch_size: Annotated[int, WHOLE_FROM_1]
    learning_rate: Annotated[float, POSITIVE]


@dataclass(frozen=True)
class Network:
    """A CNN: channels of its first block, hidden units of its first linear layer, dropout between the two."""

    channels: Annotated[int, WHOLE_FROM_1]
    hidden: Annotated[int, WHOLE_FROM_1]
    dropout: Annotated[float, PROBABILITY]


@dataclass(frozen=True)
class Svm:
    """The support vector machine, under scikit-learn's names."""

    kernel: Annotated[str, one_of("linear", "rbf")]
    C: Annotated[float, POSITIVE]


@dataclass(frozen=True)
class Params:
    """All of ``params.yaml``."""

    seed: Annotated[int, WHOLE_FROM_0]
    dataset: Dataset
    featurize: Featurize
    split: Split
    input: Input
    train: Train
    simple: Network
    complex: Network
    svm: Svm


def load_params(path: Path) -> Params:
    """Read and check ``params.yaml``.

    The file is read with the library that DVC reads it with, so that ``1e-4`` means the same to both.

    Raises:
        InputError: the file is missing or no YAML, or a key is unknown, missing, of another type or out of
            range. The message names the key, what was found and what is allowed.
    """
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return parse_group(Params, document)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Run this from the project's folder.") from None
    except (YAMLError, ValueError) as error:  # of bytes that are no UTF-8, and of a date such as 2024-13-01
        raise InputError(f"{path} is no valid YAML: {error}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def parse_group(group: type[Group], found: object, key: str = "") -> Group:
    """Make the dataclass ``group`` of a mapping, every key of which must be there, known and allowed.

    Raises:
        InputError: naming the first key (with ``key`` before it) that is not as it should be.
    """
    if not isinstance(found, Mapping):
        name = f"`{key}`" if key else "the whole"
        raise InputError(f"{name} should be a group of parameters, but is {_shown(found)}.")
    hints = get_type_hints(group, include_extras=True)
    names = [field.name for field in fields(group)]  # type: ignore[arg-type]
    for name in found:
        if name not in names:
            close = difflib.get_close_matches(str(name), names, n=1)
            hint = f" Did you mean `{_joined(key, close[0])}`?" if close else ""
            raise InputError(f"`{_joined(key, name)}` is not a known parameter.{hint}")
    for name in names:
        if name not in found:
            raise InputError(f"`{_joined(key, name)}` is missing.")
    return group(**{name: _parse_value(hints[name], found[name], _joined(key, name)) for name in names})


def _parse_value(hint: Any, found: Any, key: str) -> Any:
    if is_dataclass(hint):
        return parse_group(hint, found, key)  # type: ignore[arg-type]
    kind, allowed = get_args(hint)
    is_list = get_origin(kind) is tuple
    kinds = (list,) if is_list else get_args(kind) or (kind,)
    if type(found) is int and float in kinds and int not in kinds:
        found = float(found)
    # type() and not isinstance(): YAML's true is a bool, which Python takes for the number 1.
    if type(found) not in kinds or (found is not None and not allowed.test(found)):
        raise InputError(f"`{key}` should be {allowed.words}, but is {_shown(found)}.")
    return tuple(found) if is_list else found


def _joined(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _shown(found: object) -> str:
    return f"the text {found!r}" if isinstance(found, str) else "null" if found is None else repr(found)
