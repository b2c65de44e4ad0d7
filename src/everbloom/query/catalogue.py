"""Which columns the matches of a query have, what each holds, and which of them vary.

The whole catalogue is made here, over all matches: a table that derived its columns from the rows it happens to show
would hide what only others have. Of a metric the one summary is listed that says how it did. Where there are more
cells than can be looked at in a moment, columns beyond that are listed without what they hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput
from everbloom.core.values import SYSTEM_PREFIX, fold_text, guess_direction
from everbloom.index.columns import HAS_NUMBER, HAS_TEXT, IS_BOOL, IS_INT, IS_NAN, IS_NULL, Cell, Column, cell_at
from everbloom.query.compare import to_direction
from everbloom.query.completion import count_values
from everbloom.query.language.keys import Key, is_column, key_of_column, print_key
from everbloom.query.language.sorting import parse_order
from everbloom.query.language.tokens import read_tokens
from everbloom.query.readable import ReadableIndex, StoredRuns
from everbloom.query.scope import match_runs, plan_query
from everbloom.query.views import RunQuery

ColumnKind = Literal["number", "text", "bool", "list"]

_CELLS_MAX = 40_000_000  # some 0.3 s
_HIDDEN = frozenset(("id", "namespace", "haystack", "archived", "stalled", "total_steps", "parent"))
_OWN = frozenset(("name", "state", "note", "created", "ended", "duration", "tag", "likes", "end.cause"))
_NUMBER_KINDS = HAS_NUMBER | IS_NAN


@dataclass(frozen=True)
class ColumnInfo:
    """A column of a table of runs.

    Attributes:
        key: As the filter language spells it.
        kind: What most of its cells are.
        label: Its name without the family.
        group: The family, with the part of a name before the last slash: `params`, `metrics/val`.
        n: How many matches have a value; None where it was not looked at, as all that follows.
        varies: Whether not all matches are the same; those that lack it count as different.
        direction: Which way is better, of a metric.
        min: The least number.
        max: The greatest number.
        distinct: How many different texts there are; None for numbers.
        value: Where it does not vary, the one value.
    """

    key: str
    kind: ColumnKind
    label: str
    group: str
    n: int | None = None
    varies: bool | None = None
    direction: str | None = None
    min: float | None = None
    max: float | None = None
    distinct: int | None = None
    value: Cell = None


@dataclass(frozen=True)
class Catalogue:
    """The columns of a table: those that vary first, then those that do not, by key."""

    columns: tuple[ColumnInfo, ...]
    total: int


def list_columns(readable: ReadableIndex, query: RunQuery, *, text: str = "", limit: int = 500) -> Catalogue:
    """Say which columns the matches of a query have; its sort, offset and limit do not count.

    Args:
        readable: Where to look.
        query: Which runs.
        text: Only keys that hold this, in any case.
        limit: At most so many.
    """
    plan = plan_query(readable, query)
    with readable.open_columns(plan.inside) as runs:
        rows = np.flatnonzero(match_runs(plan, runs))
        keys = [key for key in _choose_keys(readable.read_keys(plan.inside)) if _holds(key, text)]
        looked = keys[: max(_CELLS_MAX // max(runs.n, 1), 64)]
        found = [info for key in looked if (info := _describe(key, runs, rows)) is not None]
    found += [_name(key) for key in keys[len(looked) :]]
    found.sort(key=lambda info: (info.varies is not True, info.varies is None, info.group == "metrics/system"))
    return Catalogue(tuple(found[:limit]), len(found))


def _choose_keys(columns: Sequence[str]) -> list[Key]:
    """Return the keys of a catalogue: one for each metric, by what its name says of its direction."""
    keys: dict[tuple[str, str], Key] = {}
    for column in columns:
        if not is_column(column) or column in _HIDDEN:
            continue
        key = key_of_column(column)
        place = (key.root, key.name)
        if place not in keys or (key.root == "metrics" and key.summary == _summary_of(key.name)):
            keys[place] = key
    order = {"metrics": 1, "params": 0}
    return sorted(keys.values(), key=lambda key: (key.name.startswith(SYSTEM_PREFIX), order.get(key.root, 2)))


def _summary_of(metric: str) -> str:
    return guess_direction(metric) or "last"


def _holds(key: Key, text: str) -> bool:
    return not text or fold_text(text) in fold_text(print_key(key))


def _name(key: Key) -> ColumnInfo:
    head, slash, _ = key.name.rpartition("/")
    group = f"{key.root}/{head}" if slash else key.root
    label = key.name or key.root
    direction = guess_direction(key.name) if key.root == "metrics" else None
    kind: ColumnKind = "number" if key.kind in ("number", "time", "duration") else "text"
    if key.kind == "tags":
        kind = "list"
    elif key.kind == "flag":
        kind = "bool"
    return ColumnInfo(print_key(key), kind, label, group if key.name else "run", direction=to_direction(direction))


def _describe(key: Key, runs: StoredRuns, rows: NDArray[np.int64]) -> ColumnInfo | None:
    """Return what a column holds among the matches; None where none of them has it."""
    column = runs.column(key.column)
    if column is None or not len(rows):
        return None
    kinds = column.kinds[rows]
    n = int(np.count_nonzero(kinds & ~np.uint8(IS_NULL)))
    if not n:
        return None
    # A run alone differs from nobody: then what it measures is what there is to see.
    is_alone = len(rows) == 1 and key.root == "metrics"
    varies = is_alone or _varies(column, rows, kinds)
    value = None if varies else cell_at(column, int(rows[0]))
    return replace(_name(key), n=n, varies=varies, value=value, **_hold(column, rows, kinds))


def _hold(column: Column, rows: NDArray[np.int64], kinds: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the kind of what a column holds among the matches, and its least and greatest or how many there are."""
    if column.list_starts is not None:
        return {"kind": "list", "distinct": len(column.texts)}
    has_text = (kinds & HAS_TEXT) != 0
    if column.codes is not None and bool(has_text.any()):
        return {"kind": "text", "distinct": len(np.unique(column.codes[rows][has_text]))}
    if bool(((kinds & IS_BOOL) != 0).all()):
        return {"kind": "bool"}
    numbers = column.numbers[rows][(kinds & HAS_NUMBER) != 0]
    if not len(numbers):
        return {"kind": "number"}
    return {"kind": "number", "min": float(numbers.min()), "max": float(numbers.max())}


