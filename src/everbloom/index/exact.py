"""Sums of float64 that do not depend on order or grouping, so that a mean is the same however rows arrived.

A finite float64 is a whole number of 2^-1074; the sum is kept as such a whole number, a Python int. Over
arrays, mantissas are added up per exponent in two halves small enough to be exact in float64.
"""

import numpy as np
from numpy.typing import NDArray

UNIT_EXPONENT = 1074  # a sum of 1 means 2^-1074, the smallest float64
_FEW = 48  # below it, a loop over Python floats is faster than a dozen array operations
_HALF_BITS = 26
_HALF_MASK = (1 << _HALF_BITS) - 1
_MANTISSA_MASK = (1 << 52) - 1
_BATCH = 1 << 24  # 2^27 * 2^24 < 2^53: the halves' sums stay exact


def exact_sum(values: NDArray[np.float64]) -> int:
    """Return the sum of the finite values in units of 2^-1074; NaN and ±inf are passed over.

    Args:
        values: Shape (n,).
    """
    if len(values) < _FEW:
        return sum(_whole(value) for value in values.tolist())
    return sum(_sum_batch(values[at : at + _BATCH]) for at in range(0, len(values), _BATCH))


def exact_mean(total: int, count: int) -> float:
    """Return the correctly rounded mean of `count` finite values whose exact sum is `total`."""
    return total / (count << UNIT_EXPONENT)


def _whole(value: float) -> int:
    if value - value != 0.0:  # NaN and ±inf
        return 0
    numerator, denominator = value.as_integer_ratio()
    return numerator << (UNIT_EXPONENT + 1 - denominator.bit_length())


def _sum_batch(values: NDArray[np.float64]) -> int:
    bits = np.ascontiguousarray(values).view(np.int64)
    exponent = (bits >> 52) & 0x7FF
    if (exponent == 0x7FF).any():
        kept = exponent != 0x7FF
        bits, exponent = bits[kept], exponent[kept]
        if not len(bits):
            return 0
    mantissa = bits & _MANTISSA_MASK
    mantissa |= (exponent > 0).astype(np.int64) << 52
    np.negative(mantissa, out=mantissa, where=bits < 0)
    shift = np.maximum(exponent - 1, 0)
    lowest = int(shift.min())
    shift -= lowest
    high = np.bincount(shift, weights=mantissa >> _HALF_BITS)
    low = np.bincount(shift, weights=mantissa & _HALF_MASK)
    total = 0
    for at in np.flatnonzero((high != 0) | (low != 0)).tolist():
        total += ((int(high[at]) << _HALF_BITS) + int(low[at])) << at
    return total << lowest
