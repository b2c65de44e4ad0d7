"""Curves: any number of series on one common grid, as a binary frame that a browser need not decode.

The frame: u32 length of the header, a JSON header padded with spaces so that what follows begins at a multiple of
eight, then little-endian arrays one behind the other: x f64[n]; for each series first, last, min, max f64[n], smoothed
f64[n] where it was asked for, then count, NaN, +inf, -inf u32[n], each series padded to a multiple of eight. Of ranks
that are reduced, first, last and smoothed are the line, min and max the band; `ranks` are those that were read. The
points that a line comes from and goes to outside of the window are `before` and `after`: x, value, smoothed value.
"""

import math
import struct
from typing import Any

import msgspec
import numpy as np
from litestar import Response, post
from litestar.params import JSONBody

from everbloom.api.answers import Given, find_run
from everbloom.api.run_types import SeriesRequest
from everbloom.core.errors import InvalidInput
from everbloom.query.reader import Envelope, MetricWindow, Neighbour, PairedEnvelope, Reader, SeriesKey, Window

CELLS_MAX = 2_000_000  # 110 MB of a frame
_FLOATS = ("first", "last", "min", "max")
_COUNTS = ("count", "nan", "pinf", "ninf")


@post("/series", sync_to_thread=True, status_code=200, opt={"is_plain": True}, media_type="application/octet-stream")
def read_series(store: Given, data: JSONBody[SeriesRequest]) -> Response[bytes]:
    """Return series reduced to one grid; first, last, min and max of each bucket, so that no spike is lost."""
    if len(data.series) * data.columns > CELLS_MAX:
        raise InvalidInput(
            f"{len(data.series)} series were asked for on {data.columns} columns; at most {CELLS_MAX} cells are "
            f"answered at once. Ask for fewer columns, or in parts.",
            code="series.too_many",
        )
    window = _to_window(data)
    frame = store.read(lambda reader: _read_frame(reader, data, window))
    return Response(frame, media_type="application/octet-stream", headers={"cache-control": "no-store"})


def _to_window(data: SeriesRequest) -> Window | MetricWindow:
    if data.axis == "metric":
        if data.x_metric is None:
            raise InvalidInput(
                "the axis is a metric, and x_metric does not say which; name one.", code="series.x_metric"
            )
        return MetricWindow(data.x_metric, data.low, data.high, data.columns, data.smoothing)
    low = None if data.low is None else _hold(math.floor(data.low))
    high = None if data.high is None else _hold(math.ceil(data.high))
    return Window(data.axis, low, high, data.columns, smoothing=data.smoothing)


def _hold(x: int) -> int:
    """Return the step or time nearest to a number: beyond 64 bits there is none."""
    return min(max(x, -(2**63)), 2**63 - 1)


def _read_frame(reader: Reader, data: SeriesRequest, window: Window | MetricWindow) -> bytes:
    version = reader.read_version()
    runs = {run: find_run(reader, run) for run in dict.fromkeys(wanted.run for wanted in data.series)}
    keys = [SeriesKey(runs[wanted.run].id, wanted.metric, wanted.rank, wanted.reduce) for wanted in data.series]
    if not keys:
        raise InvalidInput("no series was asked for; name at least one run and metric.", code="series.none")
    if isinstance(window, MetricWindow):
        return encode_frame(reader.read_paired(keys, window), keys, axis=data.axis, watermark=version)
    return encode_frame(reader.read_window(keys, window), keys, axis=data.axis, watermark=version)


def encode_frame(envelope: Envelope | PairedEnvelope, keys: list[SeriesKey], *, axis: str, watermark: int) -> bytes:
    """Return series on their grid as a frame. Pure."""
    n = len(envelope.x)
    parts: list[bytes] = [_to_bytes(envelope.x, "<f8")]
    described: list[dict[str, Any]] = []
    for key, series, ranks in zip(keys, envelope.series, envelope.ranks, strict=True):
        names = [*_FLOATS, *(["smoothed"] if series.smoothed is not None else [])]
        parts += [_to_bytes(getattr(series, name), "<f8") for name in names]
        parts += [_to_bytes(getattr(series, name), "<u4") for name in _COUNTS]  # 4 of 4 bytes: a multiple of 8
        described.append(
            {"run": key.run, "metric": key.metric, "rank": key.rank, "reduce": key.reduce, "ranks": ranks}
            | {"arrays": [*names, *_COUNTS]}
            | {"before": _to_place(series.before), "after": _to_place(series.after)}
            | {"points": int(series.count.sum()), "odd": int((series.nan + series.pinf + series.ninf).sum())}
        )
    header = msgspec.json.encode(
        {
            "n": n,
            "axis": axis,
            "watermark": watermark,
            "is_exact": envelope.is_exact,
            "series": described,
        }
    )
    header += b" " * (-(len(header) + 4) % 8)
    return struct.pack("<I", len(header)) + header + b"".join(parts)


def _to_place(neighbour: Neighbour | None) -> list[float | None] | None:
    """Return x, value and smoothed value of a point just outside of the window."""
    return None if neighbour is None else [neighbour.x, neighbour.value, neighbour.smoothed]


def _to_bytes(array: Any, kind: str) -> bytes:
    return bytes(np.ascontiguousarray(array, dtype=np.dtype(kind)).tobytes())


HANDLERS = [read_series]
