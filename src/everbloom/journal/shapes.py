"""Decode rows of the same shape at once.

Two rows have the same shape if their bytes differ only in the payloads of step, time and values: then a run of
them is a matrix of bytes, and a column of numbers is a slice of it. Measured on 10-key rows this reads tens of
millions of points a second where a loop reads one to four (bench/bench_ingest.py). A row that fits no shape
(a value that is no number, a name twice) is left to the reader's loop.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from everbloom.core.values import EXACT_INT

_ROW = 0x93
_SHAPES_TRIED = 8  # most recently used first; a training loop has a handful

# First byte of a MessagePack number -> (payload bytes, NumPy type). Small integers have no first byte of their own.
_NUMBERS = {
    0xCA: (4, ">f4"),
    0xCB: (8, ">f8"),
    0xCC: (1, ">u1"),
    0xCD: (2, ">u2"),
    0xCE: (4, ">u4"),
    0xCF: (8, ">u8"),
    0xD0: (1, ">i1"),
    0xD1: (2, ">i2"),
    0xD2: (4, ">i4"),
    0xD3: (8, ">i8"),
}
_STRINGS = {0xD9: 1, 0xDA: 2}


@dataclass(frozen=True)
class _Field:
    """Where a number's payload stands in a row, and as what."""

    offset: int
    dtype: str
    size: int


