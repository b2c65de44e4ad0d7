"""Numbers, durations, sizes and times as people read them: short, and never rounded into a lie.

Four significant digits, NaN and infinities named, counts in full. Durations are written as the filter language reads
them (`1h30m`).
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_PLAIN_FROM, _PLAIN_TO = 1e-4, 1e7  # outside of these, an exponent is shorter and clearer
EXACT = 17  # as many digits tell any two float64 apart
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_RELATIVE_MAX_S = 30 * _DAY_S


def format_number(value: float, digits: int = 4) -> str:
    """Return a number in `digits` significant digits, from `EXACT` on exactly; whole ones below ten million in full."""
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if isinstance(value, int) and abs(value) < 10**15:
        return str(value)
    if abs(value) < _PLAIN_TO and value == int(value):
        return str(int(value))
    if digits >= EXACT:
        mantissa, is_raised, exponent = repr(float(value)).partition("e")
        return f"{_strip_zeros(mantissa)}e{int(exponent)}" if is_raised else _strip_zeros(mantissa)
    if _PLAIN_FROM <= abs(value) < _PLAIN_TO:
        places = max(digits - 1 - int(f"{value:.{digits - 1}e}".partition("e")[2]), 0)
        text = f"{value:.{places}f}"
        return _strip_zeros(text) if float(text) == value else text  # zeros that say "about" stay: 1.000 is not 1
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{_strip_zeros(mantissa)}e{int(exponent)}"


def _strip_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_value(value: Any, digits: int = 4) -> str:
    """Return a parameter's value: numbers short, texts as they are, the rest as the filter language spells it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format_number(value, digits)
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return str(value)


def format_apart(values: Sequence[Any], digits_max: int = EXACT) -> list[str]:
    """Format values with as many digits as it takes to tell different ones apart, at least four."""
    shown = [format_value(value) for value in values]
    count = len({_identity(value) for value in values})
    for digits in range(5, digits_max + 1):
        if len(set(shown)) >= count:
            break
        shown = [format_value(value, digits) for value in values]
    return shown


def _identity(value: Any) -> str:
    return repr(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)


def format_change(value: float, reference: float) -> str:
    """Return how far a value is from a reference, with its sign, such as `+0.012`."""
    change = value - reference
    text = format_number(change, 3)  # a difference of floats is never exact, so zeros at its end say nothing
    text = _strip_zeros(text) if "e" not in text else text
    return text if change != change or change <= 0 else f"+{text}"


def format_count(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: `1 run`, `1,200 runs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def format_duration(seconds: float | None) -> str:
    """Return a duration as the filter language writes them: `3.2s`, `1m05s`, `2h07m`, `3d04h`."""
    if seconds is None or seconds != seconds:
        return ""
    if seconds < 10:
        return f"{seconds:.1f}s" if seconds >= 0.1 else f"{seconds * 1000:.0f}ms"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole}s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m{whole % _MINUTE_S:02}s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}h{whole % _HOUR_S // _MINUTE_S:02}m"
    return f"{whole // _DAY_S}d{whole % _DAY_S // _HOUR_S:02}h"


def format_bytes(size: float | None) -> str:
    """Return a size in units of 1,000: `812 B`, `3.1 MB`."""
    if size is None or size != size:
        return ""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(size) < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or abs(size) >= 99.5 else f"{size:.3g} {unit}"


def format_iso(moment: datetime | None, *, is_exact: bool = False) -> str:
    """Return a moment as ISO 8601 in UTC, to the second or exactly; empty for None."""
    if moment is None:
        return ""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds" if is_exact else "seconds")
    return text.replace("+00:00", "Z")


def format_ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, such as `3 min ago`; a date when it is more than 30 days."""
    if moment is None:
        return ""
    age = (now - moment).total_seconds()
    if age < -_MINUTE_S:  # another machine's clock is ahead; a date is the honest answer
        return format_iso(moment)
    if age < 5:
        return "now"
    if age < _MINUTE_S:
        return f"{age:.0f} s ago"
    if age < _HOUR_S:
        return f"{age // _MINUTE_S:.0f} min ago"
    if age < _DAY_S:
        return f"{age // _HOUR_S:.0f} h ago"
    if age < _RELATIVE_MAX_S:
        return f"{age // _DAY_S:.0f} d ago"
    return moment.astimezone(UTC).date().isoformat()
