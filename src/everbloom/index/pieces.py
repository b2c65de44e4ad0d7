"""Reading pieces: where a series' points stand, and one chunk of them decoded.

Usually a series is one piece. It is several where its metric was logged beside different others, or the run
was resumed, forked or restarted by a new writer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import Corrupt
from everbloom.core.ids import RunId, WriterId
from everbloom.index.chunks import Axis, decode_axis, decode_values, join_axes
from everbloom.index.engine import Database
from everbloom.index.long_names import LongNames, to_stored
from everbloom.index.series_schema import AXIS_PLACE
from everbloom.index.series_write import parse_tail_axis
from everbloom.index.summary import Summary, combine, decode_summary, summarise

ReadBlob = Callable[[RunId, int, int], bytes]
"""Returns `length` bytes at `offset` of a run's pack."""

Cutoffs = Mapping[WriterId, int]
"""The step beyond which a writer's points no longer count, for writers that were rewound."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Points of other runs that a run has too, because it was forked from them.

    Attributes:
        runs: The other runs.
        limits: By writer of those, the last step that is shared; writers that are absent share nothing.
    """

    runs: tuple[RunId, ...]
    limits: Cutoffs


Shares = Mapping[RunId, Shared]
"""By forked run, what it shares."""

NO_SHARES: Shares = MappingProxyType({})

_CUTS_MAX = 20_000
_BATCH = 400  # values in one IN (…): far below either engine's limit


@dataclass(frozen=True, slots=True)
class Piece:
    """One metric of one group.

    Attributes:
        run: The run.
        metric: The metric.
        rank: The writer's rank.
        writer: The writer.
        group_id: The group.
        place: The metric's column in the group.
        summary: Of all its points, rewound ones included.
    """

    run: RunId
    metric: str
    rank: int
    writer: WriterId
    group_id: int
    place: int
    summary: Summary


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one piece.

    Attributes:
        axis: Where they lie.
        values: Shape (n,), float64.
    """

    axis: Axis
    values: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Points":
        """Return some of the points."""
        return Points(self.axis.take(rows), self.values[rows])


def read_pieces(
    database: Database,
    runs: Iterable[RunId],
    metrics: Sequence[str] | None = None,
    rank: int | None = None,
) -> list[Piece]:
    """Return the pieces of runs, by run, metric, rank and writer."""
    wanted, rows = list(dict.fromkeys(runs)), []
    for at in range(0, len(wanted), _BATCH):
        params: list[str | int] = [*wanted[at : at + _BATCH]]
        where = f"run IN ({_marks(len(params))})"
        if metrics is not None:
            where += f" AND metric IN ({_marks(len(metrics))})"
            params += map(to_stored, metrics)
        if rank is not None:
            where += " AND rank = ?"
            params.append(rank)
        rows += database.execute(
            f"SELECT run, metric, rank, writer, group_id, place, summary FROM series_pieces WHERE {where}",
            params,
        )
    whole = LongNames(database).expand(row[1] for row in rows)
    pieces = [
        Piece(run, whole.get(str(metric), str(metric)), at_rank, writer, group_id, place, decode_summary(summary))
        for run, metric, at_rank, writer, group_id, place, summary in rows
    ]
    return sorted(pieces, key=lambda p: (p.run, p.metric, p.rank, p.writer, p.group_id))


def read_pieces_of(
    database: Database, run: RunId, shares: Shares, metrics: Sequence[str] | None = None, rank: int | None = None
) -> list[Piece]:
    """Return the pieces of one run and those that it shares with others, of which only a part may count."""
    shared = shares.get(run)
    if shared is None:
        return read_pieces(database, [run], metrics, rank)
    pieces = read_pieces(database, [run, *shared.runs], metrics, rank)
    return [piece for piece in pieces if piece.run == run or piece.writer in shared.limits]


def bound(run: RunId, shares: Shares, cutoffs: Cutoffs) -> Cutoffs:
    """Return the cutoffs that hold for the pieces of a run and those that it shares."""
    shared = shares.get(run)
    return cutoffs if shared is None else {**cutoffs, **shared.limits}


def has_points(piece: Piece, cutoffs: Cutoffs) -> bool:
    """Tell whether any of a piece's points counts."""
    return piece.summary.first.step <= cutoffs.get(piece.writer, piece.summary.first.step)


