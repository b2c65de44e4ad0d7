"""Smoothing: a de-biased exponential moving average that knows how far apart points are.

    s_i = a_i * s_(i-1) + v_i      a_i = weight ** ((x_i - x_(i-1)) / spacing)
    z_i = a_i * z_(i-1) + 1        smoothed_i = s_i / z_i

over the finite points in the order of the axis; `spacing` is the mean distance of the series' points. On
regular x this is TensorBoard's de-biased average with the same weight; points at one x count alike. NaN and
±inf take no part and get no smoothed value. A window starts early enough that what lies before weighs less
than 2^-64, so that it need not start at the beginning of the series.
"""

import math

import numpy as np
from numpy.typing import NDArray

_NEGLIGIBLE_BITS = 64
_SHORT = 256  # below it a plain loop is as fast


def lookback(weight: float, spacing: float) -> float:
    """Return the distance in x beyond which an earlier point weighs less than 2^-64 of the current one."""
    if weight <= 0.0:
        return 0.0
    return spacing * _NEGLIGIBLE_BITS * math.log(2) / -math.log(weight)


def smooth(
    x: NDArray[np.int64] | NDArray[np.float64], values: NDArray[np.float64], *, weight: float, spacing: float
) -> NDArray[np.float64]:
    """Smooth a series.

    Args:
        x: Rising, repeats allowed, shape (n,).
        values: Shape (n,), float64.
        weight: How much of the past is kept over one spacing, at least 0 and below 1.
        spacing: The distance in x over which it is; 0 = all points count alike.

    Returns:
        Shape (n,), float64; NaN where the value is not finite.
    """
    smoothed = np.full(len(values), np.nan)
    finite = np.isfinite(values)
    kept = values[finite]
    if len(kept):
        distance = np.diff(x[finite].astype(np.float64), prepend=np.float64(x[finite][0]))
        keep = np.ones(len(kept)) if spacing <= 0 else np.power(weight, distance / spacing)
        keep[0] = 0.0
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            sums = _scan(keep, kept)
            means = sums / _scan(keep, np.ones(len(kept)))
        # A mean lies between what it is of: or a constant would be noise in its last bit, and a chart of it wild.
        smoothed[finite] = np.clip(means, np.minimum.accumulate(kept), np.maximum.accumulate(kept))
    return smoothed


def _scan(keep: NDArray[np.float64], added: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return s with s[i] = keep[i] * s[i - 1] + added[i], s[-1] = 0.

    In blocks beside each other, one array operation for the i-th place of all of them, then the carry from
    block to block: a few hundred operations for a million points instead of a million.
    """
    n = len(added)
    width = max(1, math.isqrt(n)) if n > _SHORT else n
    blocks = -(-n // width)
    padded = np.zeros((2, blocks * width))
    padded[0, :n], padded[1, :n] = keep, added
    factor, state = (np.ascontiguousarray(part.reshape(blocks, width).T) for part in padded)
    for i in range(1, width):
        state[i] += factor[i] * state[i - 1]
        factor[i] *= factor[i - 1]
    carry = 0.0
    carries = np.empty(blocks)
    for block, (last, whole) in enumerate(zip(state[-1].tolist(), factor[-1].tolist(), strict=True)):
        carries[block] = carry
        carry = last + whole * carry if carry else last
    carried = np.where(carries != 0.0, factor * carries, 0.0)
    return np.ascontiguousarray((state + carried).T).reshape(-1)[:n]
