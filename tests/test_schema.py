"""params.yaml: the shipped one, and the mistakes that a user can make in it."""

import copy
import functools
import json
import operator
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides
from project import ROOT, run_code, write_params
from ruamel.yaml import YAML

from genres.__main__ import main
from genres.core.errors import InputError
from genres.schema import Params, read_params

SHIPPED = YAML(typ="safe").load(ROOT / "params.yaml")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


def read_changed(file: Path, key: str, value: str | None) -> Params:
    """Read the shipped parameters with ``key`` set to ``value`` as YAML, or left out where that is None."""
    document = copy.deepcopy(SHIPPED)
    *groups, name = key.split(".")
    group = functools.reduce(operator.getitem, groups, document)
    group[name] = "VALUE"
    if value is None:
        del group[name]
    file.write_text(json.dumps(document).replace('"VALUE"', value or ""))
    return read_params(file, *SHIPPED)


def test_the_shipped_parameters_are_read_as_they_stand_and_need_no_download(params: Params) -> None:
    assert json.loads(params.model_dump_json()) == SHIPPED
    assert params.dataset.name == "synthetic"


COUNT = "should be an integer >= 1 and <= 100000, but is"
LEVEL = "should be a number >= -1000 and <= 1000, but is"
SEED = "should be an integer >= 0 and < 4294967296, but is"
SIZE = "should be an integer >= 1 and <= 100000 or a number > 0 and < 1, but is"


# Ten lists of ten lists of ... : ten billion values in eleven lines.
NESTED = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.epoch", "150", "`train.epoch` is not a known parameter. Did you mean `train.epochs`?"),
        ("zzz", "0", "`zzz` is not a known parameter."),
        ("sead", "0", "`sead` is not a known parameter. Did you mean `seed`?"),
        ("train.epochs", None, "`train.epochs` is missing."),
        ("train.epochs", '"150"', f"`train.epochs` {COUNT} the string '150'."),
        ("train.epochs", "150.0", f"`train.epochs` {COUNT} 150.0."),
        ("train.epochs", "true", f"`train.epochs` {COUNT} True."),
        ("train.epochs", "0", f"`train.epochs` {COUNT} 0."),
        ("train.epochs", "null", f"`train.epochs` {COUNT} null."),
        ("train.epochs", "{a: 1}", f"`train.epochs` {COUNT} {{'a': 1}}."),
        ("input.mean", "false", f"`input.mean` {LEVEL} False."),
        ("input.mean", ".nan", f"`input.mean` {LEVEL} nan."),
        ("input.mean", '"1.5"', f"`input.mean` {LEVEL} the string '1.5'."),
        ("input.mean", "1e308", f"`input.mean` {LEVEL} 1e+308."),
        ("input.std", "1e-300", "`input.std` should be a number >= 0.001 and <= 1000, but is 1e-300."),
        ("train.learning_rate", ".inf", "`train.learning_rate` should be a number > 0, but is inf."),
        ("train.learning_rate", "-1e-4", "`train.learning_rate` should be a number > 0, but is -0.0001."),
        ("train.device", "gpu", "`train.device` should be one of cpu, cuda, mps, but is the string 'gpu'."),
        ("complex.dropout", "1", "`complex.dropout` should be a number >= 0 and < 1, but is 1."),
        ("input.height", "31", "`input.height` should be an integer >= 32 and <= 1024, but is 31."),
        ("seed", "-1", f"`seed` {SEED} -1."),
        ("seed", "4294967296", f"`seed` {SEED} 4294967296."),
        ("dataset.synthetic.seed", "-1", f"`dataset.synthetic.seed` {SEED} -1."),
        ("dataset.name", '""', "`dataset.name` should be a non-empty string, but is the string ''."),
        ("dataset.path", '""', "`dataset.path` should be a non-empty string or null, but is the string ''."),
        ("dataset.path", "5", "`dataset.path` should be a non-empty string or null, but is 5."),
        ("dataset.exclude", "[a, 5]", "`dataset.exclude` should be a list of non-empty strings, but is ['a', 5]."),
        ("dataset.exclude", "[a, '']", "`dataset.exclude` should be a list of non-empty strings, but is ['a', '']."),
        ("dataset.exclude", "{a: 1}", "`dataset.exclude` should be a list of non-empty strings, but is {'a': 1}."),
        ("dataset.exclude", "a", "`dataset.exclude` should be a list of non-empty strings, but is the string 'a'."),
        ("dataset.exclude", "null", "`dataset.exclude` should be a list of non-empty strings, but is null."),
        *(("split.test_size", size, f"`split.test_size` {SIZE} ") for size in ("1.5", "1.0", "0.0", "0", "-3", ".nan")),
        ("split.test_size", "true", f"`split.test_size` {SIZE} True."),
        ("split.test_size", "half", f"`split.test_size` {SIZE} the string 'half'."),
        ("split.fold", "5", "`split.fold` should be below `split.folds`, which is 5, but is 5."),
        ("split.folds", "1", "`split.folds` should be an integer >= 2 and <= 1000, but is 1."),
        ("study.seeds", "0", "`study.seeds` should be an integer >= 1 and <= 1000, but is 0."),
        ("study.vary", "fold", "`study.vary` should be one of split, init, both, but is the string 'fold'."),
        ("train", "fast", "`train` should be a group of parameters, but is the string 'fast'."),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_is_allowed(
    file: Path, key: str, value: str | None, message: str
) -> None:
    with pytest.raises(InputError, match="^" + re.escape(f"{file}: {message}")):
        read_changed(file, key, value)


