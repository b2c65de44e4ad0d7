"""The filter language a second time, as plainly as it can be said: one run, one condition, no arrays.

It shares the syntax tree with `everbloom.query` and nothing of its evaluation: no NumPy, no dictionary
codes, no shortcuts, its own LIKE. Whatever finds runs must agree with it, on every engine. A run is a
mapping of flat keys to cells; a key it lacks is missing. `console` is what the run printed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.version import InvalidVersion, Version

from everbloom.index.columns import NUMBER_MAX_CHARS, Cell
from everbloom.query.language.ast import (
    And,
    Bool,
    Check,
    Compare,
    Filter,
    Match,
    Member,
    Moment,
    Not,
    Number,
    Or,
    Search,
    SortKey,
    Span,
    Text,
    Value,
)
from everbloom.query.language.keys import HAYSTACK, Key

Run = Mapping[str, Cell]


def matching_rows(parsed: Filter | None, runs: Sequence[Run], *, now_us: int) -> list[int]:
    """Return the numbers of the runs that meet a filter, ascending."""
    return [row for row, run in enumerate(runs) if parsed is None or meets(parsed, run, now_us)]


def meets(parsed: Filter, run: Run, now_us: int) -> bool:
    """Tell whether one run meets a filter."""
    match parsed:
        case And(parts):
            return all(meets(part, run, now_us) for part in parts)
        case Or(parts):
            return any(meets(part, run, now_us) for part in parts)
        case Not(part):
            return not meets(part, run, now_us)
        case Search(text):
            return text.casefold() in str(run.get(HAYSTACK, "")) if HAYSTACK in run else False
        case Check(key, what, is_negated):
            return _check(run.get(key.column), what, is_negated)
        case Compare(key, sign, value):
            return _compare(run.get(key.column), key, sign, value, now_us)
        case Member(key, values, is_negated):
            cell = run.get(key.column)
            if is_negated:
                return all(_compare(cell, key, "!=", value, now_us) for value in values)
            return any(_compare(cell, key, "=", value, now_us) for value in values)
        case Match():
            return _match(parsed, run)


def _check(cell: Cell, what: str, is_negated: bool) -> bool:
    if cell is None or cell == []:
        return what == "null" and not is_negated
    if what == "null":
        return is_negated
    return _is_nan(cell) != is_negated


def _is_nan(cell: Cell) -> bool:
    number = _number_of(cell)
    return number is not None and math.isnan(number)


def _number_of(cell: Cell) -> float | None:
    """Return what a cell counts as among numbers: itself, 0 or 1, or what its text writes."""
    if isinstance(cell, str):
        if len(cell) > NUMBER_MAX_CHARS or "_" in cell:
            return None
        try:
            return float(cell)
        except ValueError:
            return None
    return float(cell) if isinstance(cell, (bool, int, float)) else None


def _compare(cell: Cell, key: Key, sign: str, value: Value, now_us: int) -> bool:
    if key.column == "tag":
        assert isinstance(value, Text)
        tags = cell if isinstance(cell, list) else []
        return (value.value in tags) == (sign == "=")
    if cell is None:
        return False
    match value:
        case Number(number):
            return _compare_number(cell, sign, number)
        case Span(seconds):
            is_time = key.column in ("created", "ended")
            return _compare_number(cell, sign, now_us + seconds * 1e6 if is_time else seconds)
        case Moment(start_us, width_us):
            return _compare_moment(cell, sign, start_us, start_us + width_us)
        case Bool(flag):
            return _compare_bool(cell, sign, flag)
        case Text(text):
            return _compare_text(cell, sign, text, is_version=key.root == "env")


def _compare_number(cell: Cell, sign: str, wanted: float) -> bool:
    number = _number_of(cell)
    if number is None:
        return sign == "!="
    if math.isnan(number) or math.isnan(wanted):
        return False
    return _holds(number, sign, wanted)


def _compare_moment(cell: Cell, sign: str, start: int, end: int) -> bool:
    time = _number_of(cell)
    if time is None or math.isnan(time):
        return sign == "!=" and time is None
    return {
        "=": start <= time < end,
        "!=": not start <= time < end,
        "<": time < start,
        "<=": time < end,
        ">": time >= end,
        ">=": time >= start,
    }[sign]


def _compare_bool(cell: Cell, sign: str, flag: bool) -> bool:
    if isinstance(cell, float) and math.isnan(cell):
        return False
    is_equal = cell is flag or (isinstance(cell, str) and cell.casefold() == ("true" if flag else "false"))
    return is_equal == (sign == "=")


def _compare_text(cell: Cell, sign: str, text: str, *, is_version: bool) -> bool:
    if isinstance(cell, str):
        return _compare_versions(cell, sign, text) if is_version else _compare_plain(cell, sign, text)
    if isinstance(cell, float) and math.isnan(cell):
        return False
    if _number_of(text) is not None:
        return _compare_number(cell, sign, float(text))
    if sign not in ("=", "!="):
        return False
    is_equal = isinstance(cell, bool) and text.casefold() == str(cell).casefold()
    return is_equal == (sign == "=")


def _compare_plain(cell: str, sign: str, text: str) -> bool:
    return _holds((cell.casefold(), cell), sign, (text.casefold(), text))


def _compare_versions(cell: str, sign: str, text: str) -> bool:
    found, wanted = _version(cell), _version(text)
    if found is None or wanted is None:
        return _compare_plain(cell, sign, text)
    if wanted.local is None:
        found = Version(found.public)
    return _holds(found, sign, wanted)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _holds(left: Any, sign: str, right: Any) -> bool:
    return bool(
        (sign == "=" and left == right)
        or (sign == "!=" and left != right)
        or (sign in ("<", "<=") and left < right)
        or (sign in (">", ">=") and left > right)
        or (sign in ("<=", ">=") and left == right)
    )


def _match(node: Match, run: Run) -> bool:
    cell = run.get(node.key.column)
    if node.key.column == "console":
        return (isinstance(cell, str) and cell != "" and _text_matches(cell, node)) != node.is_negated
    if node.key.column == "tag":
        return any(_text_matches(tag, node) for tag in cell or []) != node.is_negated  # type: ignore[union-attr]
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return False
    return (isinstance(cell, str) and _text_matches(cell, node)) != node.is_negated


def _text_matches(text: str, node: Match) -> bool:
    if node.operator == "~":
        return node.pattern.casefold() in text.casefold()
    return _like(text, node.pattern)


def _like(text: str, pattern: str) -> bool:
    """Match by the textbook table: reach[i] says whether the pattern so far matches the first i characters."""
    reach = [True] + [False] * len(text)
    escaped = False
    for at, sign in enumerate(pattern):
        if sign == "\\" and not escaped and at + 1 < len(pattern):
            escaped = True
            continue
        if sign == "%" and not escaped:
            first = reach.index(True) if True in reach else len(text) + 1
            reach = [i >= first for i in range(len(text) + 1)]
        else:
            fits_any = sign == "_" and not escaped
            reach = [False] + [reach[i] and (fits_any or text[i] == sign) for i in range(len(text))]
        escaped = False
    return reach[-1]


def sorted_rows(rows: Sequence[int], runs: Sequence[Run], order: Sequence[SortKey]) -> list[int]:
    """Return the rows in a sort order, ties by `created`, `id`, and their number.

    Sorts once per key, the last one first, and relies on Python's sort to keep equal rows as they were.
    """
    ordered = sorted(rows)
    for sort_key in reversed([*order, SortKey(Key("created")), SortKey(Key("id"))]):
        ordered = _sort_by(ordered, runs, sort_key)
    return ordered


def _sort_by(rows: list[int], runs: Sequence[Run], sort_key: SortKey) -> list[int]:
    places = {row: _place(runs[row].get(sort_key.key.column), sort_key.key) for row in rows}
    valued = [row for row in rows if isinstance(places[row], tuple)]
    valued.sort(key=lambda row: places[row], reverse=sort_key.is_descending)
    nans = [row for row in rows if places[row] == "nan"]
    missing = [row for row in rows if places[row] == "missing"]
    return valued + nans + missing


def _place(cell: Cell, key: Key) -> Any:
    """Return where a cell stands among others: a tuple that compares, "nan" or "missing"."""
    if cell is None or cell == []:
        return "missing"
    if isinstance(cell, list):
        return (2, [(tag.casefold(), tag) for tag in cell])
    if isinstance(cell, str) and key.root == "env" and (version := _version(cell)) is not None:
        return (1, version)
    number = _number_of(cell)
    is_number = number is not None and not (isinstance(cell, str) and key.kind in ("text", "choice", "version"))
    if is_number and number is not None:
        return "nan" if math.isnan(number) else (0, number)
    return (2, cell.casefold(), cell) if isinstance(cell, str) else "missing"
