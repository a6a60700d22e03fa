"""TensorFlow's checkpoints, as its own tools write them: a table made by hand, by the formats' descriptions."""

import numpy as np
import pytest

from genres.pretrained.checkpoint import MAGIC, read_checkpoint


def varint(value: int) -> bytes:
    return bytes([value & 127 | 128]) + varint(value >> 7) if value > 127 else bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(shape: list[int], offset: int, size: int, dtype: int = 1) -> bytes:
    """A BundleEntryProto; its checksum is of no interest, as that of the whole package is checked."""
    sizes = b"".join(field(2, field(1, length)) for length in shape)
    return field(1, dtype) + field(2, sizes) + field(4, offset) + field(5, size) + varint(6 << 3 | 5) + b"\0\0\0\1"


def block(entries: dict[bytes, bytes]) -> bytes:
    """A block whose keys share what they have in common with the one before."""
    content, last = b"", b""
    for key, value in entries.items():
        shared = next(
            (at for at, pair in enumerate(zip(key, last, strict=False)) if pair[0] != pair[1]), min(len(key), len(last))
        )
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return content + b"\0\0\0\0" + b"\1\0\0\0"  # one restart, at 0


def table(*blocks: dict[bytes, bytes], compressed: bool = False) -> bytes:
    content, places = b"", {}
    for entries in blocks:
        raw = block(entries)
        places[list(entries)[-1]] = varint(len(content)) + varint(len(raw))
        content += raw + bytes([compressed]) + b"CRC4"
    index = block(places)
    footer = varint(0) + varint(0) + varint(len(content)) + varint(len(index))
    return content + index + b"\0CRC4" + footer.ljust(40, b"\0") + MAGIC


def test_tensors_come_out_with_their_names_shapes_and_values() -> None:
    values = np.arange(400, dtype="<f4")
    index = table(
        {b"": field(1, 1), b"conv/bias": entry([4], 0, 16), b"conv/kernel": entry([2, 3, 60], 16, 1440)},
        {b"global_step": entry([], 1456, 8, dtype=9), b"scale": entry([], 1464, 4)},
    )
    tensors = read_checkpoint(index, values.tobytes())
    assert list(tensors) == ["conv/bias", "conv/kernel", "scale"]  # an integer is no weight
    np.testing.assert_array_equal(tensors["conv/bias"], values[:4])
    np.testing.assert_array_equal(tensors["conv/kernel"], values[4:364].reshape(2, 3, 60))
    assert tensors["scale"] == values[366]


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="not the table of a TensorFlow checkpoint"):
        read_checkpoint(b"PK" + bytes(100), b"")
    with pytest.raises(ValueError, match="the table is compressed"):
        read_checkpoint(table({b"": field(1, 1)}, compressed=True), b"")
