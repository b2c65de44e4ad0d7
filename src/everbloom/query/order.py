"""Runs in order: the first rows of a sort, without sorting the rest.

Ascending means numbers, then versions, then texts (folded, then exact); descending turns exactly that
round. NaN, then missing, come last both ways. Ties fall to `created`, then `id`, ascending. Only the rows
that can be among the first `offset + limit` are ever sorted: each key's k-th value cuts the rows into surely
in, surely out and tied, and only the tied ones are asked for the next key.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from everbloom.index.columns import HAS_NUMBER, HAS_TEXT, IS_NAN, Column
from everbloom.query.language.ast import SortKey
from everbloom.query.language.keys import Key, Kind
from everbloom.query.source import ColumnSource
from everbloom.query.versions import parse_version

Rows = NDArray[np.int64]
Level = Callable[[Rows], NDArray[np.float64]]
"""For given rows, the values that one level of the order compares: smaller comes first, NaN last, NaN = NaN."""

_TEXT_KINDS: frozenset[Kind] = frozenset(("text", "choice", "version"))
# Where a row without a comparable value goes, behind those with one (0 to 2, or 0 to -2 descending).
_NAN_BAND, _MISSING_BAND = 3.0, 4.0
_NUMBER_BAND, _VERSION_BAND, _TEXT_BAND = 0.0, 1.0, 2.0


def order_rows(
    mask: NDArray[np.bool_] | None,
    order: Sequence[SortKey],
    source: ColumnSource,
    *,
    offset: int = 0,
    limit: int | None = None,
) -> Rows:
    """Return the rows of one page, in order.

    Args:
        mask: Which runs are wanted, shape (n,); None for all.
        order: From `parse_order`; its first key counts first.
        source: The columns; asked for those of the order and `created`, and for `id` where these leave ties.
        offset: How many rows to leave out at the start, at least 0.
        limit: At most so many rows, at least 0; None for all that remain.

    Returns:
        Row numbers, int64, shape (m,). Pages of any size put together are the whole order: rows alike in
        everything, `id` included, keep the order of their numbers.
    """
    rows: Rows = np.arange(source.n) if mask is None else np.flatnonzero(mask)
    wanted = len(rows) if limit is None else min(len(rows), offset + limit)
    if offset >= wanted:
        return rows[:0]
    levels = [level for key in (*order, SortKey(Key("created"))) for level in _levels(key, source)]
    levels.append(_id_level(source))
    return _sort(_cut(rows, levels, wanted), levels)[offset:]


def _cut(rows: Rows, levels: Sequence[Level], wanted: int) -> Rows:
    """Return the first `wanted` rows of the order, themselves in the order of their numbers."""
    kept: list[Rows] = []
    for level in levels:
        if len(rows) == wanted:
            break
        values = level(rows)
        edge = np.partition(values, wanted - 1)[wanted - 1]
        if np.isnan(edge):
            tied = np.isnan(values)
            before = ~tied
        else:
            before, tied = values < edge, values == edge
        kept.append(rows[before])
        rows = rows[tied]
        wanted -= len(kept[-1])
    return np.sort(np.concatenate([*kept, rows[:wanted]]))


def _sort(rows: Rows, levels: Sequence[Level]) -> Rows:
    """Sort by all levels; the last one, which is dear, is asked for the rows alone that the others leave tied."""
    *cheap, last = levels
    arrays = [level(rows) for level in cheap]
    if arrays:
        places = np.lexsort(arrays[::-1])
        rows = rows[places]
        arrays = [array[places] for array in arrays]
    same = np.ones(max(len(rows) - 1, 0), np.bool_)
    for array in arrays:
        left, right = array[:-1], array[1:]
        same &= (left == right) | (np.isnan(left) & np.isnan(right))
    if not same.any():
        return rows
    tied = np.concatenate((same, [False])) | np.concatenate(([False], same))
    groups = np.concatenate(([0], np.cumsum(~same)))[tied]
    group_rows = rows[tied]
    rows[tied] = group_rows[np.lexsort((last(group_rows), groups))]
    return rows


def _levels(sort_key: SortKey, source: ColumnSource) -> list[Level]:
    """Return the levels of one key, coarse to fine."""
    column = source.column(sort_key.key.column)
    if column is None:
        return []
    sign = -1.0 if sort_key.is_descending else 1.0
    if column.list_starts is not None:
        return [_list_level(column, sign), _band_level(column)]
    if column.codes is None:
        return [_number_level(column, sign), _band_level(column)]
    return _text_levels(column, column.codes, sort_key.key.kind, sign)


def _number_level(column: Column, sign: float) -> Level:
    def read(rows: Rows) -> NDArray[np.float64]:
        values = column.numbers[rows] * sign
        values[(column.kinds[rows] & HAS_NUMBER) == 0] = np.nan
        return values

    return read


def _band_level(column: Column) -> Level:
    """Return the level that puts NaN before missing and both behind everything else."""

    def read(rows: Rows) -> NDArray[np.float64]:
        kinds = column.kinds[rows]
        bands = np.where((kinds & (HAS_NUMBER | HAS_TEXT)) != 0, 0.0, _MISSING_BAND)
        bands[(kinds & IS_NAN) != 0] = _NAN_BAND
        return bands

    return read


def _text_levels(column: Column, codes: NDArray[np.int32], kind: Kind, sign: float) -> list[Level]:
    """Return the levels of a column with texts, numbers among them perhaps."""
    is_text = (column.kinds & HAS_TEXT) != 0
    if kind not in _TEXT_KINDS:  # a text that stands for a number sorts as one, "nan" as NaN
        is_text &= (column.kinds & (HAS_NUMBER | IS_NAN)) == 0
    is_number = ((column.kinds & HAS_NUMBER) != 0) & ~is_text
    values = np.where(is_number, column.numbers, np.nan)
    bands = np.where(is_number, _NUMBER_BAND, _MISSING_BAND)
    bands[((column.kinds & IS_NAN) != 0) & ~is_text] = _NAN_BAND
    ranks, text_bands = _rank_versions(column) if kind == "version" else (column.text_ranks, None)
    values[is_text] = ranks[codes[is_text]]
    bands[is_text] = _TEXT_BAND if text_bands is None else text_bands[codes[is_text]]
    values *= sign
    bands[bands < _NAN_BAND] *= sign
    used = bands[bands < _NAN_BAND]
    order = (values, bands) if not len(used) or used.min() == used.max() else (bands, values)
    return [array.__getitem__ for array in order]


def _rank_versions(column: Column) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rank and the band of each distinct text: versions by PEP 440, equal ones alike, then texts."""
    versions = [parse_version(text) for text in column.texts]
    ranks = column.text_ranks.copy()
    places = {version: place for place, version in enumerate(sorted({v for v in versions if v is not None}))}
    for code, version in enumerate(versions):
        if version is not None:
            ranks[code] = places[version]
    bands = np.array([_TEXT_BAND if version is None else _VERSION_BAND for version in versions], np.float64)
    return ranks, bands


