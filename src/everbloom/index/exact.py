"""Sums of float64 that do not depend on order or grouping, so that a mean is the same however rows arrived.

A finite float64 is a whole number of 2^-1074; the sum is kept as such a whole number, a Python int. Over
arrays, mantissas are added up per exponent in two halves small enough to be exact in float64.
"""

import numpy as np
from numpy.typing import NDArray

UNIT_EXPONENT = 1074  # a sum of 1 means 2^-1074, the smallest float64
_FEW = 64  # columns shorter than that are added up side by side
_NEAR_BITS = 30  # exponents within it: 27 + 30 bits a half and 64 of them fit into int64
_HALF_BITS = 26
_HALF_MASK = (1 << _HALF_BITS) - 1
_MANTISSA_MASK = (1 << 52) - 1
_BATCH = 1 << 24  # 2^27 * 2^24 < 2^53: the halves' sums stay exact


def exact_sum(values: NDArray[np.float64]) -> int:
    """Return the sum of the finite values in units of 2^-1074; NaN and ±inf are passed over.

    Args:
        values: Shape (n,).
    """
    return sum(_sum_batch(values[at : at + _BATCH]) for at in range(0, len(values), _BATCH))


def exact_sums(columns: NDArray[np.float64]) -> list[int]:
    """Return the exact sum of each row of an array of shape (k, n)."""
    if columns.shape[1] > _FEW or not columns.shape[1]:
        return [exact_sum(column) for column in columns]
    mantissa, shift = _split(columns)
    unused = mantissa == 0
    lowest = np.where(unused, 1 << 20, shift).min(axis=1)
    shift -= lowest[:, np.newaxis]
    shift[unused] = 0
    far = shift.max(axis=1) > _NEAR_BITS
    shift[far] = 0
    high = ((mantissa >> _HALF_BITS) << shift).sum(axis=1).tolist()
    low = ((mantissa & _HALF_MASK) << shift).sum(axis=1).tolist()
    totals = [
        ((a << _HALF_BITS) + b) << at if a or b else 0 for a, b, at in zip(high, low, lowest.tolist(), strict=True)
    ]
    for row in np.flatnonzero(far).tolist():
        totals[row] = exact_sum(columns[row])
    return totals


def exact_mean(total: int, count: int) -> float:
    """Return the correctly rounded mean of `count` finite values whose exact sum is `total`."""
    return total / (count << UNIT_EXPONENT)


def _split(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return signed mantissas and by how many bits each is shifted; 0 for what is not finite."""
    bits = np.ascontiguousarray(values).view(np.int64)
    exponent = (bits >> 52) & 0x7FF
    mantissa = bits & _MANTISSA_MASK
    mantissa |= (exponent > 0).astype(np.int64) << 52
    np.negative(mantissa, out=mantissa, where=bits < 0)
    mantissa[exponent == 0x7FF] = 0
    return mantissa, np.maximum(exponent - 1, 0)


def _sum_batch(values: NDArray[np.float64]) -> int:
    mantissa, shift = _split(values)
    lowest = int(shift.min())
    shift -= lowest
    high = np.bincount(shift, weights=mantissa >> _HALF_BITS)
    low = np.bincount(shift, weights=mantissa & _HALF_MASK)
    total = 0
    for at in np.flatnonzero((high != 0) | (low != 0)).tolist():
        total += ((int(high[at]) << _HALF_BITS) + int(low[at])) << at
    return total << lowest
