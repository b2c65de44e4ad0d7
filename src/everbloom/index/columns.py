"""Attributes of many runs as columns: what the filter language is evaluated on.

An attribute is a scalar of a run under a flat key (`state`, `params.lr`, `metrics.val/acc.max`), or a list
of texts (`tag`). A column holds one key for n runs. A cell can be several things at once: the parameter
"3e-4" is text and, because it parses, a number. Pure: arrays in, arrays and bytes out; storage is elsewhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What a cell is, as bits. MISSING is none of them.
MISSING = 0
HAS_NUMBER = 1  # `numbers` holds it; also set for booleans and for text that parses as a number
IS_NAN = 2  # a number that is NaN; HAS_NUMBER is not set beside it
HAS_TEXT = 4  # `codes` points at it
IS_BOOL = 8  # a boolean; `numbers` holds 0.0 or 1.0
IS_NULL = 16  # explicitly None: shown as such, compares like a missing one
IS_INT = 32  # was an integer; shown without a decimal point

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
    """

    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    codes: NDArray[np.int32] | None = None
    texts: tuple[str, ...] = ()
    list_starts: NDArray[np.int64] | None = None
    list_codes: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.kinds)


def parse_number(text: str) -> float | None:
    """Return the number that a text stands for, or None. Python's float syntax without underscores."""
    if not text or len(text) > 64 or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def build_column(cells: Sequence[Cell]) -> Column:
    """Build a column from Python values, one per run; None is an explicit null, `...` is not used.

    Use `MISSING_CELL` for a run that lacks the key.
    """
    n = len(cells)
    kinds = np.zeros(n, np.uint8)
    numbers = np.zeros(n, np.float64)
    codes = np.full(n, -1, np.int32)
    texts: dict[str, int] = {}
    if any(isinstance(cell, list) for cell in cells):
        return _build_list_column(cells, kinds, numbers)
    for i, cell in enumerate(cells):
        if isinstance(cell, list) or cell is MISSING_CELL:
            continue
        if cell is None:
            kinds[i] = IS_NULL
        elif isinstance(cell, bool):
            kinds[i], numbers[i] = IS_BOOL | HAS_NUMBER, float(cell)
        elif isinstance(cell, (int, float)):
            kinds[i], numbers[i] = (
                _number_kind(float(cell)) | (IS_INT if isinstance(cell, int) else 0),
                float(cell),
            )
        else:
            codes[i] = texts.setdefault(cell, len(texts))
            kinds[i] = HAS_TEXT
            if (number := parse_number(cell)) is not None:
                kinds[i] |= _number_kind(number)
                numbers[i] = number
    return Column(kinds, numbers, codes if texts else None, tuple(texts))


def _number_kind(number: float) -> int:
    return IS_NAN if math.isnan(number) else HAS_NUMBER


def _build_list_column(
    cells: Sequence[Cell], kinds: NDArray[np.uint8], numbers: NDArray[np.float64]
) -> Column:
    texts: dict[str, int] = {}
    starts = np.zeros(len(cells) + 1, np.int64)
    flat: list[int] = []
    for i, cell in enumerate(cells):
        if isinstance(cell, list) and cell:
            kinds[i] = HAS_TEXT
            flat.extend(texts.setdefault(text, len(texts)) for text in cell)
        starts[i + 1] = len(flat)
    return Column(kinds, numbers, None, tuple(texts), starts, np.array(flat, np.int32))


class _Missing(str):
    """The type of `MISSING_CELL`; a text so that it fits the cell type, compared by identity only."""

    __slots__ = ()


MISSING_CELL = _Missing("missing")


def cell_at(column: Column, row: int) -> Cell:
    """Return one cell as Python sees it; `MISSING_CELL` where the run lacks the key."""
    kind = int(column.kinds[row])
    if column.list_starts is not None and column.list_codes is not None:
        list_codes = column.list_codes[column.list_starts[row] : column.list_starts[row + 1]]
        return [column.texts[code] for code in list_codes] if kind else MISSING_CELL
    if kind == MISSING:
        return MISSING_CELL
    if kind & HAS_TEXT and column.codes is not None:
        return column.texts[int(column.codes[row])]
    if kind & IS_NULL:
        return None
    if kind & IS_BOOL:
        return bool(column.numbers[row])
    if kind & IS_NAN:
        return math.nan
    number = float(column.numbers[row])
    return int(number) if kind & IS_INT and math.isfinite(number) else number
