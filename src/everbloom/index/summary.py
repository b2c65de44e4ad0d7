"""What a table shows of a series without reading it: count, first, last, least, greatest, exact sum.

Summaries of parts combine exactly and in any order: the one of a whole series is the same whether it was
built row by row, chunk by chunk, or writer by writer.
"""

import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import Corrupt
from everbloom.index.exact import exact_mean, exact_sum

_HEAD = struct.Struct("<QqqdqqdddQQQH")
_BITS = struct.Struct("<q")
_FLOAT = struct.Struct("<d")


class Point(NamedTuple):
    """One value of a series; time in UTC microseconds."""

    step: int
    time: int
    value: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A series in a few numbers, of at least one point.

    Attributes:
        n: Points, NaN and ±inf included.
        first: The point with the lowest step, then time, then value (NaN lowest).
        last: The point with the highest step, then time, then value (NaN lowest); may be NaN.
        min: Least value that is not NaN, -inf included, a zero as +0.0; NaN if all are.
        max: Greatest value that is not NaN, likewise.
        nan: How many are NaN.
        pinf: How many are +inf.
        ninf: How many are -inf.
        total: Exact sum of the finite values in units of 2^-1074.
    """

    n: int
    first: Point
    last: Point
    min: float
    max: float
    nan: int
    pinf: int
    ninf: int
    total: int

    @property
    def mean(self) -> float:
        """The correctly rounded mean of the values that are not NaN; infinite values count as such."""
        if self.n == self.nan or (self.pinf and self.ninf):
            return math.nan
        if self.pinf or self.ninf:
            return math.inf if self.pinf else -math.inf
        return exact_mean(self.total, self.n - self.nan)


def summarise(steps: NDArray[np.int64], times: NDArray[np.int64], columns: NDArray[np.float64]) -> list[Summary]:
    """Summarise several series that share their axis.

    Args:
        steps: In any order, shape (n,), n at least 1.
        times: Shape (n,).
        columns: One series a row, shape (k, n), C-contiguous.
    """
    firsts = _tied_rows(steps, times, np.min)
    lasts = _tied_rows(steps, times, np.max)
    nan = np.isnan(columns).sum(axis=1).tolist()
    infinite = np.isinf(columns)
    has_infinite = bool(infinite.any())
    with np.errstate(invalid="ignore"):
        low = (np.fmin.reduce(columns, axis=1) + 0.0).tolist()
        high = (np.fmax.reduce(columns, axis=1) + 0.0).tolist()
    summaries = []
    for i, column in enumerate(columns):
        pinf = int((column == np.inf).sum()) if has_infinite else 0
        ninf = int(infinite[i].sum()) - pinf if has_infinite else 0
        first = Point(*_axis_at(steps, times, firsts), min(column[firsts].tolist(), key=order_of))
        last = Point(*_axis_at(steps, times, lasts), max(column[lasts].tolist(), key=order_of))
        summaries.append(Summary(len(steps), first, last, low[i], high[i], nan[i], pinf, ninf, exact_sum(column)))
    return summaries


def _tied_rows(
    steps: NDArray[np.int64], times: NDArray[np.int64], pick: Callable[[NDArray[np.int64]], np.int64]
) -> NDArray[np.intp]:
    rows = np.flatnonzero(steps == pick(steps))
    if len(rows) == 1:
        return rows
    tied = times[rows]
    latest: NDArray[np.bool_] = tied == pick(tied)
    return rows[latest]


def _axis_at(steps: NDArray[np.int64], times: NDArray[np.int64], rows: NDArray[np.intp]) -> tuple[int, int]:
    return int(steps[rows[0]]), int(times[rows[0]])


def order_of(value: float) -> int:
    """Map a float64 to an int that orders all of them, each bit pattern apart: NaN, -inf … -0.0, 0.0 … inf."""
    (bits,) = _BITS.unpack(_FLOAT.pack(value))
    if value != value:
        return int(bits) - (1 << 65)
    return int(bits) if bits >= 0 else -(int(bits) & 0x7FFF_FFFF_FFFF_FFFF) - 1


def _place(point: Point) -> tuple[int, int, int]:
    return point.step, point.time, order_of(point.value)


def combine(parts: Iterable[Summary]) -> Summary | None:
    """Combine summaries of parts into the one of the whole, exactly and in any order; None of nothing."""
    summaries = list(parts)
    if len(summaries) <= 1:
        return summaries[0] if summaries else None
    lows = [part.min for part in summaries if part.n > part.nan]
    highs = [part.max for part in summaries if part.n > part.nan]
    return Summary(
        n=sum(part.n for part in summaries),
        first=min((part.first for part in summaries), key=_place),
        last=max((part.last for part in summaries), key=_place),
        min=min(lows, default=math.nan),
        max=max(highs, default=math.nan),
        nan=sum(part.nan for part in summaries),
        pinf=sum(part.pinf for part in summaries),
        ninf=sum(part.ninf for part in summaries),
        total=sum(part.total for part in summaries),
    )


def encode_summary(summary: Summary) -> bytes:
    """Encode a summary: 106 bytes, then the sum without its trailing zero bits."""
    s = summary
    shift = (s.total & -s.total).bit_length() - 1 if s.total else 0
    short = s.total >> shift
    head = _HEAD.pack(s.n, *s.first, *s.last, s.min, s.max, s.nan, s.pinf, s.ninf, shift)
    return head + short.to_bytes(short.bit_length() // 8 + 1, "little", signed=True)


def decode_summary(blob: bytes) -> Summary:
    """Decode what `encode_summary` made.

    Raises:
        Corrupt: The bytes are too short to be one.
    """
    if len(blob) <= _HEAD.size:
        raise Corrupt(
            f"a series summary has {len(blob)} bytes, at least {_HEAD.size + 1} are needed; rebuild the index "
            f"with `everbloom reindex`.",
            code="series.corrupt",
        )
    n, s0, t0, v0, s1, t1, v1, low, high, nan, pinf, ninf, shift = _HEAD.unpack_from(blob)
    total = int.from_bytes(blob[_HEAD.size :], "little", signed=True) << shift
    return Summary(n, Point(s0, t0, v0), Point(s1, t1, v1), low, high, nan, pinf, ninf, total)
