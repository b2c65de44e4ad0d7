"""Values as JSON can hold them: what it has no word for is spelled, so that nothing is lost or made null.

NaN and ±inf are the texts `NaN`, `Infinity`, `-Infinity`; whole numbers beyond 2^53, which a browser would round, are
text too. Times are UTC microseconds.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, cast

import msgspec

from everbloom.core.clock import from_datetime
from everbloom.core.values import EXACT_INT

OddNumber = Literal["NaN", "Infinity", "-Infinity"]
Number = float | OddNumber
Value = str | int | float | bool | list[str] | None
"""A cell of a table; odd numbers and very large whole ones are text."""


def to_number(value: float) -> Number:
    """Return a float, spelled where JSON has no such number."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def to_optional_number(value: float | None) -> Number | None:
    """Return a float or None."""
    return None if value is None else to_number(value)


def to_value(value: Any, *, chars: int | None = None) -> Value:
    """Return a cell; a text that is longer than `chars` is cut, with an ellipsis for the rest."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -EXACT_INT <= value <= EXACT_INT else str(value)
    if isinstance(value, float):
        return to_number(value)
    if isinstance(value, list):
        return [str(item) for item in value]
    text = msgspec.json.encode(value).decode() if isinstance(value, Mapping) else str(value)
    return text if chars is None or len(text) <= chars else text[:chars] + "…"


def to_plain(value: Any) -> Any:
    """Return what a media item's `meta` or a table's cells hold, at any depth."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return to_value(value)


def to_micros(moment: datetime | None) -> int | None:
    """Return a moment as UTC microseconds."""
    return None if moment is None else from_datetime(moment)


def need_micros(moment: datetime) -> int:
    """Return a moment that is there as UTC microseconds."""
    return cast(int, to_micros(moment))
