"""Runs in groups: one per value of a key, each with what all of its members come to.

Every number is over all members, never over those that a page happens to show, and says how many it is of. A group
stands where its first member would stand in the order asked for. Its clause, put behind the filter, finds exactly its
members: what the filter language takes for equal is one group, so `0.1` and the text "0.1" are. A run with several
tags is in several groups, one without any in that of the missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from everbloom.core.clock import monotonic_s
from everbloom.core.errors import InvalidInput
from everbloom.core.values import fold_text
from everbloom.index.columns import HAS_NUMBER, HAS_TEXT, IS_BOOL, IS_INT, IS_NAN, Cell, Column, cell_at
from everbloom.query.language.ast import And, Bool, Check, Compare, Moment, Number, Text
from everbloom.query.language.keys import Key
from everbloom.query.language.literals import DAY_US
from everbloom.query.language.printer import print_filter
from everbloom.query.language.sorting import parse_order
from everbloom.query.order import order_rows
from everbloom.query.readable import ReadableIndex, StoredRuns
from everbloom.query.scope import match_runs, plan_query
from everbloom.query.views import RunQuery

Codes = NDArray[np.int64]

_MISSING, _NAN, _NUMBER, _BOOL, _TEXT = range(5)
_TEXT_KINDS = frozenset(("text", "choice", "version", "tags"))


@dataclass(frozen=True)
class GroupCell:
    """What one column holds in a group.

    Attributes:
        n: Members with a value, NaN and ±inf among them.
        odd: Members whose number is NaN or infinite; they are left out of what follows.
        mean: Of the finite numbers, as `min` and `max`; None where there are none.
        std: Sample standard deviation; None for fewer than two.
        distinct: How many different texts there are; of a list, different entries.
        value: The one value that all members with a value share; None where they differ.
    """

    n: int
    odd: int = 0
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    distinct: int = 0
    value: Cell = None


@dataclass(frozen=True)
class Group:
    """Runs that share a value.

    Attributes:
        value: The value; None = they have none. Of a moment: the start of its day, UTC microseconds.
        clause: The filter that finds the members.
        count: How many there are.
        states: How many of them stand how.
        cells: By the column's flat key.
    """

    value: Cell
    clause: str
    count: int
    states: dict[str, int]
    cells: dict[str, GroupCell]


@dataclass(frozen=True)
class GroupPage:
    """A window of the groups, how many there are in all, over how many runs, and how long it took in seconds."""

    groups: list[Group]
    total: int
    runs: int
    query_s: float


@dataclass(frozen=True)
class _Members:
    """Which group each member is in: `rows` and `codes` of shape (m,), the groups' values by code."""

    rows: Codes
    codes: Codes
    values: list[Cell]
    kinds: list[int]


def group_runs(readable: ReadableIndex, query: RunQuery, by: str, columns: Sequence[Key] = ()) -> GroupPage:
    """Group all that a query matches by the values of a key; its offset and limit count groups.

    Args:
        readable: Where to look.
        query: Which runs, and in which order their groups stand.
        by: A key of the filter language.
        columns: What is summed up of each group.

    Raises:
        InvalidInput: The key is unknown, or nothing to group by (`group.key`); or see `plan_query`.
    """
    started_s = monotonic_s()
    key = _parse_key(by)
    plan = plan_query(readable, query)
    with readable.open_columns(plan.inside) as runs:
        rows = order_rows(match_runs(plan, runs), plan.order, runs)
        members = _split(runs.column(key.column), key, rows)
        first = _first_places(members)
        order = np.argsort(first, kind="stable")
        end = None if query.limit is None else query.offset + query.limit
        groups = _sum_up(members, order[query.offset : end], key, columns, runs)
    return GroupPage(groups, len(order), len(rows), monotonic_s() - started_s)


def _parse_key(by: str) -> Key:
    order = parse_order(by, noun="group")
    if len(order) != 1 or order[0].is_descending:
        raise InvalidInput(
            f"groups by {by!r} were asked for; name one key, such as `experiment` or `params.lr`.", code="group.key"
        )
    return order[0].key


# ── who belongs where ─────────────────────────────────────────────────────────────────────────────────────────────


def _split(column: Column | None, key: Key, rows: Codes) -> _Members:
    if column is None:
        return _Members(rows, np.zeros(len(rows), np.int64), [None] if len(rows) else [], [_MISSING])
    if column.list_starts is not None and column.list_codes is not None:
        return _split_lists(column, column.list_starts, column.list_codes, rows)
    kinds, values = _identify(column, key, rows)
    codes = np.zeros(len(rows), np.int64)
    found: list[Cell] = []
    found_kinds: list[int] = []
    for kind in (_TEXT, _NUMBER, _BOOL, _NAN, _MISSING):
        chosen = np.flatnonzero(kinds == kind)
        if not len(chosen):
            continue
        distinct, inverse = np.unique(values[chosen], return_inverse=True)
        codes[chosen] = inverse + len(found)
        found.extend(_to_cell(column, kind, value) for value in distinct.tolist())
        found_kinds.extend([kind] * len(distinct))
    return _Members(rows, codes, found, found_kinds)