@dataclass(frozen=True, eq=False)
class RowShape:
    """The shape of a row.

    Attributes:
        names: Sorted.
        size: Bytes of a row.
    """

    names: tuple[str, ...]
    size: int
    _step: _Field
    _time: _Field
    _values: tuple[_Field, ...]
    _pattern: re.Pattern[bytes]
    _fixed: NDArray[np.intp]
    _template: NDArray[np.uint8]
    _small: tuple[tuple[int, bool], ...]

    def matches(self, block: bytes, position: int, end: int) -> bool:
        """Tell whether a row of this shape stands at `position`."""
        return self._pattern.match(block, position, end) is not None

    def count_rows(self, block: bytes, position: int, end: int) -> int:
        """Count the rows of this shape that follow each other from `position` on, which holds one."""
        if not self.matches(block, position + self.size, end):
            return 1
        count, window = 2, 16
        while True:
            at = position + count * self.size
            fitting = min(window, (end - at) // self.size)
            run = self._count_fitting(self.matrix(block, at, fitting))
            count += run
            if run < fitting or not fitting:
                return count
            window *= 16

    def _count_fitting(self, rows: NDArray[np.uint8]) -> int:
        fits = (rows[:, self._fixed] == self._template).all(axis=1)
        for offset, is_negative in self._small:
            column = rows[:, offset]
            fits &= column >= 0xE0 if is_negative else column < 0x80
        bad = np.flatnonzero(~fits)
        return int(bad[0]) if len(bad) else len(rows)

    def matrix(self, block: bytes, position: int, count: int) -> NDArray[np.uint8]:
        """Return `count` rows from `position` on as bytes, shape (count, size); a view."""
        return np.frombuffer(block, np.uint8, count * self.size, position).reshape(count, self.size)

    def decode_steps(self, rows: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the steps of rows of this shape."""
        return _take(rows, self._step).astype(np.int64)

    def decode_times(self, rows: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the times of rows of this shape, microseconds since 1970."""
        return _take(rows, self._time).astype(np.int64)

    def decode_values(self, rows: NDArray[np.uint8]) -> tuple[NDArray[np.float64], int]:
        """Return the values, shape (n, len(names)), and how many integers were rounded on the way."""
        values = np.empty((len(rows), len(self.names)))
        rounded = 0
        for column, where in enumerate(self._values):
            numbers = _take(rows, where)
            values[:, column] = numbers
            if where.size == 8 and where.dtype != ">f8":
                rounded += int(np.count_nonzero((numbers > EXACT_INT) | (numbers < -EXACT_INT)))
        return values, rounded


def _take(rows: NDArray[np.uint8], where: _Field) -> NDArray[Any]:
    part = np.ascontiguousarray(rows[:, where.offset : where.offset + where.size])
    return part.view(where.dtype).reshape(len(rows))


def find_shape(block: bytes, position: int, end: int, known: list[RowShape]) -> RowShape | None:
    """Return the shape of the row at `position`, or None where there is no row or an odd one.

    `known` holds shapes seen before, most recent first, and is kept so.
    """
    for i, shape in enumerate(known):
        if shape.matches(block, position, end):
            if i:
                known.insert(0, known.pop(i))
            return shape
    fresh = _parse_shape(block, position, end)
    if fresh is not None:
        known.insert(0, fresh)
        del known[_SHAPES_TRIED:]
    return fresh


class _OddRow(Exception):
    """Not a row of numbers, or cut off."""


class _Walk:
    """A walk over one row, gathering its fields and the pattern of its fixed bytes."""

    def __init__(self, block: bytes, position: int, end: int) -> None:
        self._block, self._start, self._end = block, position, end
        self.at = position
        self.pattern: list[bytes] = []
        self.fixed: list[int] = []
        self.small: list[tuple[int, bool]] = []

    def byte(self) -> int:
        if self.at >= self._end:
            raise _OddRow
        return self._block[self.at]

    def take_fixed(self, count: int) -> bytes:
        taken = self._block[self.at : self.at + count]
        if self.at + count > self._end:
            raise _OddRow
        self.pattern.append(re.escape(taken))
        self.fixed.extend(range(self.at - self._start, self.at - self._start + count))
        self.at += count
        return taken

    def take_number(self, *, is_bounded: bool = False) -> _Field:
        """Walk over a number; a bounded one of 8 bytes is below 2^63, or the row is left to the reader's loop."""
        first = self.byte()
        offset = self.at - self._start
        if first < 0x80 or first >= 0xE0:
            is_negative = first >= 0xE0
            self.small.append((offset, is_negative))
            self.pattern.append(rb"[\xe0-\xff]" if is_negative else rb"[\x00-\x7f]")
            self.at += 1
            return _Field(offset, ">i1", 1)
        if first not in _NUMBERS:
            raise _OddRow
        size, dtype = _NUMBERS[first]
        self.take_fixed(1)
        if is_bounded and dtype == ">u8":
            if self.byte() >= 0x80:
                raise _OddRow
            self.small.append((offset + 1, False))
            self.pattern.append(rb"[\x00-\x7f].{7}")
        else:
            self.pattern.append(b".{%d}" % size)
        self.at += size
        return _Field(offset + 1, dtype, size)

    def take_name(self) -> str:
        first = self.byte()
        if 0xA0 <= first < 0xC0:
            self.take_fixed(1)
            return self.take_fixed(first - 0xA0).decode()
        if first not in _STRINGS:
            raise _OddRow
        head = self.take_fixed(1 + _STRINGS[first])
        return self.take_fixed(int.from_bytes(head[1:], "big")).decode()

    def take_map_size(self) -> int:
        first = self.byte()
        if 0x80 <= first < 0x90:
            self.take_fixed(1)
            return first - 0x80
        if first != 0xDE:
            raise _OddRow
        return int.from_bytes(self.take_fixed(3)[1:], "big")


def _parse_shape(block: bytes, position: int, end: int) -> RowShape | None:
    walk = _Walk(block, position, end)
    try:
        if walk.byte() != _ROW:
            return None
        walk.take_fixed(1)
        step, time = walk.take_number(is_bounded=True), walk.take_number(is_bounded=True)
        named = {}
        count = walk.take_map_size()
        for _ in range(count):
            name = walk.take_name()
            named[name] = walk.take_number()
    except (_OddRow, UnicodeDecodeError):
        return None
    size = walk.at - position
    floats = any(where.dtype in (">f4", ">f8") for where in (step, time))
    if walk.at > end or len(named) != count or not named or floats:
        return None
    names = tuple(sorted(named))
    template = np.frombuffer(block, np.uint8, size, position)
    fixed = np.array(walk.fixed, np.intp)
    return RowShape(
        names=names,
        size=size,
        _step=step,
        _time=time,
        _values=tuple(named[name] for name in names),
        _pattern=re.compile(b"".join(walk.pattern), re.DOTALL),
        _fixed=fixed,
        _template=template[fixed].copy(),
        _small=tuple(walk.small),
    )
