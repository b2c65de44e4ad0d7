"""Values as people write them, read by the kind of their key, and written back.

The key decides: `2.10` is a version behind `env.torch`, a number behind `params.lr` and a text behind
`name`; `-7d` is a moment behind `created`. What no run could ever have is refused here, because a filter
that silently finds nothing is worse than an error.
"""

import difflib
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from everbloom.core.clock import from_datetime, to_datetime
from everbloom.query.language.ast import Bool, Moment, Number, Span, Text, Value
from everbloom.query.language.keys import Key, Kind
from everbloom.query.language.tokens import quote_text

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
SECOND_US = 1_000_000
SPAN_MAX_S = 1e12

_UNITS_S: dict[str, int] = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_SPAN = re.compile(r"([+-]?)((?:[0-9]+(?:\.[0-9]+)?[wdhms])+)")
_SPAN_PART = re.compile(r"([0-9.]+)([wdhms])")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)


class Misfit(Exception):
    """A value that its key cannot have; says why and what would fit. The parser adds the place."""

    def __init__(self, says: str, *suggestions: str) -> None:
        super().__init__(says)
        self.says = says
        self.suggestions = suggestions


def read_value(key: Key, typed: str, *, is_quoted: bool) -> Value:
    """Read what stands behind an operator.

    Args:
        key: The key in front of it.
        typed: A word as typed, or the content of quotes.
        is_quoted: Whether it stood in quotes.

    Raises:
        Misfit: No run could have such a value under the key.
    """
    if not is_quoted and typed.lower() in ("null", "nan"):
        what = typed.lower()
        raise Misfit(f"nothing equals {what}; it is asked for with `is {what}` or `is not {what}`.")
    return _READERS[key.kind](key, typed, is_quoted)


def _read_text(_key: Key, typed: str, _is_quoted: bool) -> Value:
    return Text(typed)


def _read_choice(key: Key, typed: str, _is_quoted: bool) -> Value:
    choices = key.info.choices
    if typed not in choices:
        near = difflib.get_close_matches(typed.lower(), choices, 1, 0.5)
        raise Misfit(f"`{key.root}` is one of {', '.join(choices)}, never {typed!r}.", *near)
    return Text(typed)


def _read_number(key: Key, typed: str, _is_quoted: bool) -> Value:
    number = parse_plain_number(typed)
    if number is None:
        raise Misfit(f"`{key.column}` is a number and {typed!r} is none; write it like 0.9, 1e-3 or -inf.")
    return Number(number)


def _read_flag(key: Key, typed: str, _is_quoted: bool) -> Value:
    if typed.lower() not in ("true", "false"):
        raise Misfit(f"`{key.root}` is true or false, never {typed!r}.", "true", "false")
    return Bool(typed.lower() == "true")


def _read_any(_key: Key, typed: str, is_quoted: bool) -> Value:
    if is_quoted:
        return Text(typed)
    if typed.lower() in ("true", "false"):
        return Bool(typed.lower() == "true")
    number = parse_plain_number(typed)
    return Text(typed) if number is None else Number(number)


def _read_duration(key: Key, typed: str, _is_quoted: bool) -> Value:
    if (span := parse_span(typed)) is not None:
        return span
    if (number := parse_plain_number(typed)) is not None:
        return Number(number)
    raise Misfit(f"`{key.root}` is a length of time and {typed!r} is none; write 90s, 15m, 2h, 1h30m or 7d.")


def _read_time(key: Key, typed: str, _is_quoted: bool) -> Value:
    if (span := parse_span(typed)) is not None:
        if span.seconds > 0:
            says = f"{typed} would be in the future; a length of time counts from now, so put a minus before it."
            raise Misfit(says, f"-{typed.removeprefix('+')}")
        return span
    if (moment := parse_moment(typed)) is not None:
        return moment
    if (number := parse_plain_number(typed)) is not None:
        return Number(number)
    raise Misfit(f"`{key.root}` is a time and {typed!r} is none; write -7d, -3h, 2026-11-24 or 2026-11-24T10:30 (UTC).")


def _read_nothing(key: Key, _typed: str, _is_quoted: bool) -> Value:
    raise Misfit(f"`{key.root}` can only be searched, with `~`.")


_READERS: dict[Kind, Callable[[Key, str, bool], Value]] = {
    "text": _read_text,
    "choice": _read_choice,
    "number": _read_number,
    "time": _read_time,
    "duration": _read_duration,
    "flag": _read_flag,
    "tags": _read_text,
    "version": _read_text,
    "any": _read_any,
    "console": _read_nothing,
}


def parse_plain_number(typed: str) -> float | None:
    """Return the number that a word writes, or None; one too large for a float64 is no number."""
    if _INFINITY.fullmatch(typed):
        return float(typed)
    if not _NUMBER.fullmatch(typed):
        return None
    number = float(typed)
    return None if math.isinf(number) else number


def parse_span(typed: str) -> Span | None:
    """Return the length of time that a word writes, such as `-7d` or `1h30m`, or None.

    Raises:
        Misfit: It is longer than 31,000 years.
    """
    found = _SPAN.fullmatch(typed)
    if found is None:
        return None
    seconds = sum(float(Decimal(count) * _UNITS_S[unit]) for count, unit in _SPAN_PART.findall(found.group(2)))
    if seconds > SPAN_MAX_S:
        raise Misfit(f"{typed} is longer than {SPAN_MAX_S:.0e} seconds, the most that is understood.")
    return Span(-seconds if found.group(1) == "-" else seconds)


def parse_moment(typed: str) -> Moment | None:
    """Return the day, minute, second or microsecond that an ISO 8601 text names, or None; UTC if it says none.

    Raises:
        Misfit: It looks like a date, and the calendar has no such day or the day no such time.
    """
    found = _MOMENT.fullmatch(typed)
    if found is None or (found.group(4) and not found.group(3)):
        return None
    try:
        start_us = _to_us(datetime.fromisoformat(typed.upper()))
    except (ValueError, OverflowError):
        raise Misfit(f"{typed!r} looks like a time, but the calendar has none such.") from None
    _day, minute, second, fraction, _zone = found.groups()
    if minute is None:
        return Moment(start_us, DAY_US)
    return Moment(start_us, 1 if fraction else SECOND_US if second else MINUTE_US)


def _to_us(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return from_datetime(aware.astimezone(UTC))


def print_value(value: Value) -> str:
    """Write a value as `read_value` reads it back behind the same key."""
    match value:
        case Number(number):
            return print_number(number)
        case Text(text):
            return quote_text(text)
        case Bool(flag):
            return "true" if flag else "false"
        case Span(seconds):
            return print_span(seconds)
        case Moment():
            return print_moment(value)


def print_number(number: float) -> str:
    """Write a number in the fewest digits that give the same float64."""
    number = float(number)  # a tree made by hand may hold an int
    if number.is_integer() and abs(number) < 1e16:
        return str(int(number)) if number or math.copysign(1, number) > 0 else "-0.0"
    return repr(number)


def print_span(seconds: float) -> str:
    """Write a length of time in the largest unit up to days that divides it."""
    for unit, size_s in _UNITS_S.items():
        if seconds and seconds % size_s == 0 and unit != "w":
            return f"{int(seconds // size_s)}{unit}"
    return f"{Decimal(repr(seconds)):f}s"


def print_moment(moment: Moment) -> str:
    """Write a moment in UTC, as finely as it was given."""
    start = to_datetime(moment.start_us)
    if moment.width_us == DAY_US:
        return start.date().isoformat()
    timespec = {MINUTE_US: "minutes", SECOND_US: "seconds"}.get(moment.width_us, "microseconds")
    return start.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
