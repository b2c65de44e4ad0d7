"""Attributes of many runs as columns: what the filter language is evaluated on.

An attribute is a scalar of a run under a flat key (`state`, `params.lr`, `metrics.val/acc.max`), or a list
of texts (`tag`). A column holds one key for n runs. A cell can be several things at once: the parameter
"3e-4" is text and, because it parses, a number. Pure: arrays in, arrays out; storage is elsewhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from everbloom.core.values import fold_text

# What a cell is, as bits. MISSING is none of them.
MISSING = 0
HAS_NUMBER = 1  # `numbers` holds it; also set for booleans and for text that parses as a number
IS_NAN = 2  # a number that is NaN; HAS_NUMBER is not set beside it
HAS_TEXT = 4  # `codes` points at it
IS_BOOL = 8  # a boolean; `numbers` holds 0.0 or 1.0
IS_NULL = 16  # explicitly None: shown as such, compares like a missing one
IS_INT = 32  # was an integer; shown without a decimal point

NUMBER_MAX_CHARS = 64  # a longer text is never a number, however many digits it has

Cell = str | int | float | bool | None | list[str]
"""A cell as Python sees it; `list[str]` only in a list column."""


@dataclass(frozen=True)
class Column:
    """One key of n runs.

    Attributes:
        kinds: Bits above, shape (n,), uint8.
        numbers: Shape (n,), float64; meaningful where HAS_NUMBER.
        codes: Index into `texts`, shape (n,), int32; -1 where there is no text. None: no text in the column.
        texts: The distinct texts, in order of first appearance.
        list_starts: For a list column only: shape (n + 1,), int64; run i's texts are
            `texts[list_codes[list_starts[i]:list_starts[i + 1]]]`.
        list_codes: For a list column only: int32.

    What is derived is computed on first use and kept; two threads may both compute it, to the same end.
    """

    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    codes: NDArray[np.int32] | None = None
    texts: tuple[str, ...] = ()
    list_starts: NDArray[np.int64] | None = None
    list_codes: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.kinds)

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """`texts`, case folded; repeats are possible."""
        return tuple(fold_text(text) for text in self.texts)

    @cached_property
    def text_ranks(self) -> NDArray[np.float64]:
        """The place of each text among all of them by (folded, exact), shape (len(texts),), from 0."""
        order = sorted(range(len(self.texts)), key=lambda code: (self.folded[code], self.texts[code]))
        ranks = np.empty(len(order), np.float64)
        ranks[order] = np.arange(len(order))
        return ranks


class _Missing(str):
    """The type of `MISSING_CELL`; a text so that it fits the cell type, compared by identity only."""

    __slots__ = ()


MISSING_CELL = _Missing("missing")


def parse_number(text: str) -> float | None:
    """Return the number that a text stands for, or None. Python's float syntax without underscores."""
    if not text or len(text) > NUMBER_MAX_CHARS or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def build_column(cells: Sequence[Cell]) -> Column:
    """Build a column from Python values, one per run.

    Args:
        cells: None is an explicit null, `MISSING_CELL` a run that lacks the key. If any cell is a list, it
            is a list column and the cells that are none count as missing; so does an empty list.
    """
    n = len(cells)
    kinds = np.zeros(n, np.uint8)
    numbers = np.zeros(n, np.float64)
    if any(isinstance(cell, list) for cell in cells):
        return _build_list_column(cells, kinds, numbers)
    codes = np.full(n, -1, np.int32)
    texts: dict[str, int] = {}
    for i, cell in enumerate(cells):
        if cell is MISSING_CELL or isinstance(cell, list):
            continue
        kinds[i], numbers[i] = _read_scalar(cell)
        if isinstance(cell, str):
            codes[i] = texts.setdefault(cell, len(texts))
    return Column(kinds, numbers, codes if texts else None, tuple(texts))


def _read_scalar(cell: str | int | float | bool | None) -> tuple[int, float]:
    """Return a scalar's bits and its number, 0.0 where it has none."""
    if cell is None:
        return IS_NULL, 0.0
    if isinstance(cell, bool):
        return IS_BOOL | HAS_NUMBER, float(cell)
    if isinstance(cell, str):
        number = parse_number(cell)
        return (HAS_TEXT, 0.0) if number is None else (HAS_TEXT | _number_kind(number), number)
    return _number_kind(cell) | (IS_INT if isinstance(cell, int) else 0), float(cell)


def _number_kind(number: float) -> int:
    return IS_NAN if math.isnan(number) else HAS_NUMBER


def _build_list_column(cells: Sequence[Cell], kinds: NDArray[np.uint8], numbers: NDArray[np.float64]) -> Column:
    texts: dict[str, int] = {}
    starts = np.zeros(len(cells) + 1, np.int64)
    flat: list[int] = []
    for i, cell in enumerate(cells):
        if isinstance(cell, list) and cell:
            kinds[i] = HAS_TEXT
            flat.extend(texts.setdefault(text, len(texts)) for text in cell)
        starts[i + 1] = len(flat)
    return Column(kinds, numbers, None, tuple(texts), starts, np.array(flat, np.int32))


def cell_at(column: Column, row: int) -> Cell:
    """Return one cell as Python sees it; `MISSING_CELL` where the run lacks the key.

    An integer beyond 2^53 comes back as the float64 that stands for it.
    """
    kind = int(column.kinds[row])
    if kind == MISSING:
        return MISSING_CELL
    if column.list_starts is not None and column.list_codes is not None:
        list_codes = column.list_codes[column.list_starts[row] : column.list_starts[row + 1]]
        return [column.texts[code] for code in list_codes]
    if kind & HAS_TEXT and column.codes is not None:
        return column.texts[int(column.codes[row])]
    if kind & IS_NULL:
        return None
    if kind & IS_BOOL:
        return bool(column.numbers[row])
    if kind & IS_NAN:
        return math.nan
    number = float(column.numbers[row])
    return int(number) if kind & IS_INT else number
