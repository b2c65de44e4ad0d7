"""A curve in one line of text: least at the bottom, greatest at the top, gaps where there is no number.

Each cell shows the mean of its points, but the cells that hold the least and the greatest point show those, so
that a spike is not averaged away.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-~=+*#"


def draw_sparkline(
    values: Sequence[float], width: int, *, has_unicode: bool = True, scale: Sequence[float] | None = None
) -> str:
    """Draw values left to right in at most `width` cells.

    NaN is a blank, infinities are drawn at the edge that they tend to. A constant curve lies in the middle.

    Args:
        values: The curve's points.
        width: In cells.
        has_unicode: Whether block signs can be shown.
        scale: Values that span the height; None = the curve's own. One scale makes several curves comparable.
    """
    signs = _BLOCKS if has_unicode else _ASCII
    finite = [value for value in (values if scale is None else scale) if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    return "".join(_draw_cell(value, low, high, signs) for value in _bin(values, width, low, high))


def _bin(values: Sequence[float], width: int, low: float, high: float) -> list[float]:
    if len(values) <= width:
        return list(values)
    edges = [i * len(values) // width for i in range(width + 1)]
    return [_represent(values[a:b], low, high) for a, b in pairwise(edges)]


def _represent(values: Sequence[float], low: float, high: float) -> float:
    """Return what a cell shows: infinities first, then the curve's own extreme that stands out more, else the mean."""
    for infinity in (math.inf, -math.inf):
        if infinity in values:
            return infinity
    known = [value for value in values if value == value]
    mean = sum(value / len(known) for value in known) if known else math.nan
    extremes = [extreme for extreme in (high, low) if extreme in known]
    return max(extremes, key=lambda extreme: abs(extreme / 2 - mean / 2), default=mean)


def _draw_cell(value: float, low: float, high: float, signs: str) -> str:
    if value != value:
        return " "
    if math.isinf(value):
        return signs[-1] if value > 0 else signs[0]
    if high <= low:
        return signs[3]
    if math.isinf(high - low):  # the span of float64's ends is no float64
        value, low, high = value / 2, low / 2, high / 2
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return signs[min(int(share * len(signs)), len(signs) - 1)]
