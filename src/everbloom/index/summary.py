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
from everbloom.index.exact import exact_mean, exact_sums

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
    has_infinite = bool(np.isinf(columns).any())
    with np.errstate(invalid="ignore"):
        low = without_sign_of_zero(np.fmin.reduce(columns, axis=1)).tolist()
        high = without_sign_of_zero(np.fmax.reduce(columns, axis=1)).tolist()
    pinf = (columns == np.inf).sum(axis=1).tolist() if has_infinite else [0] * len(columns)
    ninf = (columns == -np.inf).sum(axis=1).tolist() if has_infinite else [0] * len(columns)
    ends = (_end_points(steps, times, columns, firsts, min), _end_points(steps, times, columns, lasts, max))
    fields = (*ends, low, high, nan, pinf, ninf, exact_sums(columns))
    return [Summary(len(steps), *values) for values in zip(*fields, strict=True)]


def without_sign_of_zero(extremes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return extremes with one kind of zero and one kind of NaN, as which is found depends on the order."""
    return np.where(np.isnan(extremes), np.nan, extremes + 0.0)


def _end_points(
    steps: NDArray[np.int64],
    times: NDArray[np.int64],
    columns: NDArray[np.float64],
    rows: NDArray[np.intp],
    pick: Callable[..., float],
) -> list[Point]:
    """Return each series' first or last point, given the rows that share its place."""
    step, time = int(steps[rows[0]]), int(times[rows[0]])
    if len(rows) == 1:
        return [Point(step, time, value) for value in columns[:, rows[0]].tolist()]
    return [Point(step, time, pick(tied, key=order_of)) for tied in columns[:, rows].tolist()]


def _tied_rows(
    steps: NDArray[np.int64], times: NDArray[np.int64], pick: Callable[[NDArray[np.int64]], np.int64]
) -> NDArray[np.intp]:
    rows = np.flatnonzero(steps == pick(steps))
    if len(rows) == 1:
        return rows
    tied = times[rows]
    latest: NDArray[np.bool_] = tied == pick(tied)
    return rows[latest]


def order_of(value: float) -> int:
    """Map a float64 to an int that orders all of them, each bit pattern apart: NaN, -inf … -0.0, 0.0 … inf."""
    (bits,) = _BITS.unpack(_FLOAT.pack(value))
    if value != value:
        return int(bits) - (1 << 65)
    return int(bits) if bits >= 0 else -(int(bits) & 0x7FFF_FFFF_FFFF_FFFF) - 1


def combine(parts: Iterable[Summary]) -> Summary | None:
    """Combine summaries of parts into the one of the whole, exactly and in any order; None of nothing."""
    summaries = iter(parts)
    whole = next(summaries, None)
    for part in summaries:
        whole = part if whole is None else _combine_two(whole, part)
    return whole


def _combine_two(a: Summary, b: Summary) -> Summary:
    if a.n == a.nan or b.n == b.nan:
        some = b if a.n == a.nan else a
        low, high = some.min, some.max
    else:
        low, high = min(a.min, b.min), max(a.max, b.max)
    return Summary(
        n=a.n + b.n,
        first=a.first if _is_before(a.first, b.first) else b.first,
        last=b.last if _is_before(a.last, b.last) else a.last,
        min=low,
        max=high,
        nan=a.nan + b.nan,
        pinf=a.pinf + b.pinf,
        ninf=a.ninf + b.ninf,
        total=a.total + b.total,
    )


def _is_before(a: Point, b: Point) -> bool:
    if a.step != b.step:
        return a.step < b.step
    if a.time != b.time:
        return a.time < b.time
    return order_of(a.value) < order_of(b.value)


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