@pytest.mark.parametrize(
    ("key", "written", "read"),
    [
        ("featurize.top_db", "80", 80.0),  # and 80.0 describe the same network
        ("split.test_size", "0.001", 0.001),
        ("split.test_size", "1", 1),
        ("split.test_size", "200", 200),
        ("train.learning_rate", "1e-4", 1e-4),
        ("train.learning_rate", "1E-4", 1e-4),
        ("dataset.name", "another", "another"),
        ("dataset.path", "a/b", "a/b"),
        ("dataset.exclude", "[]", ()),
    ],
)
def test_a_value_is_read_as_the_type_it_has(file: Path, key: str, written: str, read: object) -> None:
    group, name = key.split(".")
    found = getattr(getattr(read_changed(file, key, written), group), name)
    assert found == read
    assert type(found) is type(read)


def test_lists_and_null_can_be_changed_in_the_commented_file(tmp_path: Path) -> None:
    """`dvc exp run -S` does so, with ruamel; a comment at the end of `exclude:` would leave `[]` without a new line."""
    for exclude in ([], ["a", "b"]):
        write_params(tmp_path, {"dataset.exclude": exclude, "dataset.path": "a", "split.lists": "b"})
        params = read_params(tmp_path / "params.yaml", *SHIPPED)
        assert (list(params.dataset.exclude), params.dataset.path, params.split.lists) == (exclude, "a", "b")


def override(file: Path, argument: str) -> Params:
    """Change parameters as `dvc exp run -S <argument>` does, and read them."""
    apply_overrides(file, to_path_overrides([argument])["params.yaml"])
    return read_params(file, *SHIPPED)


