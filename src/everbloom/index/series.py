"""The series store: every point of every run, at full resolution, and its summaries.

Points are never thinned out. A table reads summaries, a chart reads a window (`window.py`), an export reads
the series. Writing happens inside of the caller's transaction, so that rows and offset commit as one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from everbloom.core.errors import InvalidInput
from everbloom.core.ids import RunId, WriterId
from everbloom.index.chunks import Axis
from everbloom.index.engine import Database
from everbloom.index.long_names import LongNames
from everbloom.index.offsets import Offset, Offsets
from everbloom.index.pieces import (
    NO_SHARES,
    Cutoffs,
    Piece,
    PieceReader,
    Points,
    ReadBlob,
    Shares,
    bound,
    has_points,
    keep_rank,
    read_pieces,
    read_pieces_of,
)
from everbloom.index.ranks import Reduce, check_reduce, pair_by_step
from everbloom.index.series_schema import CREATE
from everbloom.index.series_write import (
    ExportedChunk,
    PackedChunk,
    Rows,
    append,
    compact,
    delete_groups,
    ensure_group,
    iter_exported,
    point_to_pack,
    read_groups,
)
from everbloom.index.summary import Summary, combine
from everbloom.index.window import Envelope, SeriesKey, Window, read_envelope

__all__ = ["NO_CUTOFFS", "Envelope", "MetricInfo", "Series", "SeriesKey", "SeriesStore", "Summary", "Window"]

NO_CUTOFFS: Cutoffs = MappingProxyType({})


@dataclass(frozen=True)
class Series:
    """All points of one metric of one rank, sorted by (step, time, writer, position in its journal).

    Reduced over ranks: one point a step, see `ranks.pair_by_step`; rewound points take no part.

    Attributes:
        steps: Repeats allowed, shape (n,), int64.
        times: UTC microseconds, shape (n,), int64.
        values: NaN and ±inf as logged, shape (n,), float64.
        greyed: Which points a rewind has taken out of count, shape (n,), bool.
        ranks: Those that it was read from, rising.
        low: The least value of any rank at each step, shape (n,); None of one rank's series.
        high: The greatest, likewise.
    """

    steps: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    greyed: NDArray[np.bool_]
    ranks: tuple[int, ...] = ()
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.steps)


class MetricInfo(NamedTuple):
    """A metric that a run has, over all its ranks."""

    metric: str
    ranks: tuple[int, ...]
    n: int
    first_step: int
    last_step: int


class SeriesStore:
    """The series in one database; as thread-safe as its connection, which is not at all.

    Args:
        database: Where they stand.
        read_blob: Reads from a closed run's pack; needed once a run's chunks were handed over to one.
    """

    def __init__(self, database: Database, *, read_blob: ReadBlob | None = None) -> None:
        self._database = database
        self._reader = PieceReader(database, read_blob)
        self.offsets = Offsets(database, "series")

    def ensure_schema(self) -> None:
        """Create the tables that are missing."""
        self._database.create(*CREATE)
        LongNames(self._database).ensure_schema()
        self.offsets.ensure_schema()

    def append_rows(
        self,
        run: RunId,
        writer: WriterId,
        rank: int,
        names: tuple[str, ...],
        steps: NDArray[np.int64],
        times: NDArray[np.int64],
        ordinals: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> None:
        """Take in rows of one key set, in the order of the journal; inside of the caller's transaction.

        Args:
            run: The run.
            writer: The journal's writer, which has one rank.
            rank: The source within the run.
            names: The key set, at least one name, no repeats.
            steps: Shape (n,), int64.
            times: UTC microseconds, shape (n,), int64.
            ordinals: Each row's number within the writer's journal, rising, shape (n,), int64.
            values: Shape (n, k), float64.

        Raises:
            InvalidInput: Shapes do not fit (`series.shape`).
        """
        _check_shapes(names, (steps, times, ordinals), values)
        if len(steps):
            group = ensure_group(self._database, run, writer, rank, names)
            append(self._database, group, Rows(Axis(steps, times, ordinals), values.T))

    def finish_writer(self, run: RunId, writer: WriterId) -> None:
        """Turn the tails of a closed writer into chunks; more rows may still follow."""
        for group in read_groups(self._database, run, writer):
            compact(self._database, group)

    def read_offset(self, writer: WriterId) -> Offset | None:
        """Return how far a writer's journal is in these series."""
        return self.offsets.read(writer)

    def write_offset(self, writer: WriterId, offset: Offset) -> None:
        """Set how far a writer's journal is in these series, in the transaction of its rows."""
        self.offsets.write(writer, offset)

    def read_summaries(
        self,
        runs: Iterable[RunId],
        cutoffs: Cutoffs = NO_CUTOFFS,
        *,
        metrics: Sequence[str] | None = None,
        shares: Shares = NO_SHARES,
        until: int | None = None,
    ) -> dict[RunId, dict[str, dict[int, Summary]]]:
        """Return {run: {metric: {rank: summary}}}, shared points counted, without rewound ones.

        What has no points left is absent. Of a piece that counts in part one chunk a border is decoded, and that is
        remembered while the piece does not grow.

        Args:
            runs: Which.
            cutoffs: What was rewound.
            metrics: Only these; None = all.
            shares: What runs share with others.
            until: Only points up to this step; None = all.
        """
        wanted = list(dict.fromkeys(runs))
        parts: dict[tuple[RunId, str, int], list[Summary]] = {}
        with self._database.snapshot():
            alone = read_pieces(self._database, (run for run in wanted if run not in shares), metrics)
            found = [(piece.run, piece, cutoffs) for piece in alone]
            for run in (run for run in wanted if run in shares):
                limits = bound(run, shares, cutoffs)
                found += [(run, piece, limits) for piece in read_pieces_of(self._database, run, shares, metrics)]
            for run, piece, limits in found:
                summary = self._reader.read_summary(piece, limits, until)
                if summary is not None:
                    parts.setdefault((run, piece.metric, piece.rank), []).append(summary)
        answer: dict[RunId, dict[str, dict[int, Summary]]] = {}
        for (run, metric, rank), summaries in parts.items():
            whole = combine(summaries)
            if whole is not None:
                answer.setdefault(run, {}).setdefault(metric, {})[rank] = whole
        return answer

    def list_metrics(self, run: RunId, cutoffs: Cutoffs = NO_CUTOFFS, shares: Shares = NO_SHARES) -> list[MetricInfo]:
        """Return a run's metrics by name, shared points counted and rewound ones left out."""
        found = []
        for metric, by_rank in self.read_summaries([run], cutoffs, shares=shares).get(run, {}).items():
            whole = combine(by_rank.values())
            if whole is not None:
                found.append(MetricInfo(metric, tuple(sorted(by_rank)), whole.n, whole.first.step, whole.last.step))
        return sorted(found)

    def read_series(
        self,
        run: RunId,
        metric: str,
        rank: int | None = None,
        cutoffs: Cutoffs = NO_CUTOFFS,
        shares: Shares = NO_SHARES,
        *,
        reduce: Reduce | None = None,
    ) -> Series:
        """Return a series at full resolution, shared points among it, rewound ones marked; empty if there is none.

        Args:
            run: The run.
            metric: The metric.
            rank: Whose points; None = of the lowest rank that has points which count.
            cutoffs: What was rewound.
            shares: What the run shares with others.
            reduce: Reduce all ranks to one line with a band instead.

        Raises:
            InvalidInput: A rank and a reduction are both asked for.
        """
        check_reduce(rank, reduce)
        limits = bound(run, shares, cutoffs)
        with self._database.snapshot():  # or a compaction between chunks and tail would hide points
            pieces = read_pieces_of(self._database, run, shares, [metric], rank)
            if reduce is None:
                kept = keep_rank(pieces, limits)
                return _merge(self._read_points(run, kept, limits), limits)
            by_rank = {
                number: _merge(self._read_points(run, [p for p in pieces if p.rank == number], limits), limits)
                for number in sorted({piece.rank for piece in pieces if has_points(piece, limits)})
            }
        return _reduce_ranks(by_rank, reduce)

    def _read_points(self, run: RunId, pieces: Iterable[Piece], limits: Cutoffs) -> list[tuple[Piece, Points]]:
        parts: list[tuple[Piece, Points]] = []
        for piece in pieces:
            read = [points for _, points in self._reader.read_chunks(piece)] + [self._reader.read_tail(piece)]
            if piece.run != run:  # beyond the fork, points are the other run's business
                read = [points.take(points.axis.steps <= limits[piece.writer]) for points in read]
            parts += [(piece, points) for points in read if len(points.axis)]
        return parts

    def read_reach(self, run: RunId, limits: Cutoffs) -> int | None:
        """Return the latest time, UTC microseconds, of a run's points up to a step of their writer; None of no point.

        Args:
            run: The run.
            limits: The step up to which each writer's points count; those of other writers do not.
        """
        with self._database.snapshot():
            groups = [group for group in read_groups(self._database, run) if group.writer in limits]
            found = [self._reader.read_reach(group.id, run, limits[group.writer]) for group in groups]
        return max((time for time in found if time is not None), default=None)

    def read_window(
        self,
        requests: Sequence[SeriesKey],
        window: Window,
        cutoffs: Cutoffs = NO_CUTOFFS,
        shares: Shares = NO_SHARES,
    ) -> Envelope:
        """Return several series reduced to one common grid for a chart; see `window.read_envelope`."""
        with self._database.snapshot():
            return read_envelope(self._reader, requests, window, cutoffs, shares)

    def delete_run(self, run: RunId) -> None:
        """Delete everything of a run, its offsets too."""
        delete_groups(self._database, run)
        self.offsets.delete_run(run)

    def export_chunks(self, run: RunId) -> Iterator[ExportedChunk]:
        """Yield a run's chunks as they are stored, by writer, key set and number; tails are not among them."""
        return iter_exported(self._database, run)

    def point_to_pack(self, packed: Iterable[PackedChunk]) -> None:
        """Replace chunks' bytes by their places in the run's pack, once that is safely written."""
        point_to_pack(self._database, packed)