def keep_rank(pieces: Sequence[Piece], cutoffs: Cutoffs) -> list[Piece]:
    """Return the pieces of the rank that stands for their one metric: the lowest that has points which count.

    Where none has, of the lowest: its points are there to be shown greyed.
    """
    ranks = [piece.rank for piece in pieces if has_points(piece, cutoffs)] or [piece.rank for piece in pieces]
    return [piece for piece in pieces if piece.rank == min(ranks)]


def _marks(count: int) -> str:
    return ", ".join("?" * count) or "NULL"


@dataclass(frozen=True, slots=True)
class PieceReader:
    """Reads points of pieces from a database and, for closed runs, from their packs.

    What a piece's summary is up to a step is remembered while the piece does not grow: a live fork is summed up at
    each of its own news, and the prefix that it shares is mostly at rest.
    """

    database: Database
    read_blob: ReadBlob | None = None
    cuts: dict[tuple[str | int, ...], Summary | None] = field(default_factory=dict, repr=False, compare=False)

    def read_tail(self, piece: Piece) -> Points:
        """Return the points not yet in a chunk, in arrival order."""
        parts = self.database.execute(
            "SELECT axis, substr(data, 1 + 8 * rows * ?, 8 * rows) FROM series_tails WHERE group_id = ? ORDER BY seq"
            if self.database.engine == "sqlite"
            else "SELECT axis, substr(data, CAST(1 + 8 * rows * ? AS INTEGER), CAST(8 * rows AS INTEGER)) "
            "FROM series_tails WHERE group_id = ? ORDER BY seq",
            (piece.place, piece.group_id),
        )
        axes = join_axes([parse_tail_axis(axis) for axis, _ in parts])
        return Points(axes, np.frombuffer(b"".join(data for _, data in parts), "<f8"))

    def read_chunks(self, piece: Piece, seqs: Sequence[int] | None = None) -> list[tuple[int, Points]]:
        """Return (number, points) of a piece's chunks, or of some of them, by number.

        Raises:
            Corrupt: A chunk's bytes are damaged or missing.
        """
        if seqs is None:
            return self._read_chunks(piece, "", [])
        found = []
        for at in range(0, len(seqs), _BATCH):
            some = seqs[at : at + _BATCH]
            found += self._read_chunks(piece, f" AND c.seq IN ({_marks(len(some))})", some)
        return found

    def read_chunks_between(
        self, piece: Piece, kind: Literal["step", "time"], low: int, high: int
    ) -> list[tuple[int, Points]]:
        """Return (number, points) of the chunks that have points between two steps or times, and maybe more."""
        return self._read_chunks(piece, f" AND c.high_{kind} >= ? AND c.low_{kind} <= ?", [low, high])

    def _read_chunks(self, piece: Piece, condition: str, params: Sequence[int]) -> list[tuple[int, Points]]:
        rows = self.database.execute(
            "SELECT c.seq, c.rows, a.data, c.axis_at, c.axis_bytes, v.data, b.data_at, b.data_bytes "
            "FROM series_chunks c JOIN series_blocks b ON b.group_id = c.group_id AND b.seq = c.seq "
            "LEFT JOIN series_values v ON v.group_id = c.group_id AND v.place = b.place AND v.seq = c.seq "
            "LEFT JOIN series_values a ON a.group_id = c.group_id AND a.place = ? AND a.seq = c.seq "
            f"WHERE c.group_id = ? AND b.place = ?{condition} ORDER BY c.seq",
            (AXIS_PLACE, piece.group_id, piece.place, *params),
        )
        return [(row[0], self._decode(piece, row[1], row[2:5], row[5:8])) for row in rows]

    def _decode(
        self,
        piece: Piece,
        rows: int,
        axis: Sequence[bytes | int | None],
        values: Sequence[bytes | int | None],
    ) -> Points:
        decoded = decode_axis(self._read_bytes(piece.run, repr(piece.metric), axis))
        if len(decoded) != rows:
            raise Corrupt(
                f"a chunk of {piece.metric!r} of run {piece.run} has {len(decoded)} rows, {rows} were "
                f"written; rebuild the index with `everbloom reindex`.",
                code="series.corrupt",
            )
        return Points(decoded, decode_values(self._read_bytes(piece.run, repr(piece.metric), values), rows))

    def _read_bytes(self, run: RunId, what: str, place: Sequence[bytes | int | None]) -> bytes:
        blob, at, size = place
        if isinstance(blob, bytes):
            return blob
        if self.read_blob is None or not isinstance(at, int) or not isinstance(size, int):
            raise Corrupt(
                f"points of {what} of run {run} stand in its pack, which was not given.",
                code="series.no_pack",
            )
        return self.read_blob(run, at, size)

    def read_summary(self, piece: Piece, cutoffs: Cutoffs, until: int | None = None) -> Summary | None:
        """Return a piece's summary without its rewound points and those beyond a step; None if none is left."""
        cutoff = cutoffs.get(piece.writer)
        if until is not None:
            cutoff = until if cutoff is None else min(cutoff, until)
        if cutoff is None or piece.summary.last.step <= cutoff:
            return piece.summary
        if piece.summary.first.step > cutoff:
            return None
        whole = piece.summary
        key = (piece.run, piece.writer, piece.group_id, piece.place, whole.n, whole.total, cutoff)
        if key not in self.cuts:
            if len(self.cuts) >= _CUTS_MAX:
                self.cuts.clear()
            self.cuts[key] = self._cut_summary(piece, cutoff)
        return self.cuts[key]

    def _cut_summary(self, piece: Piece, cutoff: int) -> Summary | None:
        chunks = self.database.execute(
            "SELECT c.seq, c.high_step, b.summary FROM series_chunks c "
            "JOIN series_blocks b ON b.group_id = c.group_id AND b.seq = c.seq "
            "WHERE c.group_id = ? AND b.place = ? AND c.low_step <= ? ORDER BY c.seq",
            (piece.group_id, piece.place, cutoff),
        )
        parts = [decode_summary(blob) for _, high, blob in chunks if high <= cutoff]
        edges = [seq for seq, high, _ in chunks if high > cutoff]
        loose = [points for _, points in self.read_chunks(piece, edges)] if edges else []
        for points in [*loose, self.read_tail(piece)]:
            kept = points.take(points.axis.steps <= cutoff)
            if len(kept.axis):
                parts += summarise(kept.axis.steps, kept.axis.times, kept.values[np.newaxis])
        return combine(parts)

    def read_reach(self, group_id: int, run: RunId, cutoff: int) -> int | None:
        """Return the latest time of a group's points up to a step; None where there is none."""
        chunks = self.database.execute(
            "SELECT c.high_step, c.high_time, v.data, c.axis_at, c.axis_bytes FROM series_chunks c "
            "LEFT JOIN series_values v ON v.group_id = c.group_id AND v.place = ? AND v.seq = c.seq "
            "WHERE c.group_id = ? AND c.low_step <= ? ORDER BY c.seq",
            (AXIS_PLACE, group_id, cutoff),
        )
        whole = [high_time for high_step, high_time, *_ in chunks if high_step <= cutoff]
        axes = [decode_axis(self._read_bytes(run, "times", row[2:])) for row in chunks if row[0] > cutoff]
        tails = self.database.execute("SELECT axis FROM series_tails WHERE group_id = ?", (group_id,))
        axes += [parse_tail_axis(axis) for (axis,) in tails]
        parts = [axis.times[axis.steps <= cutoff] for axis in axes]
        return max([*whole, *(int(times.max()) for times in parts if len(times))], default=None)
