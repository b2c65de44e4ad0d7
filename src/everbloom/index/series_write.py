"""Taking rows into the series store: tail, compaction into chunks, summaries, deletion, hand-over to packs.

Chunks are cut by arrival, every `chunk_rows` rows of a group, and sorted inside. So where a cut falls depends
on the journal alone, not on how its rows were split into appends, and every answer is the same either way.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import msgpack
from numpy.typing import NDArray

from everbloom.core.ids import RunId, WriterId
from everbloom.index.chunks import Axis, encode_axis, encode_values, join_axes
from everbloom.index.engine import Database
from everbloom.index.long_names import LongNames, to_stored
from everbloom.index.pyramid import BLOCK_ROWS, build_bounds, build_pyramids
from everbloom.index.series_schema import AXIS_PLACE, BY_GROUP
from everbloom.index.summary import combine, decode_summary, encode_summary, summarise

CHUNK_ROWS = 4096
# A chunk of a key set with very many metrics has fewer rows: what compaction holds in memory stays below
# 32 MiB a copy even with 10,000 metrics.
_CHUNK_VALUES = 1 << 22
_INSERT_CHUNK = (
    "INSERT INTO series_chunks (group_id, seq, rows, low_step, high_step, low_time, high_time, "
    "is_time_sorted, bounds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Group:
    """A key set of one writer.

    Attributes:
        id: Its number in this database; another one after a rebuild.
        run: The run.
        writer: The writer.
        rank: The writer's rank.
        names: The metrics, in the order of the columns.
        chunks: How many chunks it has.
    """

    id: int
    run: RunId
    writer: WriterId
    rank: int
    names: tuple[str, ...]
    chunks: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one key set, in arrival order.

    Attributes:
        axis: Where they lie, n rows.
        columns: Values, one metric a row, shape (k, n), float64.
    """

    axis: Axis
    columns: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.axis)

    def slice(self, start: int, stop: int) -> "Rows":
        """Return the rows from `start` up to `stop`."""
        return Rows(self.axis.take(slice(start, stop)), self.columns[:, start:stop])


@dataclass(frozen=True, slots=True)
class ExportedChunk:
    """A chunk as it is stored, for a pack.

    Attributes:
        group: The key set it belongs to.
        seq: Its number within the group.
        rows: How many rows it has.
        axis: Encoded by `chunks.encode_axis`.
        values: Encoded by `chunks.encode_values`, one a metric, in the order of the group's names.
    """

    group: Group
    seq: int
    rows: int
    axis: bytes
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PackedChunk:
    """Where a chunk's bytes stand in the run's pack: (offset, length) of the axis and of each metric."""

    group_id: int
    seq: int
    axis: tuple[int, int]
    values: tuple[tuple[int, int], ...]


def chunk_rows(metrics: int) -> int:
    """Return how many rows a chunk of a key set of that many metrics has."""
    fitting = _CHUNK_VALUES // metrics // BLOCK_ROWS * BLOCK_ROWS
    return max(BLOCK_ROWS, min(CHUNK_ROWS, fitting))


def names_digest(names: Sequence[str]) -> bytes:
    """Return what tells key sets apart in an index: 16 bytes, dependent on the order."""
    return hashlib.sha256(msgpack.encode(list(names))).digest()[:16]


def ensure_group(database: Database, run: RunId, writer: WriterId, rank: int, names: tuple[str, ...]) -> Group:
    """Return the group of a key set, created if missing."""
    digest = names_digest(names)
    found = database.execute(
        "SELECT id, chunks FROM series_groups WHERE run = ? AND writer = ? AND digest = ?",
        (run, writer, digest),
    )
    if not found:
        found = database.execute(
            "INSERT INTO series_groups (run, writer, rank, digest, names, chunks) VALUES (?, ?, ?, ?, ?, 0) "
            "RETURNING id, chunks",
            (run, writer, rank, digest, msgpack.encode(list(names))),
        )
    return Group(int(found[0][0]), run, writer, rank, names, int(found[0][1]))


def read_groups(database: Database, run: RunId, writer: WriterId | None = None) -> list[Group]:
    """Return the groups of a run, or of one of its writers, by writer and names."""
    where, params = ("run = ?", [run]) if writer is None else ("run = ? AND writer = ?", [run, writer])
    found = database.execute(f"SELECT id, run, writer, rank, names, chunks FROM series_groups WHERE {where}", params)
    groups = [
        Group(number, of_run, of_writer, rank, tuple(msgpack.decode(names)), chunks)
        for number, of_run, of_writer, rank, names, chunks in found
    ]
    return sorted(groups, key=lambda group: (group.writer, group.names))