def _split_lists(column: Column, starts: Codes, list_codes: NDArray[np.int32], rows: Codes) -> _Members:
    """Put each run into the group of each of its texts, and those without any into that of the missing."""
    sizes = (starts[1:] - starts[:-1])[rows]
    empty = len(column.texts)
    places = np.maximum(sizes, 1)
    spread = np.repeat(np.arange(len(rows)), places)
    inside = np.arange(len(spread)) - np.repeat(
        np.cumsum(np.maximum(sizes, 1)) - np.maximum(sizes, 1), np.maximum(sizes, 1)
    )
    places = np.minimum(starts[rows][spread] + inside, max(len(list_codes) - 1, 0))
    texts = list_codes[places] if len(list_codes) else np.zeros(len(spread), np.int32)
    given = np.where(sizes[spread] > 0, texts, empty).astype(np.int64)
    used, codes = np.unique(given, return_inverse=True)
    values: list[Cell] = [column.texts[code] if code < empty else None for code in used.tolist()]
    return _Members(rows[spread], codes, values, [_TEXT if code < empty else _MISSING for code in used.tolist()])


def _identify(column: Column, key: Key, rows: Codes) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return, for each row, what kind of value it is grouped by, and that value as a number."""
    cells = column.kinds[rows]
    kinds = np.full(len(rows), _MISSING, np.int8)
    values = np.zeros(len(rows))
    has_text = (cells & HAS_TEXT) != 0
    is_number = (cells & HAS_NUMBER) != 0
    is_bool = (cells & IS_BOOL) != 0
    if key.kind in _TEXT_KINDS:
        is_number &= ~has_text
    kinds[has_text] = _TEXT
    kinds[is_number & ~is_bool] = _NUMBER
    kinds[is_bool] = _BOOL
    kinds[((cells & IS_NAN) != 0) & ~(has_text if key.kind in _TEXT_KINDS else np.False_)] = _NAN
    values[is_number] = column.numbers[rows][is_number]
    if column.codes is not None:
        codes = column.codes[rows]
        values[kinds == _TEXT] = codes[kinds == _TEXT]
        if key.kind not in _TEXT_KINDS:
            _read_flags(column, codes, kinds, values)
    if key.kind == "time":
        values = np.floor_divide(values, DAY_US) * DAY_US
    return kinds, values


def _read_flags(column: Column, codes: NDArray[np.int32], kinds: NDArray[np.int8], values: NDArray[np.float64]) -> None:
    """Count the texts "true" and "false" among the booleans, as a filter does."""
    for flag, word in enumerate(("false", "true")):
        same = [code for code, text in enumerate(column.texts) if fold_text(text) == word]
        if same:
            chosen = (kinds == _TEXT) & np.isin(codes, same)
            kinds[chosen], values[chosen] = _BOOL, flag


def _to_cell(column: Column, kind: int, value: float) -> Cell:
    if kind == _TEXT:
        return column.texts[int(value)]
    if kind == _BOOL:
        return bool(value)
    if kind == _NUMBER:
        is_whole = value.is_integer() and abs(value) < 2**53
        return int(value) if is_whole and bool((column.kinds & IS_INT).any()) else value
    return float("nan") if kind == _NAN else None


def _first_places(members: _Members) -> Codes:
    """Return where each group's first member stands among all matches, shape (groups,)."""
    first = np.full(len(members.values), len(members.rows), np.int64)
    np.minimum.at(first, members.codes, np.arange(len(members.codes)))
    return first


def _to_clause(key: Key, kind: int, value: Cell, kinds: Sequence[int]) -> str:
    if kind == _MISSING:
        return print_filter(Check(key, "null"))
    if kind == _NAN:
        return print_filter(Check(key, "nan"))
    if isinstance(value, bool):
        return print_filter(Compare(key, "=", Bool(value)))
    is_mixed = key.kind not in _TEXT_KINDS and value in (0, 1) and _BOOL in kinds
    if isinstance(value, int | float):
        if key.kind == "time":
            return print_filter(Compare(key, "=", Moment(int(value), DAY_US)))
        equal = Compare(key, "=", Number(float(value)))
        # A filter takes 1 for true; these are two groups.
        return print_filter(And((equal, Compare(key, "!=", Bool(bool(value))))) if is_mixed else equal)
    return print_filter(Compare(key, "=", Text(str(value))))


# ── what they come to ─────────────────────────────────────────────────────────────────────────────────────────────


def _sum_up(members: _Members, shown: Codes, key: Key, columns: Sequence[Key], runs: StoredRuns) -> list[Group]:
    place = np.full(len(members.values), -1, np.int64)
    place[shown] = np.arange(len(shown))
    codes = place[members.codes]
    inside = codes >= 0
    rows, codes = members.rows[inside], codes[inside]
    counts = np.bincount(codes, minlength=len(shown)).tolist()
    states = _count_states(runs.column("state"), rows, codes, len(shown))
    by_column = {wanted.column: _describe(runs.column(wanted.column), rows, codes, len(shown)) for wanted in columns}
    return [
        Group(
            members.values[code],
            _to_clause(key, members.kinds[code], members.values[code], members.kinds),
            counts[at],
            states[at],
            {name: cells[at] for name, cells in by_column.items() if cells[at].n},
        )
        for at, code in enumerate(shown.tolist())
    ]


