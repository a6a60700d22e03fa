"""params.yaml: the shipped one, and the mistakes that a user can make in it."""

import re
from pathlib import Path

import pytest

from genres.errors import InputError
from genres.params import Dataset, Featurize, Input, Network, Params, Split, Synthetic, Train, load_params

SHIPPED = (Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


def shipped_with(old: str, new: str) -> str:
    """The shipped parameters, but for the one place that reads ``old``."""
    assert SHIPPED.count(old) == 1
    return SHIPPED.replace(old, new)


def test_the_shipped_parameters_are_the_papers(params: Params) -> None:
    assert params.featurize == Featurize(22050, 2048, 512, 128, 80.0, 1291)
    assert params.split == Split("stratified", 0.2, None, 5, 0)
    assert params.input == Input(64, 100, -42.88, 15.5)
    assert params.train == Train(150, 128, 1e-4)
    assert params.simple == Network(8, 128, 0.25)
    assert params.complex == Network(16, 256, 0.25)


def test_the_shipped_parameters_need_no_download(params: Params) -> None:
    assert params.dataset == Dataset("synthetic", None, ("jazz.00054",), Synthetic(100, 30.0, 0))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 150", "epoch: 150", "`train.epoch` is not a known parameter. Did you mean `train.epochs`?"),
        ("\nseed: 0", "\nzzz: 0", "`zzz` is not a known parameter."),
        ("  epochs: 150\n", "", "`train.epochs` is missing."),
        ("\nseed: 0 ", "\n# ", "`seed` is missing."),
        ("epochs: 150", "epochs: many", "`train.epochs` should be a whole number from 1, but is the text 'many'."),
        ("epochs: 150", 'epochs: "150"', "`train.epochs` should be a whole number from 1, but is the text '150'."),
        ("epochs: 150", "epochs: 1.5", "`train.epochs` should be a whole number from 1, but is 1.5."),
        ("epochs: 150", "epochs: true", "`train.epochs` should be a whole number from 1, but is True."),
        ("epochs: 150", "epochs: 0", "`train.epochs` should be a whole number from 1, but is 0."),
        ("epochs: 150", "epochs:", "`train.epochs` should be a whole number from 1, but is null."),
        ("mean: -42.88", "mean: false", "`input.mean` should be a number, but is False."),
        ("mean: -42.88", "mean: .nan", "`input.mean` should be a number, but is nan."),
        ("1.0e-4", ".inf", "`train.learning_rate` should be a number above 0, but is inf."),
        ("1.0e-4", "-1.0e-4", "`train.learning_rate` should be a number above 0, but is -0.0001."),
        ("n_mels: 128", "n_mels: -1", "`featurize.n_mels` should be a whole number from 1, but is -1."),
        ("height: 64", "height: 31", "`input.height` should be a whole number from 32, but is 31."),
        ("\nseed: 0", "\nseed: -1", "`seed` should be a whole number from 0 to 4294967295, but is -1."),
        ("\nseed: 0", "\nseed: 4294967296", "`seed` should be a whole number from 0 to 4294967295, but is 4294967296."),
        (
            "name: synthetic",
            "name: gtzam",
            "`dataset.name` should be one of synthetic, local, gtzan, gtzan-mini, but is",
        ),
        ("  path:", '  path: ""', "`dataset.path` should be a path or null, but is the text ''."),
        ("  path:", "  path: 5", "`dataset.path` should be a path or null, but is 5."),
        (
            "hidden: 256\n  dropout: 0.25",
            "hidden: 256\n  dropout: 1",
            "`complex.dropout` should be a number from 0 to be",
        ),
        ("train:\n  epochs: 150", "train: 5\nx:\n  y: 1", "`x` is not a known parameter."),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_is_allowed(file: Path, old: str, new: str, message: str) -> None:
    file.write_text(shipped_with(old, new))
    with pytest.raises(InputError, match="^" + re.escape(f"{file}: {message}")):
        load_params(file)


@pytest.mark.parametrize("size", ["1.5", "1.0", "0.0", "0", "-3", ".nan", "true", "half", "null"])
def test_a_test_size_is_a_share_or_a_count(file: Path, size: str) -> None:
    file.write_text(shipped_with("test_size: 0.2", f"test_size: {size}"))
    with pytest.raises(
        InputError, match="`split.test_size` should be a share between 0 and 1, or a whole number of cl"
    ):
        load_params(file)


@pytest.mark.parametrize(("size", "read"), [("0.2", 0.2), ("0.001", 0.001), ("1", 1), ("200", 200)])
def test_a_test_size_stays_the_kind_of_number_it_was_written_as(file: Path, size: str, read: float) -> None:
    file.write_text(shipped_with("test_size: 0.2", f"test_size: {size}"))
    found = load_params(file).split.test_size
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize("written", ["1e-4", "1.0e-4", "0.0001", "1E-4"])
def test_a_learning_rate_may_be_written_with_an_exponent(file: Path, written: str) -> None:
    file.write_text(shipped_with("1.0e-4", written))
    assert load_params(file).train.learning_rate == 1e-4


def test_a_whole_number_will_do_where_any_number_is_allowed(file: Path) -> None:
    file.write_text(shipped_with("mean: -42.88", "mean: -42"))
    found = load_params(file).input.mean
    assert found == -42
    assert type(found) is float  # 80 and 80.0 must describe the same network


def test_a_group_must_be_a_group(file: Path) -> None:
    file.write_text(re.sub(r"train:\n(  .*\n)+", "train: fast\n", SHIPPED))
    with pytest.raises(InputError, match="`train` should be a group of parameters, but is the text 'fast'"):
        load_params(file)


@pytest.mark.parametrize("content", ["", "# nothing\n", "- 1\n", "text\n"])
def test_a_file_without_parameters_is_refused(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(InputError, match=re.escape(f"{file}: the whole should be a group of parameters, but is")):
        load_params(file)


@pytest.mark.parametrize(
    "content",
    [
        b"seed: [",
        b"\xff\xfeseed: 0",
        b"seed: 0\nseed: 1",
        b"seed: 0\n---\nseed: 0",
        b"seed: 2024-13-01",
        b"seed: !!python/object/apply:os.getcwd []",
    ],
)
def test_what_is_no_yaml_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{file} is no valid YAML: ")):
        load_params(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(InputError, match=re.escape(f"{file} cannot be read (No such file or directory).")):
        load_params(file)
