"""TensorFlow's checkpoints: a table of tensors by name, and beside it a file with their values one behind another.

The table is one of LevelDB (https://github.com/google/leveldb/blob/main/doc/table_format.md), whose values are messages
of Protocol Buffers (tensorflow/core/protobuf/tensor_bundle.proto).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_BYTES = 48
FLOAT = 1  # among TensorFlow's types
VARINT, BYTES, FIXED_32 = 0, 2, 5  # the wire types of Protocol Buffers that occur


def read_checkpoint(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the float32 tensors of a checkpoint by name, from the bytes of its table and of its single file of values.

    Raises:
        ValueError: the table is of another format, or compressed.
    """
    tensors = {}
    for name, entry in _read_table(index):
        fields = dict(_read_message(entry))
        if name and fields[1] == FLOAT:  # without a name: what is said of all tensors
            shape = [dict(_read_message(size)).get(1, 0) for number, size in _read_message(fields.get(2, b""))]
            start = fields.get(4, 0)
            tensors[name.decode()] = np.frombuffer(data[start : start + fields[5]], "<f4").reshape(shape)
    return tensors


def _read_table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table: its footer says where the list of its blocks lies."""
    footer = content[-FOOTER_BYTES:]
    if not footer.endswith(MAGIC):
        raise ValueError("not the table of a TensorFlow checkpoint")
    *_, start, size = _read_varints(footer, 4)[0]
    for _, place in _read_block(content, start, size):
        yield from _read_block(content, *_read_varints(place, 2)[0])


def _read_block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block. A key is stored as what differs from the end of the one before."""
    if content[start + size] != 0:
        raise ValueError("the table is compressed")
    block = content[start : start + size]
    n_restarts = int.from_bytes(block[-4:], "little")
    key, position = b"", 0
    while position < size - 4 * (n_restarts + 1):
        (n_shared, n_new, n_value), position = _read_varints(block, 3, position)
        key = key[:n_shared] + block[position : position + n_new]
        position += n_new + n_value
        yield key, block[position - n_value : position]


def _read_message(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and value of each field: an integer, or bytes."""
    position = 0
    while position < len(message):
        (tag,), position = _read_varints(message, 1, position)
        if tag & 7 == VARINT:
            (value,), position = _read_varints(message, 1, position)
            yield tag >> 3, value
            continue
        size = 4
        if tag & 7 == BYTES:
            (size,), position = _read_varints(message, 1, position)
        elif tag & 7 != FIXED_32:
            raise ValueError(f"a field of the wire type {tag & 7}")
        yield tag >> 3, message[position : position + size]
        position += size


def _read_varints(content: bytes, count: int, position: int = 0) -> tuple[list[int], int]:
    """Return integers of 7 bits a byte, lowest first, each ended by a byte below 128; and the position behind them."""
    values = []
    for _ in range(count):
        value = shift = 0
        while content[position] >= 128:
            value |= (content[position] & 127) << shift
            shift, position = shift + 7, position + 1
        values.append(value | content[position] << shift)
        position += 1
    return values, position
