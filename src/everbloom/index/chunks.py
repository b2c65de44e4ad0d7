"""Chunks of a series as bytes: an axis once per chunk, and the values of each metric by pcodec.

    axis    := version u8 = 1, rows u32, steps, times, ordinals      little-endian, as all below
    column  := 0x00, start i64, difference i64                       an arithmetic sequence, modulo 2^64
             | 0x01, length u32, pcodec standalone bytes of int64
    values  := pcodec standalone bytes of float64

Lossless to the bit: NaN keeps its payload, zero its sign. Also what a pack holds (docs/formats/pack-v1.md).
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, standalone

from everbloom.core.errors import Corrupt, UnsupportedVersion

AXIS_VERSION = 1
_LINEAR, _PACKED = 0, 1
_HEAD = struct.Struct("<BI")
_SEQUENCE = struct.Struct("<Bqq")
_LENGTH = struct.Struct("<BI")
# Level 4 against 8: 2.16 to 2.13 bytes a point on training curves, at twice the speed of writing.
_CONFIG = ChunkConfig(compression_level=4)
_WRAP = 1 << 64


@dataclass(frozen=True)
class Axis:
    """Where the points of a chunk lie.

    Attributes:
        steps: Shape (n,), int64.
        times: UTC microseconds, shape (n,), int64.
        ordinals: Each row's number within its writer's journal, shape (n,), int64.
    """

    steps: NDArray[np.int64]
    times: NDArray[np.int64]
    ordinals: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, rows: Any) -> "Axis":
        """Return the axis of some rows, given as an index array, a mask or a slice."""
        return Axis(self.steps[rows], self.times[rows], self.ordinals[rows])

    def is_sorted(self) -> bool:
        """Tell whether rows stand in the order (step, time, ordinal)."""
        if len(self) < 2 or bool(np.all(self.steps[1:] > self.steps[:-1])):
            return True
        step_up, step_same = _compare(self.steps)
        time_up, time_same = _compare(self.times)
        ordinal_up = self.ordinals[1:] >= self.ordinals[:-1]
        return bool(np.all(step_up | step_same & (time_up | time_same & ordinal_up)))

    def sort_order(self) -> NDArray[np.intp]:
        """Return the rows in the order (step, time, ordinal)."""
        return np.lexsort((self.ordinals, self.times, self.steps))


def _compare(column: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return column[1:] > column[:-1], column[1:] == column[:-1]


def join_axes(axes: list[Axis]) -> Axis:
    """Put axes one behind the other."""
    if len(axes) == 1:
        return axes[0]
    if not axes:
        empty = np.empty(0, np.int64)
        return Axis(empty, empty, empty)
    return Axis(
        np.concatenate([axis.steps for axis in axes]),
        np.concatenate([axis.times for axis in axes]),
        np.concatenate([axis.ordinals for axis in axes]),
    )


def encode_axis(axis: Axis) -> bytes:
    """Encode an axis of at least one row."""
    columns = (axis.steps, axis.times, axis.ordinals)
    return _HEAD.pack(AXIS_VERSION, len(axis)) + b"".join(map(_encode_column, columns))


def _encode_column(column: NDArray[np.int64]) -> bytes:
    start = int(column[0])
    difference = int(column[1]) - start if len(column) > 1 else 0
    difference = (difference + (_WRAP >> 1)) % _WRAP - (_WRAP >> 1)
    if np.array_equal(_sequence(start, difference, len(column)), column):
        return _SEQUENCE.pack(_LINEAR, start, difference)
    packed = standalone.simple_compress(np.ascontiguousarray(column), _CONFIG)
    return _LENGTH.pack(_PACKED, len(packed)) + bytes(packed)


def _sequence(start: int, difference: int, rows: int) -> NDArray[np.int64]:
    counted = np.arange(rows, dtype=np.uint64) * np.uint64(difference % _WRAP)  # wraps on purpose
    return (counted + np.uint64(start % _WRAP)).view(np.int64)


def decode_axis(blob: bytes) -> Axis:
    """Decode what `encode_axis` made.

    Raises:
        UnsupportedVersion: Written by a newer Everbloom.
        Corrupt: The bytes are not an axis.
    """
    try:
        version, rows = _HEAD.unpack_from(blob)
        if version > AXIS_VERSION:
            raise UnsupportedVersion(
                f"a chunk's axis has version {version}, this Everbloom reads up to {AXIS_VERSION}; upgrade it.",
                code="series.newer",
            )
        at, columns = _HEAD.size, []
        for _ in range(3):
            column, at = _decode_column(blob, at, rows)
            columns.append(column)
    except (struct.error, RuntimeError, TypeError) as error:
        raise _corrupt("axis", error) from error
    if at != len(blob) or any(len(column) != rows for column in columns):
        raise _corrupt("axis", "lengths that do not fit")
    return Axis(*columns)


def _decode_column(blob: bytes, at: int, rows: int) -> tuple[NDArray[np.int64], int]:
    if blob[at : at + 1] == bytes([_LINEAR]):
        _, start, difference = _SEQUENCE.unpack_from(blob, at)
        return _sequence(start, difference, rows), at + _SEQUENCE.size
    kind, length = _LENGTH.unpack_from(blob, at)
    at += _LENGTH.size
    if kind != _PACKED or at + length > len(blob):
        raise struct.error(f"column kind {kind} of {length} bytes")
    column = standalone.simple_decompress(blob[at : at + length])
    if column is None or column.dtype != np.int64:
        raise TypeError("a column that is not int64")
    return column, at + length


def encode_values(values: NDArray[np.float64]) -> bytes:
    """Encode the values of one metric, at least one."""
    return bytes(standalone.simple_compress(np.ascontiguousarray(values), _CONFIG))


def decode_values(blob: bytes, rows: int) -> NDArray[np.float64]:
    """Decode what `encode_values` made of `rows` values.

    Raises:
        Corrupt: The bytes are not that many values.
    """
    try:
        values: NDArray[np.float64] | None = standalone.simple_decompress(blob)
    except (RuntimeError, TypeError) as error:
        raise _corrupt("values", error) from error
    if values is None or values.dtype != np.float64 or len(values) != rows:
        raise _corrupt("values", f"other than {rows} numbers")
    return values


def _corrupt(what: str, why: object) -> Corrupt:
    return Corrupt(
        f"the {what} of a chunk cannot be decoded: {why}. Rebuild the index with `everbloom reindex`.",
        code="series.corrupt",
    )