def leaves(group: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the key and the value of each parameter: ("train.epochs", 150)."""
    for name, value in group.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


OTHERS = {  # than the shipped ones; where none is here, a larger number
    "dataset.name": "local",
    "dataset.path": "a",
    "dataset.depth": 1,
    "dataset.exclude": [],
    "split.method": "kfold",
    "split.lists": "a",
    "train.device": "cuda",
    "simple.crop": 64,
    "complex.crop": 64,
    "svm.kernel": "rbf",
    "transfer.classifier": "svm",
    "transfer.backbone": "resnet18",
    "transfer.weights": "random",
    "study.vary": "split",
}


@pytest.mark.parametrize(("key", "value"), list(leaves(SHIPPED)))
def test_dvc_can_change_each_parameter_and_change_it_back(file: Path, key: str, value: Any) -> None:
    shutil.copy(ROOT / "params.yaml", file)
    other = OTHERS[key] if key in OTHERS else value + 1 if isinstance(value, int) else value * 1.25
    for new in (value, other, value):
        params = override(file, f"{key}={json.dumps(new)}")
        assert dict(leaves(json.loads(params.model_dump_json()))) == dict(leaves(SHIPPED)) | {key: new}


@pytest.mark.parametrize(
    "path",
    [
        "/music/Motörhead, live [1]",
        "/music/Rock'n'Roll",
        "a b",
        "🎸",
        "a=b, c=d",
        "{a: b}",
        "(a)",
        "#1 & !?*~@%^+;|<>",
        "'a'",
        "null",
        "5",
        " ",
    ],
)
def test_a_path_that_is_quoted_as_the_readme_says_reaches_the_parameters(file: Path, path: str) -> None:
    argument = "-S \"dataset.path='{}'\""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert argument.format("/music/Motörhead, live [1]") in readme
    assert r"'/music/Rock\'n\'Roll'" in readme
    typed = argument.format(path.replace("'", r"\'"))
    shown = subprocess.run(["bash", "-c", f"printf '%s\\n' {typed}"], stdout=subprocess.PIPE, check=True).stdout
    _, received = shown.decode().splitlines()
    shutil.copy(ROOT / "params.yaml", file)
    assert override(file, received).dataset.path == path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1: 2", ": `1` is not a known parameter."),
        *((content, ": the file should be a group of parameters, but is ") for content in (b"", b"- 1", b"text")),
        (b"seed: [", " is not valid YAML: "),
        (b"\xff\xfeseed: 0", " is not valid YAML: "),
        (b"seed: 0\nseed: 1", ' is not valid YAML: line 2: found duplicate key "seed"'),
        (b"seed: 0\n---\nseed: 0", " is not valid YAML: "),
        *((f"seed: {value}".encode(), " is not valid YAML: ") for value in ("2024-13-01", "!!bool abc", "!!int ''")),
        (b"[" * 100_000, " is nested too deeply."),
        (NESTED.encode(), " has an alias (*name): write the value itself in its place."),
        (b"seed: !!python/object/apply:os.getcwd []", " is not valid YAML: "),
        (None, " cannot be read (No such file or directory)."),
    ],
)
def test_a_file_without_parameters_is_refused(file: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match="^" + re.escape(f"{file}{message}")) as caught:
        read_params(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("featurize.n_mels", 10**9),
        ("featurize.n_frames", 10**9),
        ("featurize.sample_rate", 1),
        ("complex.channels", 10**8),
        ("simple.hidden", 10**9),
        ("train.epochs", 10**9),
        ("input.width", 10**6),
        ("dataset.synthetic.clips_per_genre", 10**9),
        ("dataset.synthetic.seconds", 1e9),
    ],
)
def test_a_size_that_no_machine_has_room_for_is_refused(tmp_path: Path, key: str, value: float) -> None:
    write_params(tmp_path, {key: value})
    with pytest.raises(InputError, match=re.escape(f": `{key}` should be a") + f".*, but is {re.escape(str(value))}"):
        read_params(tmp_path / "params.yaml")


def test_single_parameters_can_be_asked_for(file: Path) -> None:
    file.write_text((ROOT / "params.yaml").read_text())
    params = read_params(file, "featurize.hop_length", "dataset", "featurize.sample_rate")
    assert (params.dataset.name, params.featurize.sample_rate, params.featurize.hop_length) == ("synthetic", 22050, 512)
    with pytest.raises(AttributeError, match="n_mels"):
        _ = params.featurize.n_mels


def test_a_group_that_was_not_asked_for_cannot_be_read_but_is_checked(file: Path) -> None:
    file.write_text((ROOT / "params.yaml").read_text())
    params = read_params(file, "seed", "split")
    assert (params.seed, params.split.folds) == (0, 5)
    with pytest.raises(AttributeError, match="train"):
        _ = params.train
    file.write_text(file.read_text().replace("epochs: 150", "epochs: 0"))
    with pytest.raises(InputError, match="`train.epochs`"):
        read_params(file, "seed")


def test_the_schema_for_editors_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """If it is not: ``PYTHONPATH=src python -m genres schema > params.schema.json``."""
    main(["schema"])
    assert (ROOT / "params.schema.json").read_text(encoding="utf-8") == capsys.readouterr().out


def test_the_schema_loads_nothing_heavy() -> None:
    loaded = run_code("import sys, genres.schema; print(*sys.modules)").split()
    assert not {"torch", "numpy", "pandas", "librosa"} & set(loaded)