def _check_shapes(names: tuple[str, ...], columns: tuple[NDArray[np.int64], ...], values: NDArray[np.float64]) -> None:
    rows = {len(column) for column in columns}
    if not names or len(rows) != 1 or values.shape != (len(columns[0]), len(names)):
        raise InvalidInput(
            f"{len(names)} names with {[len(column) for column in columns]} steps, times and ordinals and "
            f"values of shape {values.shape}; values need one row a step and one column a name.",
            code="series.shape",
        )


def _reduce_ranks(by_rank: Mapping[int, Series], how: Reduce) -> Series:
    if not by_rank:
        return _merge([], NO_CUTOFFS)
    counting = [(part, ~part.greyed) for part in by_rank.values()]
    ranks = [(part.steps[kept], part.times[kept], part.values[kept]) for part, kept in counting]
    steps, times, line, low, high = pair_by_step(ranks, how)
    return Series(steps, times, line, np.zeros(len(steps), np.bool_), tuple(by_rank), low, high)


def _merge(parts: list[tuple[Piece, Points]], cutoffs: Cutoffs) -> Series:
    if not parts:
        none = np.empty(0, np.int64)
        return Series(none, none, np.empty(0, np.float64), np.empty(0, np.bool_))
    steps = np.concatenate([points.axis.steps for _, points in parts])
    times = np.concatenate([points.axis.times for _, points in parts])
    values = np.concatenate([points.values for _, points in parts])
    sizes = [len(points.axis) for _, points in parts]
    limits = [cutoffs.get(piece.writer) for piece, _ in parts]
    greyed = np.zeros(len(steps), np.bool_)
    if any(limit is not None for limit in limits):
        top = np.iinfo(np.int64).max
        greyed = steps > np.repeat([top if limit is None else limit for limit in limits], sizes)
    if not bool(np.all(steps[1:] > steps[:-1])):
        names = sorted({piece.writer for piece, _ in parts})
        writers = np.repeat([names.index(piece.writer) for piece, _ in parts], sizes)
        ordinals = np.concatenate([points.axis.ordinals for _, points in parts])
        order = np.lexsort((ordinals, writers, times, steps))
        steps, times, values, greyed = steps[order], times[order], values[order], greyed[order]
    return Series(steps, times, values, greyed, tuple(sorted({piece.rank for piece, _ in parts})))