def append(database: Database, group: Group, rows: Rows) -> Group:
    """Take rows in: summaries, tail, and chunks as the tail fills up; returns the group as it is then."""
    stride = chunk_rows(len(group.names))
    batch = max(stride, _CHUNK_VALUES // len(group.names) // stride * stride)
    for start in range(0, len(rows), batch):
        part = rows.slice(start, min(start + batch, len(rows)))
        part = Rows(part.axis, np.ascontiguousarray(part.columns))
        _update_summaries(database, group, part)
        group = _store(database, group, part, stride)
    return group


def _update_summaries(database: Database, group: Group, rows: Rows) -> None:
    fresh = summarise(rows.axis.steps, rows.axis.times, rows.columns)
    known: dict[int, bytes] = dict(
        database.execute("SELECT place, summary FROM series_pieces WHERE group_id = ?", (group.id,))
    )
    if not known:
        LongNames(database).remember(group.names)
        database.execute_many(
            "INSERT INTO series_pieces (run, metric, rank, writer, group_id, place, summary) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (group.run, to_stored(name), group.rank, group.writer, group.id, place, encode_summary(summary))
                for place, (name, summary) in enumerate(zip(group.names, fresh, strict=True))
            ),
        )
        return
    updates = []
    for place, summary in enumerate(fresh):
        whole = combine((decode_summary(known[place]), summary))
        updates.append((encode_summary(whole or summary), group.id, place))
    database.execute_many("UPDATE series_pieces SET summary = ? WHERE group_id = ? AND place = ?", updates)


def _store(database: Database, group: Group, rows: Rows, stride: int) -> Group:
    sizes = database.execute("SELECT seq, rows FROM series_tails WHERE group_id = ? ORDER BY seq", (group.id,))
    waiting = sum(size for _, size in sizes)
    if waiting + len(rows) < stride:
        _append_tail(database, group, rows, sizes)
        return group
    if sizes:
        rows = join_rows([*read_tail(database, group), rows])
        database.execute("DELETE FROM series_tails WHERE group_id = ?", (group.id,))
    whole = len(rows) // stride * stride
    group = _write_chunks(database, group, (rows.slice(start, start + stride) for start in range(0, whole, stride)))
    if whole < len(rows):
        _write_tail(database, group, 0, rows.slice(whole, len(rows)))
    return group


def _append_tail(database: Database, group: Group, rows: Rows, sizes: list[tuple[int, ...]]) -> None:
    """Add rows to the tail, joining it with smaller parts before, so that parts stay few and writes cheap."""
    total, from_seq = len(rows), sizes[-1][0] + 1 if sizes else 0
    for seq, size in reversed(sizes):
        if size > total:
            break
        total, from_seq = total + size, seq
    if total > len(rows):
        rows = join_rows([*read_tail(database, group, from_seq), rows])
        database.execute("DELETE FROM series_tails WHERE group_id = ? AND seq >= ?", (group.id, from_seq))
    _write_tail(database, group, from_seq, rows)


def _write_tail(database: Database, group: Group, seq: int, rows: Rows) -> None:
    axis = np.stack([rows.axis.steps, rows.axis.times, rows.axis.ordinals]).astype("<i8")
    database.execute(
        "INSERT INTO series_tails (group_id, seq, rows, axis, data) VALUES (?, ?, ?, ?, ?)",
        (group.id, seq, len(rows), axis.tobytes(), rows.columns.astype("<f8").tobytes()),
    )


def read_tail(database: Database, group: Group, from_seq: int = 0) -> list[Rows]:
    """Return the parts of a group's tail in arrival order."""
    parts = database.execute(
        "SELECT rows, axis, data FROM series_tails WHERE group_id = ? AND seq >= ? ORDER BY seq",
        (group.id, from_seq),
    )
    return [Rows(parse_tail_axis(axis), np.frombuffer(data, "<f8").reshape(-1, size)) for size, axis, data in parts]


def parse_tail_axis(blob: bytes) -> Axis:
    """Return the axis of a part of a tail."""
    return Axis(*np.frombuffer(blob, "<i8").reshape(3, -1))


def join_rows(parts: list[Rows]) -> Rows:
    """Put rows of one key set one behind the other; at least one part."""
    axis = join_axes([part.axis for part in parts])
    return Rows(axis, np.concatenate([part.columns for part in parts], axis=1))