def _varies(column: Column, rows: NDArray[np.int64], kinds: NDArray[np.uint8]) -> bool:
    plain = kinds & ~np.uint8(IS_INT)
    if bool((plain != plain[0]).any()):
        return True
    if column.list_starts is not None:
        first = cell_at(column, int(rows[0]))
        return any(cell_at(column, int(row)) != first for row in rows)
    if column.codes is not None and plain[0] & HAS_TEXT:
        codes = column.codes[rows]
        return bool((codes != codes[0]).any())
    numbers = column.numbers[rows]
    return bool(plain[0] & HAS_NUMBER) and bool((numbers != numbers[0]).any())


def is_default(info: ColumnInfo) -> bool:
    """Tell whether a table shows a column unless it is told otherwise: it varies, and is no resource."""
    return bool(info.varies) and info.key not in _OWN and not info.label.startswith(SYSTEM_PREFIX)


def is_constant(info: ColumnInfo) -> bool:
    """Tell whether a column is the same in all matches, and worth a word: a parameter, or what describes a run."""
    return info.varies is False and info.key not in _OWN and info.group.partition("/")[0] != "metrics"


def count_facet(readable: ReadableIndex, query: RunQuery, key: str, *, limit: int = 50) -> list[tuple[str, int]]:
    """Count the values of a key among all matches of a query, the most frequent first.

    Raises:
        InvalidInput: The key is unknown or malformed (`sort.*`, `facet.key`).
    """
    order = parse_order(key)
    if len(order) != 1:
        raise InvalidInput(
            f"values of {key!r} were asked for; name one key, such as `state` or `params.lr`.", code="facet.key"
        )
    plan = plan_query(readable, query)
    with readable.open_columns(plan.inside) as runs:
        mask = match_runs(plan, runs)
        column = runs.column(order[0].key.column)
        counts = {} if column is None else count_values(_take(column, mask))
    return list(counts.items())[:limit]


def _take(column: Column, mask: NDArray[np.bool_]) -> Column:
    """Return a column with the matches' cells alone."""
    if column.list_starts is None or column.list_codes is None:
        codes = None if column.codes is None else column.codes[mask]
        return Column(column.kinds[mask], column.numbers[mask], codes, column.texts)
    sizes = np.diff(column.list_starts)
    kept = column.list_codes[np.repeat(mask, sizes)]
    starts = np.concatenate([[0], np.cumsum(sizes[mask])])
    return Column(column.kinds[mask], column.numbers[mask], None, column.texts, starts, kept)


def parse_columns(text: str) -> list[tuple[str, Key]]:
    """Parse keys joined by commas; returns each as it was spelled, with the key that it means.

    Raises:
        InvalidInput: A key is unknown or malformed; points at it.
    """
    keys = [found.key for found in parse_order(text, has_steps=True)]
    words = [text[token.start : token.end] for token in read_tokens(text, noun="sort") if token.kind == "word"]
    return list(zip(words, keys, strict=True))
