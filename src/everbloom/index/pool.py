"""One series as blocks and points, while a window of it is read: blocks are decoded only where they must be.

A block must be decoded where it has rewound points, where its times do not rise (on an axis of time), where a
border of the grid goes through it, and where it ties with another chunk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from everbloom.core.ids import RunId
from everbloom.index.chunks import Axis
from everbloom.index.grid import Grid
from everbloom.index.pieces import Cutoffs, Piece, PieceReader, Points
from everbloom.index.pyramid import BLOCK_ROWS, BOUND_BYTES, LEVEL_BYTES, ODD_BYTES, block_count
from everbloom.index.reduce import Candidates
from everbloom.index.series_write import CHUNK_ROWS

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at.

    Attributes:
        is_time: Whether x is a time; a step otherwise.
        origins: What is taken from a time of each run to get x; 0 of those that are absent.
        low: The least x, or None for no bound.
        high: The greatest x, or None.
    """

    is_time: bool
    origins: Mapping[RunId, int]
    low: int | None
    high: int | None

    def shift(self, run: RunId) -> int:
        """Return what is taken from a time of a run to get x."""
        return self.origins.get(run, 0)

    def bounds(self, run: RunId) -> tuple[int, int]:
        """Return the range of steps or times of a run to look into, within int64."""
        shift = self.shift(run)
        low = INT64_MIN if self.low is None else self.low + shift
        high = INT64_MAX if self.high is None else self.high + shift
        return max(low, INT64_MIN), min(high, INT64_MAX)

    def x_of(self, axis: Axis, run: RunId) -> IntArray:
        """Return the x of a run's points."""
        return axis.times - self.shift(run) if self.is_time else axis.steps