def _list_level(column: Column, sign: float) -> Level:
    """Return the level that compares lists text by text, a beginning before what goes on."""
    starts = np.zeros(len(column) + 1, np.int64) if column.list_starts is None else column.list_starts
    codes = np.empty(0, np.int32) if column.list_codes is None else column.list_codes

    def read(rows: Rows) -> NDArray[np.float64]:
        lists = [tuple(column.text_ranks[codes[starts[row] : starts[row + 1]]]) for row in rows]
        ranks = {texts: sign * rank for rank, texts in enumerate(sorted(set(lists)))}
        return np.array([ranks[texts] if texts else np.nan for texts in lists], np.float64)

    return read


def _id_level(source: ColumnSource) -> Level:
    """Return the level of last resort; it ranks the ids of the given rows alone, for there are as many as runs.

    The column is asked for when rows are still tied, which is seldom: its texts are costly to read.
    """

    def read(rows: Rows) -> NDArray[np.float64]:
        column = source.column("id")
        if column is None or column.codes is None:
            return np.zeros(len(rows))
        ids = [column.texts[code] if code >= 0 else "" for code in column.codes[rows]]
        ranks = {text: float(rank) for rank, text in enumerate(sorted(set(ids)))}
        return np.array([ranks[text] if text else np.nan for text in ids], np.float64)

    return read
