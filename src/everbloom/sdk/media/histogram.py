"""Histograms: counted where the values are, kept as edges and counts.

At most 512 bins stand in the record itself, so a histogram a step costs no file. NaN and infinities fit into no
bin; they are counted beside, so that a diverging layer shows.
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from everbloom.core.errors import InvalidInput
from everbloom.sdk.media.base import Encoded, Media, not_media, to_array

BINS_MAX = 512
_BINS = 64
_FLOAT_MAX = sys.float_info.max


class Histogram(Media):
    """The distribution of many values: `Histogram(values)`, or counted already: `Histogram(edges=, counts=)`.

    Values are any array, tensor or iterable of numbers; bins are of equal width between the least and the
    greatest finite value, the last one closed.
    """

    kind = "histogram"

    def __init__(
        self,
        values: Any = None,
        *,
        bins: int = _BINS,
        edges: Sequence[float] | None = None,
        counts: Sequence[float] | None = None,
        caption: str = "",
    ) -> None:
        super().__init__(caption=caption)
        self.values = values
        self.bins = bins
        self.edges = edges
        self.counts = counts

    def encode(self) -> Encoded:
        """Count the values; everything stands in `meta`: edges, counts, n, and nan, inf, ninf where there are."""
        if self.values is None:
            meta = _check_counted(self.edges, self.counts)
        elif not 1 <= self.bins <= BINS_MAX:
            raise InvalidInput(
                f"a histogram has bins={self.bins}; 1 to {BINS_MAX} are kept. Choose fewer.", code="media.bins"
            )
        elif (array := to_array(self.values)) is not None:
            meta = _count_array(array, self.bins)
        else:
            meta = _count_values(self.values, self.bins)
        return Encoded(media_type="application/json", meta=meta)


def _check_counted(edges: Sequence[float] | None, counts: Sequence[float] | None) -> dict[str, Any]:
    if edges is None or counts is None:
        raise not_media("a histogram", None, "values, or both edges and counts")
    edge_list, count_list = [float(e) for e in edges], [float(c) for c in counts]
    rising = all(a < b for a, b in pairwise(edge_list))
    if len(edge_list) != len(count_list) + 1 or not rising or len(count_list) > BINS_MAX:
        raise InvalidInput(
            f"a histogram has {len(edge_list)} edges and {len(count_list)} counts; edges rise and are one more "
            f"than the counts, which are at most {BINS_MAX}.",
            code="media.bins",
        )
    return {"edges": edge_list, "counts": count_list, "n": sum(count_list)}


def _count_array(array: Any, bins: int) -> dict[str, Any]:
    import numpy as np  # there already: the values are made of it

    if array.dtype.kind not in "fiub":
        raise not_media("a histogram", array, "numbers")
    values = array.astype(np.float64, copy=False).ravel()
    finite = values[np.isfinite(values)]
    odd = {
        "nan": int(np.isnan(values).sum()),
        "inf": int(np.isposinf(values).sum()),
        "ninf": int(np.isneginf(values).sum()),
    }
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    edges = _edges(low, high, bins)
    places = np.searchsorted(np.asarray(edges), finite, side="right") - 1
    counts = np.bincount(places.clip(0, bins - 1), minlength=bins).tolist()
    return _meta(edges, counts, odd)


def _count_values(values: Iterable[Any], bins: int) -> dict[str, Any]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise not_media("a histogram", values, "an array or an iterable of numbers") from error
    finite = [number for number in numbers if math.isfinite(number)]
    odd = {
        "nan": sum(map(math.isnan, numbers)),
        "inf": numbers.count(math.inf),
        "ninf": numbers.count(-math.inf),
    }
    edges = _edges(min(finite, default=0.0), max(finite, default=0.0), bins)
    counts = [0] * bins
    for number in finite:
        counts[min(max(bisect_right(edges, number) - 1, 0), bins - 1)] += 1
    return _meta(edges, counts, odd)


def _edges(low: float, high: float, bins: int) -> list[float]:
    if high - low <= max(abs(low), abs(high), 1e-290) * 1e-12:  # all alike: as wide as float64 can tell apart
        pad = max(abs(high) * 1e-6, 0.5)
        low, high = max(low - pad, -_FLOAT_MAX), min(high + pad, _FLOAT_MAX)
    # Not low + (high - low) * share: the difference may be beyond float64.
    return [low, *(low * (1 - i / bins) + high * (i / bins) for i in range(1, bins)), high]


def _meta(edges: list[float], counts: list[int], odd: dict[str, int]) -> dict[str, Any]:
    n = sum(counts) + sum(odd.values())
    return {"edges": edges, "counts": counts, "n": n} | {name: count for name, count in odd.items() if count}
