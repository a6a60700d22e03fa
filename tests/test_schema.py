"""params.yaml: the shipped one, and the mistakes that a user can make in it."""

import copy
import functools
import json
import operator
import re
from pathlib import Path

import pytest
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


COUNT = "should be an integer >= 1, but is"
SEED = "should be an integer >= 0 and < 4294967296, but is"
SIZE = "should be an integer >= 1 or a number > 0 and < 1, but is"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.epoch", "150", "`train.epoch` is not a known parameter. Did you mean `train.epochs`?"),
        ("zzz", "0", "`zzz` is not a known parameter."),
        ("sead", "0", "`sead` is not a known parameter. Did you mean `seed`?"),
        ("train.epochs", None, "`train.epochs` is missing."),
        ("train.epochs", '"150"', f"`train.epochs` {COUNT} the text '150'."),
        ("train.epochs", "150.0", f"`train.epochs` {COUNT} 150.0."),
        ("train.epochs", "true", f"`train.epochs` {COUNT} True."),
        ("train.epochs", "0", f"`train.epochs` {COUNT} 0."),
        ("train.epochs", "null", f"`train.epochs` {COUNT} null."),
        ("train.epochs", "{a: 1}", f"`train.epochs` {COUNT} {{'a': 1}}."),
        ("input.mean", "false", "`input.mean` should be a number, but is False."),
        ("input.mean", ".nan", "`input.mean` should be a number, but is nan."),
        ("input.mean", '"1.5"', "`input.mean` should be a number, but is the text '1.5'."),
        ("train.learning_rate", ".inf", "`train.learning_rate` should be a number > 0, but is inf."),
        ("train.learning_rate", "-1e-4", "`train.learning_rate` should be a number > 0, but is -0.0001."),
        ("train.device", "gpu", "`train.device` should be one of cpu, cuda, mps, but is the text 'gpu'."),
        ("complex.dropout", "1", "`complex.dropout` should be a number >= 0 and < 1, but is 1."),
        ("input.height", "31", "`input.height` should be an integer >= 32, but is 31."),
        ("seed", "-1", f"`seed` {SEED} -1."),
        ("seed", "4294967296", f"`seed` {SEED} 4294967296."),
        ("dataset.synthetic.seed", "-1", f"`dataset.synthetic.seed` {SEED} -1."),
        ("dataset.name", '""', "`dataset.name` should be a non-empty text, but is the text ''."),
        ("dataset.path", '""', "`dataset.path` should be a non-empty text or null, but is the text ''."),
        ("dataset.path", "5", "`dataset.path` should be a non-empty text or null, but is 5."),
        ("dataset.exclude", "[a, 5]", "`dataset.exclude` should be a list of non-empty texts, but is ['a', 5]."),
        ("dataset.exclude", "[a, '']", "`dataset.exclude` should be a list of non-empty texts, but is ['a', '']."),
        ("dataset.exclude", "{a: 1}", "`dataset.exclude` should be a list of non-empty texts, but is {'a': 1}."),
        ("dataset.exclude", "a", "`dataset.exclude` should be a list of non-empty texts, but is the text 'a'."),
        ("dataset.exclude", "null", "`dataset.exclude` should be a list of non-empty texts, but is null."),
        *(("split.test_size", size, f"`split.test_size` {SIZE} ") for size in ("1.5", "1.0", "0.0", "0", "-3", ".nan")),
        ("split.test_size", "true", f"`split.test_size` {SIZE} True."),
        ("split.test_size", "half", f"`split.test_size` {SIZE} the text 'half'."),
        ("split.fold", "5", "`split.fold` should be below `split.folds`, which is 5, but is 5."),
        ("split.folds", "1", "`split.folds` should be an integer >= 2, but is 1."),
        ("train", "fast", "`train` should be a group of parameters, but is the text 'fast'."),
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1: 2", ": `1` is not a known parameter."),
        *((content, ": the whole should be a group of parameters, but is ") for content in (b"", b"- 1", b"text")),
        (b"seed: [", " is not valid YAML: "),
        (b"\xff\xfeseed: 0", " is not valid YAML: "),
        (b"seed: 0\nseed: 1", " is not valid YAML: "),
        (b"seed: 0\n---\nseed: 0", " is not valid YAML: "),
        (b"seed: 2024-13-01", " is not valid YAML: "),
        (b"seed: !!python/object/apply:os.getcwd []", " is not valid YAML: "),
        (None, " cannot be read (No such file or directory)."),
    ],
)
def test_a_file_without_parameters_is_refused(file: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match="^" + re.escape(f"{file}{message}")):
        read_params(file)


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