def _count_states(column: Column | None, rows: Codes, codes: Codes, n: int) -> list[dict[str, int]]:
    if column is None or column.codes is None:
        return [{} for _ in range(n)]
    width = len(column.texts)
    said = column.codes[rows]
    table = np.bincount(codes[said >= 0] * width + said[said >= 0], minlength=n * width).reshape(n, width)
    return [{column.texts[at]: int(row[at]) for at in np.flatnonzero(row)} for row in table]


def _describe(column: Column | None, rows: Codes, codes: Codes, n: int) -> list[GroupCell]:
    """Sum up one column for each of `n` groups."""
    if column is None:
        return [GroupCell(0)] * n
    if column.list_starts is not None:
        return _describe_lists(column, rows, codes, n)
    kinds = column.kinds[rows]
    has_value = (kinds & (HAS_NUMBER | HAS_TEXT | IS_NAN)) != 0
    counts = np.bincount(codes[has_value], minlength=n)
    firsts = _first_rows(rows[has_value], codes[has_value], n)
    shared = _are_shared(column, rows[has_value], codes[has_value], firsts, n)
    distinct = _count_texts(column, rows, codes, n)
    numbers = _measure(column, rows, codes, n)
    cells = []
    for at in range(n):
        value = cell_at(column, int(firsts[at])) if shared[at] else None
        cells.append(GroupCell(int(counts[at]), *numbers[at], distinct[at], value))
    return cells


def _first_rows(rows: Codes, codes: Codes, n: int) -> Codes:
    firsts = np.zeros(n, np.int64)
    firsts[codes[::-1]] = rows[::-1]
    return firsts


def _are_shared(column: Column, rows: Codes, codes: Codes, firsts: Codes, n: int) -> NDArray[np.bool_]:
    """Tell which groups' members with a value all have the same."""
    others = firsts[codes]
    plain = column.kinds & ~np.uint8(IS_INT)
    differs = plain[rows] != plain[others]
    differs |= ((plain[rows] & HAS_NUMBER) != 0) & (column.numbers[rows] != column.numbers[others])
    if column.codes is not None:
        differs |= column.codes[rows] != column.codes[others]
    has_any: NDArray[np.bool_] = np.bincount(codes, minlength=n) > 0
    has_any &= np.bincount(codes[differs], minlength=n) == 0
    return has_any


def _count_texts(column: Column, rows: Codes, codes: Codes, n: int) -> list[int]:
    if column.codes is None:
        return [0] * n
    said = column.codes[rows]
    pairs = np.unique(codes[said >= 0] * max(len(column.texts), 1) + said[said >= 0])
    counts: list[int] = np.bincount(pairs // max(len(column.texts), 1), minlength=n).tolist()
    return counts


def _describe_lists(column: Column, rows: Codes, codes: Codes, n: int) -> list[GroupCell]:
    starts = np.zeros(len(column) + 1, np.int64) if column.list_starts is None else column.list_starts
    texts: list[set[int]] = [set() for _ in range(n)]
    counts = [0] * n
    for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
        if column.list_codes is not None and starts[row] < starts[row + 1]:
            counts[code] += 1
            texts[code].update(column.list_codes[starts[row] : starts[row + 1]].tolist())
    return [GroupCell(count, distinct=len(found)) for count, found in zip(counts, texts, strict=True)]


_Measures = tuple[int, float | None, float | None, float | None, float | None]


def _measure(column: Column, rows: Codes, codes: Codes, n: int) -> list[_Measures]:
    """Return odd, mean, sample deviation, min and max of each group's numbers; booleans are none."""
    kinds = column.kinds[rows]
    is_number = ((kinds & HAS_NUMBER) != 0) & ((kinds & IS_BOOL) == 0)
    values = column.numbers[rows]
    finite = is_number & np.isfinite(values)
    odd = np.bincount(codes[(is_number & ~finite) | ((kinds & IS_NAN) != 0)], minlength=n)
    values, groups = values[finite], codes[finite]
    counts = np.bincount(groups, minlength=n)
    some = np.maximum(counts, 1)
    means = np.bincount(groups, weights=values, minlength=n) / some
    squares = np.bincount(groups, weights=(values - means[groups]) ** 2, minlength=n)
    deviations = np.sqrt(squares / np.maximum(counts - 1, 1))
    least, most = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(least, groups, values)
    np.maximum.at(most, groups, values)
    return [
        (
            int(odd[at]),
            float(means[at]) if counts[at] else None,
            float(deviations[at]) if counts[at] > 1 else None,
            float(least[at]) if counts[at] else None,
            float(most[at]) if counts[at] else None,
        )
        for at in range(n)
    ]
