"""Column blocks: 4,096 cells of one attribute as bytes, and how blocks become one column again.

A block is dense (an array place per run) or, below one sixteenth fill, sparse (the places that are filled).
Texts are dictionary-coded per block. Pure.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from everbloom.index.columns import Cell, Column, build_column

BLOCK_RUNS = 4096
_SPARSE_BELOW = 16
_TEXTS_OF_UINT16 = 1 << 16


class _Block(msgspec.Struct, array_like=True, frozen=True):
    """What stands in a block's bytes; arrays are little-endian, empty where nothing needs them.

    Views and not `bytes`: a million runs are 245 blocks of 32 KiB a column, and need not be copied once more.
    """

    size: int  # places in the block, at most BLOCK_RUNS
    places: memoryview  # uint16, for a sparse block; else empty
    kinds: memoryview  # uint8 for each place that is filled; one byte where all are the same
    numbers: memoryview  # float64
    codes: memoryview  # uint16 into texts, one higher; 0 = no text
    texts: list[str]
    list_starts: memoryview  # uint32, for a list column
    list_codes: memoryview  # uint16, or uint32 where there are more texts than that holds


_decode_block = msgspec.msgpack.Decoder(_Block).decode
_encode_block = msgspec.msgpack.Encoder().encode


def encode_block(column: Column) -> bytes:
    """Return a column of at most 4,096 runs as bytes; empty where no run has the key."""
    filled = np.flatnonzero(column.kinds)
    if not len(filled):
        return b""
    size = len(column)
    is_sparse = len(filled) * _SPARSE_BELOW < size
    kept = filled if is_sparse else np.arange(size)
    kinds = column.kinds[kept]
    numbers = column.numbers[kept]
    codes = b"" if column.codes is None else (column.codes[kept] + 1).astype("<u2").tobytes()
    list_starts = list_codes = b""
    if column.list_starts is not None and column.list_codes is not None:
        lengths = np.diff(column.list_starts)[kept]  # places without a list have none, so no code is lost
        list_starts = np.concatenate([[0], np.cumsum(lengths)]).astype("<u4").tobytes()
        list_codes = column.list_codes.astype("<u2" if len(column.texts) <= _TEXTS_OF_UINT16 else "<u4").tobytes()
    block = _Block(
        size,
        memoryview(kept.astype("<u2").tobytes() if is_sparse else b""),
        memoryview(kinds[:1].tobytes() if (kinds == kinds[0]).all() else kinds.tobytes()),
        memoryview(numbers.astype("<f8").tobytes() if numbers.any() or np.signbit(numbers).any() else b""),
        memoryview(codes),
        list(column.texts),
        memoryview(list_starts),
        memoryview(list_codes),
    )
    return _encode_block(block)


class ColumnBuilder:
    """Put blocks and single cells together to one column of n runs."""

    def __init__(self, size: int) -> None:
        self._kinds = np.zeros(size, np.uint8)
        self._numbers = np.zeros(size, np.float64)
        self._codes: NDArray[np.int32] | None = None
        self._texts: dict[str, int] = {}
        self._lists: dict[int, NDArray[np.int32]] | None = None

    def add_block(self, payload: bytes, at: int) -> None:
        """Take a block whose first place is run `at` of the column."""
        block = _decode_block(payload)
        places: slice | NDArray[np.int64] = slice(at, at + block.size)
        count = block.size
        if block.places:
            places = np.frombuffer(block.places, "<u2").astype(np.int64) + at
            count = len(places)
        self._kinds[places] = block.kinds[0] if len(block.kinds) == 1 else np.frombuffer(block.kinds, np.uint8)
        if block.numbers:
            self._numbers[places] = np.frombuffer(block.numbers, "<f8")
        if block.texts:
            self._add_texts(block, places, at, count)

    def _add_texts(self, block: _Block, places: slice | NDArray[np.int64], at: int, count: int) -> None:
        known = self._texts
        # Its first place is for a block's code 0, which is no text.
        recoded = np.array([-1, *(known.setdefault(text, len(known)) for text in block.texts)], np.int32)
        if block.list_starts:
            starts = np.frombuffer(block.list_starts, "<u4")
            codes = recoded[1:][
                np.frombuffer(block.list_codes, "<u2" if len(block.texts) <= _TEXTS_OF_UINT16 else "<u4")
            ]
            where = np.arange(at, at + count) if isinstance(places, slice) else places
            lists = self._lists = {} if self._lists is None else self._lists
            for i in np.flatnonzero(np.diff(starts)):
                lists[int(where[i])] = codes[starts[i] : starts[i + 1]]
            return
        if self._codes is None:
            self._codes = np.full(len(self._kinds), -1, np.int32)
        self._codes[places] = recoded[np.frombuffer(block.codes, "<u2")]

    def set_cells(self, places: Sequence[int], cells: Sequence[Cell]) -> None:
        """Overwrite single cells; `MISSING_CELL` empties one."""
        fresh = build_column(cells)
        where = np.array(places, np.int64)
        self._kinds[where] = fresh.kinds
        self._numbers[where] = fresh.numbers
        if self._codes is not None:
            self._codes[where] = -1
        if self._lists is not None:
            for place in places:
                self._lists.pop(place, None)
        recoded = np.array([self._texts.setdefault(text, len(self._texts)) for text in fresh.texts], np.int32)
        if fresh.list_starts is not None and fresh.list_codes is not None:
            lists = self._lists = {} if self._lists is None else self._lists
            for i, place in enumerate(places):
                lists[place] = recoded[fresh.list_codes[fresh.list_starts[i] : fresh.list_starts[i + 1]]]
        elif fresh.codes is not None and len(recoded):
            if self._codes is None:
                self._codes = np.full(len(self._kinds), -1, np.int32)
            self._codes[where] = np.where(fresh.codes < 0, -1, recoded[fresh.codes])

    def build(self) -> Column | None:
        """Return the column; None where no run has the key."""
        if not self._kinds.any():
            return None
        texts = tuple(self._texts)
        if self._lists is None:
            return Column(self._kinds, self._numbers, self._codes, texts)
        lengths = np.zeros(len(self._kinds) + 1, np.int64)
        for place, codes in self._lists.items():
            lengths[place + 1] = len(codes)
        flat = [self._lists[place] for place in sorted(self._lists)]
        joined = np.concatenate(flat) if flat else np.zeros(0, np.int32)
        return Column(self._kinds, self._numbers, None, texts, np.cumsum(lengths), joined.astype(np.int32))


def patch_block(payload: bytes, size: int, places: Sequence[int], cells: Iterable[Cell]) -> bytes:
    """Return a block with some cells replaced and room for `size` places.

    Texts that nobody uses any more are dropped.
    """
    builder = ColumnBuilder(size)
    if payload:
        builder.add_block(payload, 0)
    builder.set_cells(places, list(cells))
    column = builder.build()
    return encode_block(_drop_unused_texts(column)) if column is not None else b""


def _drop_unused_texts(column: Column) -> Column:
    codes = column.list_codes if column.list_codes is not None else column.codes
    if codes is None:
        return column
    used = np.unique(codes[codes >= 0])
    if not len(used):
        return Column(column.kinds, column.numbers)
    if len(used) == len(column.texts):
        return column
    recoded = np.full(len(column.texts) + 1, -1, np.int32)  # the last place answers code -1
    recoded[used] = np.arange(len(used))
    texts = tuple(column.texts[i] for i in used)
    if column.list_codes is not None:
        return Column(column.kinds, column.numbers, None, texts, column.list_starts, recoded[column.list_codes])
    return Column(column.kinds, column.numbers, recoded[codes], texts)