def _write_chunks(database: Database, group: Group, chunks: Iterable[Rows]) -> Group:
    seq = group.chunks
    for rows in chunks:
        _write_chunk(database, group, seq, rows)
        seq += 1
    if seq != group.chunks:
        database.execute("UPDATE series_groups SET chunks = ? WHERE id = ?", (seq, group.id))
    return Group(group.id, group.run, group.writer, group.rank, group.names, seq)


def _write_chunk(database: Database, group: Group, seq: int, rows: Rows) -> None:
    axis, columns = rows.axis, rows.columns
    if not axis.is_sorted():
        order = axis.sort_order()
        axis, columns = axis.take(order), columns[:, order]
    columns = np.ascontiguousarray(columns)
    steps, times = axis.steps, axis.times
    bounds = (int(steps[0]), int(steps[-1]), int(times.min()), int(times.max()))
    is_time_sorted = int(bool(np.all(times[1:] >= times[:-1])))
    database.execute(
        _INSERT_CHUNK,
        (group.id, seq, len(axis), *bounds, is_time_sorted, build_bounds(axis)),
    )
    summaries = summarise(steps, times, columns)
    database.execute_many(
        "INSERT INTO series_blocks (group_id, place, seq, summary, odd, levels) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (group.id, place, seq, encode_summary(summary), pyramid.odd, pyramid.levels)
            for place, (summary, pyramid) in enumerate(zip(summaries, build_pyramids(columns), strict=True))
        ),
    )
    encoded = itertools.chain(
        [(AXIS_PLACE, encode_axis(axis))], ((place, encode_values(column)) for place, column in enumerate(columns))
    )
    database.execute_many(
        "INSERT INTO series_values (group_id, place, seq, data) VALUES (?, ?, ?, ?)",
        ((group.id, place, seq, data) for place, data in encoded),
    )


def compact(database: Database, group: Group) -> Group:
    """Turn what is left in a closed writer's tail into a last, shorter chunk."""
    parts = read_tail(database, group)
    if not parts:
        return group
    database.execute("DELETE FROM series_tails WHERE group_id = ?", (group.id,))
    return _write_chunks(database, group, [join_rows(parts)])


def delete_groups(database: Database, run: RunId) -> None:
    """Delete everything of a run."""
    for table in BY_GROUP:
        database.execute(f"DELETE FROM {table} WHERE group_id IN (SELECT id FROM series_groups WHERE run = ?)", (run,))
    database.execute("DELETE FROM series_groups WHERE run = ?", (run,))


def iter_exported(database: Database, run: RunId) -> Iterator[ExportedChunk]:
    """Yield a run's chunks that still stand in this database, by writer, key set and number."""
    for group in read_groups(database, run):
        chunks = database.execute(
            "SELECT c.seq, c.rows, v.data FROM series_values v "
            "JOIN series_chunks c ON c.group_id = v.group_id AND c.seq = v.seq "
            "WHERE v.group_id = ? AND v.place = ? ORDER BY v.seq",
            (group.id, AXIS_PLACE),
        )
        for seq, rows, axis in chunks:
            values = (_read_values(database, group.id, place, seq) for place in range(len(group.names)))
            yield ExportedChunk(group, seq, rows, axis, tuple(values))


def _read_values(database: Database, group_id: int, place: int, seq: int) -> bytes:
    sql = "SELECT data FROM series_values WHERE group_id = ? AND place = ? AND seq = ?"
    blob: bytes = database.execute(sql, (group_id, place, seq))[0][0]
    return blob


def point_to_pack(database: Database, packed: Iterable[PackedChunk]) -> None:
    """Replace chunks' bytes by their places in the run's pack."""
    for chunk in packed:
        database.execute(
            "UPDATE series_chunks SET axis_at = ?, axis_bytes = ? WHERE group_id = ? AND seq = ?",
            (*chunk.axis, chunk.group_id, chunk.seq),
        )
        database.execute_many(
            "UPDATE series_blocks SET data_at = ?, data_bytes = ? WHERE group_id = ? AND place = ? AND seq = ?",
            ((*where, chunk.group_id, place, chunk.seq) for place, where in enumerate(chunk.values)),
        )
        database.execute_many(
            "DELETE FROM series_values WHERE group_id = ? AND place = ? AND seq = ?",
            ((chunk.group_id, place, chunk.seq) for place in range(AXIS_PLACE, len(chunk.values))),
        )