@dataclass
class Blocks:
    """Blocks of one series, by chunk and row; arrays of shape (n,), but `levels` (n, 4) and `odd` (n, 3)."""

    low: IntArray
    high: IntArray
    chunk: IntArray
    row: IntArray
    count: IntArray
    is_full: NDArray[np.bool_]
    levels: NDArray[np.float64]
    odd: IntArray

    def __len__(self) -> int:
        return len(self.low)

    def take(self, rows: NDArray[np.bool_]) -> "Blocks":
        """Return some of the blocks."""
        if rows.all():
            return self
        return Blocks(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass
class LoosePoints:
    """Decoded points of one series; arrays of shape (n,)."""

    x: IntArray
    second: IntArray
    writer: IntArray
    ordinal: IntArray
    chunk: IntArray
    row: IntArray
    value: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "LoosePoints":
        """Return some of the points."""
        return LoosePoints(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass
class Pool:
    """A series within a view; `decode` moves blocks over to the points."""

    reader: PieceReader
    pieces: Sequence[Piece]
    view: View
    cutoffs: Cutoffs
    chunks: list[tuple[int, int]] = field(default_factory=list)  # (piece's place in `pieces`, seq)
    blocks: Blocks = field(init=False)
    loose: list[LoosePoints] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._writers = {writer: i for i, writer in enumerate(sorted({p.writer for p in self.pieces}))}
        parts, unusable = [], []
        for i, piece in enumerate(self.pieces):
            blocks, decode = self._read_blocks(i, piece)
            parts.append(blocks)
            unusable.append(decode)
        self.blocks = _join_blocks(parts)
        self.decode(np.concatenate(unusable) if unusable else np.zeros(0, np.bool_))
        for i, piece in enumerate(self.pieces):
            self._read_tail(i, piece)

    def decode(self, mask: NDArray[np.bool_]) -> None:
        """Replace the blocks under the mask by their points."""
        if not mask.any():
            return
        wanted: dict[int, list[tuple[int, int]]] = {}  # piece -> (seq, chunk)
        for chunk in np.unique(self.blocks.chunk[mask]).tolist():
            piece, seq = self.chunks[chunk]
            wanted.setdefault(piece, []).append((seq, chunk))
        numbers = self.blocks.row[mask] // BLOCK_ROWS
        of_chunk = self.blocks.chunk[mask]
        for piece, seqs in wanted.items():
            chunk_of = dict(seqs)
            for seq, points in self.reader.read_chunks(self.pieces[piece], list(chunk_of)):
                chosen = np.zeros(block_count(len(points.axis)), np.bool_)
                chosen[numbers[of_chunk == chunk_of[seq]]] = True
                rows = np.flatnonzero(np.repeat(chosen, BLOCK_ROWS)[: len(points.axis)])
                self._add(piece, chunk_of[seq], points.take(rows), rows)
        self.blocks = self.blocks.take(~mask)

    def points(self) -> LoosePoints:
        """Return what is decoded so far."""
        if len(self.loose) == 1:
            return self.loose[0]
        names = LoosePoints.__dataclass_fields__
        kinds = {name: np.float64 if name == "value" else np.int64 for name in names}
        return LoosePoints(
            *(np.concatenate([np.empty(0, kinds[n]), *(getattr(p, n) for p in self.loose)]) for n in names)
        )

    def list_chunks(self) -> list[tuple[int, int, int, int]]:
        """Return (piece's place in `pieces`, number, least x, greatest x) of all chunks, outside of the view too."""
        kind = "time" if self.view.is_time else "step"
        found = []
        for place, piece in enumerate(self.pieces):
            rows = self.reader.database.execute(
                f"SELECT seq, low_{kind}, high_{kind}, low_step FROM series_chunks WHERE group_id = ?",
                (piece.group_id,),
            )
            shift, cutoff = self.view.shift(piece.run), self.cutoffs.get(piece.writer)
            found += [
                (place, seq, low - shift, high - shift if self.view.is_time or cutoff is None else min(high, cutoff))
                for seq, low, high, low_step in rows
                if cutoff is None or low_step <= cutoff
            ]
        return found

    def read_chunk(self, place: int, seq: int) -> LoosePoints:
        """Decode all points of one chunk that count; they are not added to the pool."""
        ((_, points),) = self.reader.read_chunks(self.pieces[place], [seq])
        return self._loosen(place, -1, points, np.arange(len(points.axis)))

    def candidates(self, grid: Grid) -> Candidates:
        """Decode what borders of the grid go through; return the rest and the points as candidates."""
        left, right = grid.column_of(self.blocks.low), grid.column_of(self.blocks.high)
        self.decode(left != right)
        column = left[left == right]
        inside = (column >= 0) & (column < len(grid))
        blocks, column = self.blocks.take(inside), column[inside]
        points = self.points()
        at = grid.column_of(points.x)
        on_grid = (at >= 0) & (at < len(grid))
        return _join_candidates(blocks, column, points.take(on_grid), at[on_grid])

    def _read_blocks(self, place: int, piece: Piece) -> tuple[Blocks, NDArray[np.bool_]]:
        low, high = self.view.bounds(piece.run)
        shift = self.view.shift(piece.run)
        kind = "time" if self.view.is_time else "step"
        rows = self.reader.database.execute(
            "SELECT c.seq, c.rows, c.is_time_sorted, c.bounds, b.levels, b.odd FROM series_chunks c "
            "JOIN series_blocks b ON b.group_id = c.group_id AND b.seq = c.seq "
            f"WHERE c.group_id = ? AND b.place = ? AND c.high_{kind} >= ? AND c.low_{kind} <= ? ORDER BY c.seq",
            (piece.group_id, piece.place, low, high),
        )
        first_chunk = len(self.chunks)
        self.chunks += [(place, row[0]) for row in rows]
        sizes = np.array([row[1] for row in rows], np.int64)
        counts = -(-sizes // BLOCK_ROWS)
        total = int(counts.sum())
        chunk = np.repeat(np.arange(len(rows)), counts)
        number = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        bounds = np.frombuffer(b"".join(row[3] for row in rows), "<i8").reshape(total, BOUND_BYTES // 8)
        odd = b"".join(row[5] or bytes(count * ODD_BYTES) for row, count in zip(rows, counts.tolist(), strict=True))
        blocks = Blocks(
            low=bounds[:, 2] - shift if self.view.is_time else bounds[:, 0],
            high=bounds[:, 3] - shift if self.view.is_time else bounds[:, 1],
            chunk=chunk + first_chunk,
            row=number * BLOCK_ROWS,
            count=np.minimum(BLOCK_ROWS, np.repeat(sizes, counts) - number * BLOCK_ROWS),
            is_full=np.repeat(sizes == CHUNK_ROWS, counts),
            levels=np.frombuffer(b"".join(row[4] for row in rows), "<f8").reshape(total, LEVEL_BYTES // 8),
            odd=np.frombuffer(odd, np.uint8).reshape(total, ODD_BYTES).astype(np.int64),
        )
        unusable = np.zeros(total, np.bool_)
        if self.view.is_time:
            unusable |= np.repeat(np.array([not row[2] for row in rows], np.bool_), counts)
        kept = np.ones(total, np.bool_)
        if (cutoff := self.cutoffs.get(piece.writer)) is not None:
            kept = bounds[:, 0] <= cutoff
            unusable |= bounds[:, 1] > cutoff
        return blocks.take(kept), unusable[kept]

    def _read_tail(self, place: int, piece: Piece) -> None:
        points = self.reader.read_tail(piece)
        if len(points.axis):
            points = points.take(points.axis.sort_order())
            self.chunks.append((place, -1))
            self._add(place, len(self.chunks) - 1, points, np.arange(len(points.axis)))

    def _add(self, place: int, chunk: int, points: Points, rows: NDArray[np.intp]) -> None:
        self.loose.append(self._loosen(place, chunk, points, rows))

    def _loosen(self, place: int, chunk: int, points: Points, rows: NDArray[np.intp]) -> LoosePoints:
        piece, axis = self.pieces[place], points.axis
        if (cutoff := self.cutoffs.get(piece.writer)) is not None:
            kept = axis.steps <= cutoff
            points, axis, rows = points.take(kept), axis.take(kept), rows[kept]
        return LoosePoints(
            x=self.view.x_of(axis, piece.run),
            second=axis.steps if self.view.is_time else axis.times,
            writer=np.full(len(axis), self._writers[piece.writer]),
            ordinal=axis.ordinals,
            chunk=np.full(len(axis), chunk),
            row=rows.astype(np.int64),
            value=points.values,
        )


def _join_blocks(parts: list[Blocks]) -> Blocks:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.empty(0, np.int64)
        return Blocks(none, none, none, none, none, np.empty(0, np.bool_), np.empty((0, 4)), np.empty((0, 3), np.int64))
    return Blocks(*(np.concatenate([getattr(p, name) for p in parts]) for name in Blocks.__dataclass_fields__))


def _join_candidates(blocks: Blocks, block_column: IntArray, points: LoosePoints, point_column: IntArray) -> Candidates:
    unknown = np.zeros(len(blocks), np.int64)
    value = points.value
    odd = np.stack([np.isnan(value), value == np.inf, value == -np.inf], axis=1).astype(np.int64)
    return Candidates(
        column=np.concatenate([block_column, point_column]),
        low=np.concatenate([blocks.low, points.x]),
        high=np.concatenate([blocks.high, points.x]),
        chunk=np.concatenate([blocks.chunk, points.chunk]),
        row=np.concatenate([blocks.row, points.row]),
        is_block=np.repeat([True, False], [len(blocks), len(value)]),
        second=np.concatenate([unknown, points.second]),
        writer=np.concatenate([unknown, points.writer]),
        ordinal=np.concatenate([unknown, points.ordinal]),
        count=np.concatenate([blocks.count, np.ones(len(value), np.int64)]),
        levels=np.concatenate([blocks.levels, np.repeat(value[:, np.newaxis], 4, axis=1)]),
        odd=np.concatenate([blocks.odd, odd]),
    )
