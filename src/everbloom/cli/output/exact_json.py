"""Answers as JSON that loses nothing: numbers exact, NaN and infinities as the texts `NaN`, `Infinity`, `-Infinity`.

JSON has no such numbers, and null would make "missing" of them. Times are ISO 8601 in UTC with microseconds.
"""

import math
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from everbloom.cli.output.numbers import format_iso
from everbloom.cli.output.screen import Screen


def to_plain(value: Any) -> Any:
    """Turn values of Python and NumPy into what JSON can hold."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _to_plain_float(value)
    if isinstance(value, datetime):
        return format_iso(value, is_exact=True)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if callable(item := getattr(value, "tolist", None)):
        return to_plain(item())
    if isinstance(value, Iterable):
        return [to_plain(item) for item in value]
    return str(value)


def _to_plain_float(value: float) -> float | str:
    if math.isfinite(value):
        return float(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def encode_json(value: Any, *, indent: int = 2) -> str:
    """Return a value as JSON text; `indent` 0 keeps it on one line."""
    data = msgspec.json.encode(to_plain(value))
    return (msgspec.json.format(data, indent=indent) if indent else data).decode()


def write_json(screen: Screen, value: Any, *, indent: int = 2) -> None:
    """Write a value as JSON. On a terminal, what it would act on or cannot show is escaped; the value is the same."""
    text = encode_json(value, indent=indent)
    if screen.is_terminal or not screen.has_unicode:
        text = "".join(c if c == "\n" or (c.isprintable() and _fits(c, screen)) else _escape(c) for c in text)
    sys.stdout.write(text + "\n")


def _fits(c: str, screen: Screen) -> bool:
    return screen.has_unicode or c.isascii()


def _escape(c: str) -> str:
    units = c.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
