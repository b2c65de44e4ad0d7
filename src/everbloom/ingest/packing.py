"""Closed runs into packs, and packs back into what a journal's reader would have told.

A pack takes its columns from the series store, which has sorted and compressed them already, its control records
from the segments, and the run's own small files and media as they are. Before it stands in its place all of it is
decoded and compared with what it was made from; then series rows refer to its bytes, and what it holds goes from the
run's folder (`clearing`). Each step can be repeated after a crash at any point. When to pack is for the caller to
decide; the store's packing lock and the indexer's must be held (`closed`).
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import xxhash

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.errors import Conflict, Corrupt, Unavailable
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import RECORD_TYPES, Record, Unknown
from everbloom.index.chunks import Axis, decode_axis, decode_values
from everbloom.index.engine import Database
from everbloom.index.series import SeriesStore
from everbloom.index.series_write import ExportedChunk, PackedChunk
from everbloom.ingest.clearing import clear_run, find_held, list_ended
from everbloom.ingest.unreadable import find_obstacle
from everbloom.journal.blobs import has_content, list_own_blobs
from everbloom.journal.format import Header, pack_header, parse_header
from everbloom.journal.names import NameList
from everbloom.journal.pack import (
    ColumnChunk,
    ColumnGroup,
    Contents,
    JournalPart,
    PackedControl,
    PackedDamage,
    PackedFile,
    PackReader,
    PackWriter,
    Place,
    publish_pack,
)
from everbloom.journal.reader import Batch, Control, Damage, Position, Rows, iter_batches

_NO_MORE_TO_COME_US = 2**63 - 1  # its writers have ended, so a journal without a header will not get one
_WINDOW_VALUES = 1 << 21  # numbers in one batch read from a pack, about
_BAD_BYTES = (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_control = msgspec.msgpack.Decoder(tuple[str, int, msgspec.Raw]).decode
_decode_record = {tag: msgspec.msgpack.Decoder(kind).decode for tag, kind in RECORD_TYPES.items()}


@dataclass(frozen=True)
class PackReport:
    """What packing a run did.

    Attributes:
        journals: How many journals went into the pack.
        segment_bytes: What they took on disk.
        pack_bytes: What the pack takes.
        blobs: How many small files and media went into the pack.
        damaged: The SHA-256 of those that stay where they are, because their content is another one.
    """

    journals: int
    segment_bytes: int
    pack_bytes: int
    blobs: int = 0
    damaged: tuple[str, ...] = ()


def pack_run(root: Path, run: RunId, series: SeriesStore, database: Database) -> PackReport:
    """Pack a closed run's journals, small files and media, or add newer ones to its pack, and remove them.

    Args:
        root: The store's folder.
        run: A run of which no writer lives and every byte is indexed.
        series: The series store.
        database: The one that it stands in; no transaction open.

    Raises:
        Conflict: A journal of it is still being written or indexed (`pack.active`), or somebody whom no lock reaches
            packed it meanwhile (`pack.replaced`).
        Unavailable: Its series are behind its journals (`pack.behind`), or there is no space.
        Corrupt: The pack does not decode to what was put into it (`pack.mismatch`), or a journal of it cannot be read
            (`journal.unreadable`); the segments and files stay.
    """
    path, ended = layout.pack_path(root, run), list_ended(root, run)
    writers = ended.writers
    _check_readable(root, run, writers)
    with database.transaction():
        for writer in writers:
            series.finish_writer(run, writer)
    known = _read_known(path)
    fresh = [writer for writer in writers if writer not in known.writers]
    blobs = [sha256 for sha256 in list_own_blobs(root, run) if sha256 not in known.files]
    if fresh or (blobs and known.writers):
        _write_pack(root, run, fresh, blobs, series, known.identity)
    elif not known.writers:
        return PackReport(0, 0, 0)
    with PackReader(path) as pack:
        # Of those that it held already a crash came between the pack and the removal of their segments.
        _compare(root, run, pack, [writer for writer in writers if writer in known.writers])
        with database.transaction():
            adopt_pack(series, pack)
        database.release_space()
        held = {file.sha256 for file in pack.iter_files()}
        segment_bytes = clear_run(root, run, ended, pack)
    damaged = tuple(sha256 for sha256 in blobs if sha256 not in held)
    taken = len(blobs) - len(damaged)
    return PackReport(len(writers), segment_bytes, path.stat().st_size, taken, damaged)


def _check_readable(root: Path, run: RunId, writers: list[WriterId]) -> None:
    """Refuse a run with a journal that a pack could not hold: it may yet be mended, or read by a newer version."""
    names = NameList(root)
    for writer in writers:
        obstacle = find_obstacle(root, run, writer, names, now_us=_NO_MORE_TO_COME_US)
        if obstacle is not None:
            raise Corrupt(f"run {run} stays as it is: {obstacle}", code="journal.unreadable", run=run, writer=writer)


@dataclass(frozen=True)
class _Known:
    """What a run's pack holds already, and what tells it from any other that takes its place."""

    writers: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    identity: tuple[int, int] | None = None


def _read_known(path: Path) -> _Known:
    identity = _identify(path)
    if identity is None:
        return _Known()
    with PackReader(path) as pack:
        writers = frozenset(part.writer for part in pack.contents.journals)
        return _Known(writers, frozenset(file.sha256 for file in pack.iter_files()), identity)


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _write_pack(
    root: Path,
    run: RunId,
    writers: list[WriterId],
    blobs: list[str],
    series: SeriesStore,
    replaces: tuple[int, int] | None,
) -> None:
    path = layout.pack_path(root, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{run}*.part"):  # by a packer that died
        left.unlink(missing_ok=True)
    written = path.with_name(f"{run}.{os.urandom(4).hex()}.part")  # one's own: who holds it open writes into no pack
    try:
        taken = _write_aside(written, root, run, writers, blobs, series, base=None if replaces is None else path)
        _check_written(written, root, run, writers, taken)
        # The lock sees to it, but not on a file system that keeps locks within one host.
        if _identify(path) != replaces:
            raise _replaced(run)
    except BaseException as error:
        written.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):  # a blob, the base or what was just written
            raise _replaced(run) from error
        raise
    publish_pack(written, path)


def _replaced(run: RunId) -> Conflict:
    return Conflict(
        f"run {run} was packed by somebody else meanwhile; that pack stays. Pack a store from one host at a time where "
        f"its file system does not carry locks to the others.",
        code="pack.replaced",
        run=run,
    )


def _write_aside(
    written: Path,
    root: Path,
    run: RunId,
    writers: list[WriterId],
    blobs: list[str],
    series: SeriesStore,
    *,
    base: Path | None,
) -> set[str]:
    """Write a pack that is not in its place yet; returns those of the blobs that were sound and went into it."""
    taken: set[str] = set()
    with PackWriter(written, run, base=base) as pack:
        journals, files = _read_base(base)
        columns = _add_columns(pack, series, run, set(writers))
        for writer in writers:
            journals.append(_add_journal(pack, root, run, writer, columns.get(writer, [])))
        place = pack.add_files(_iter_sound(root, run, blobs, taken), files)
        pack.finish(Contents(run, journals, place))
    return taken


def _check_written(written: Path, root: Path, run: RunId, writers: list[WriterId], blobs: set[str]) -> None:
    with PackReader(written) as check:
        check.verify()
        _compare(root, run, check, writers)
        if find_held(check, blobs) != blobs:
            raise _mismatch(run, "its small files")


def _iter_sound(root: Path, run: RunId, blobs: list[str], taken: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield blobs of a run's folder with their content, and add them to `taken`; a damaged one is passed over."""
    for sha256 in blobs:
        data = (layout.run_blobs_dir(root, run) / sha256).read_bytes()
        if has_content(data, sha256):
            taken.add(sha256)
            yield sha256, data


def _read_base(path: Path | None) -> tuple[list[JournalPart], list[PackedFile]]:
    if path is None:
        return [], []
    with PackReader(path) as pack:
        return list(pack.contents.journals), list(pack.iter_files())


def _add_columns(
    pack: PackWriter, series: SeriesStore, run: RunId, writers: set[WriterId]
) -> dict[WriterId, list[ColumnGroup]]:
    groups: dict[tuple[WriterId, tuple[str, ...]], list[ColumnChunk]] = {}
    for chunk in series.export_chunks(run):
        if chunk.group.writer in writers:
            column = _add_chunk(pack, chunk)
            groups.setdefault((chunk.group.writer, chunk.group.names), []).append(column)
    by_writer: dict[WriterId, list[ColumnGroup]] = {}
    for (writer, names), chunks in groups.items():
        by_writer.setdefault(writer, []).append(ColumnGroup(list(names), chunks))
    return by_writer


def _add_chunk(pack: PackWriter, chunk: ExportedChunk) -> ColumnChunk:
    axis = pack.add_blob(chunk.axis)
    return ColumnChunk(chunk.rows, axis, [pack.add_blob(values) for values in chunk.values])


def _add_journal(pack: PackWriter, root: Path, run: RunId, writer: WriterId, groups: list[ColumnGroup]) -> JournalPart:
    batches = _Tally(iter_batches(layout.journal_dir(root, run, writer), now_us=now_us()))
    controls = pack.add_controls(
        PackedControl(control.position, control.rows_before, control.raw)
        for batch in batches
        for control in batch.controls
    )
    end = batches.last.end
    packed_rows = sum(chunk.rows for group in groups for chunk in group.chunks)
    if packed_rows != end.rows:
        raise Unavailable(
            f"the series of run {run} have {packed_rows} rows of journal {writer}, which has {end.rows}; index "
            f"the store first.",
            code="pack.behind",
            run=run,
            writer=writer,
        )
    header = batches.last.header
    return JournalPart(
        writer=writer,
        segment=end.segment,
        byte=end.byte,
        rows=end.rows,
        is_closed=batches.last.is_closed,
        header=b"" if header is None else pack_header(header),
        controls=controls,
        groups=groups,
        damage=[PackedDamage(d.segment, d.byte, d.size, d.reason) for d in batches.damage],
        rounded=batches.rounded,
        last_step=batches.last_step,
    )


class _Tally:
    """Batches passed on, with what is only known at the end."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.last = Batch(Position())
        self.damage: list[Damage] = []
        self.rounded = 0
        self.last_step: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            self.last = batch
            if batch.rows:
                latest = max(batch.rows, key=lambda rows: int(rows.ordinals[-1]))
                self.last_step = int(latest.steps[-1])
            self.damage += batch.damage
            self.rounded += batch.rounded
            yield batch


def _compare(root: Path, run: RunId, pack: PackReader, writers: list[WriterId]) -> None:
    parts = {part.writer: part for part in pack.contents.journals}
    for writer in writers:
        segments = iter_batches(layout.journal_dir(root, run, writer), now_us=now_us())
        if fingerprint(segments) != fingerprint(iter_packed_batches(pack, parts[writer])):
            raise _mismatch(run, f"journal {writer}", writer=writer)


def _mismatch(run: RunId, what: str, **fields: str) -> Corrupt:
    return Corrupt(
        f"the pack of run {run} does not decode to what {what} holds; all of it stays. Rebuild the index with "
        f"`everbloom reindex` and pack it again.",
        code="pack.mismatch",
        run=run,
        **fields,
    )


def fingerprint(batches: Iterable[Batch]) -> dict[str, int]:
    """Return digests of all that batches of one journal tell, the same however it was cut into batches."""
    digests: dict[str, xxhash.xxh3_64] = {}

    def add(key: str, data: bytes) -> None:
        digests.setdefault(key, xxhash.xxh3_64()).update(data)

    rounded, end, is_closed = 0, Position(), False
    for batch in batches:
        for rows in batch.rows:
            names = "\0".join(rows.names)
            for field in ("ordinals", "steps", "times", "values"):
                add(f"rows {field} {names}", np.ascontiguousarray(getattr(rows, field)).tobytes())
        for control in batch.controls:
            place = (control.position, control.time_us, control.rows_before, len(control.raw))
            add("controls", repr(place).encode() + control.raw)
        for damage in batch.damage:
            add("damage", repr(damage).encode())
        rounded += batch.rounded
        end, is_closed = batch.end, batch.is_closed
    add("end", repr((end, is_closed, rounded)).encode())
    return {key: digest.intdigest() for key, digest in digests.items()}


def iter_packed_batches(pack: PackReader, part: JournalPart, *, window: int | None = None) -> Iterator[Batch]:
    """Yield what `journal.reader.iter_batches` told of a journal before it was packed.

    Batches may be cut elsewhere; their ends rise, and the last one's is the journal's.

    Args:
        pack: The pack.
        part: One of its journals.
        window: Rows in a batch; None for as many as keep memory bounded.
    """
    if window is None:
        window = max(1, _WINDOW_VALUES // (sum(len(group.names) for group in part.groups) or 1))
    cursors = [_Cursor(pack, group) for group in part.groups]
    controls = _Controls(pack.iter_controls(part))
    header = parse_header(part.header, path=pack.path) if part.header else None
    end = Position(0, 0, 0)
    for stop in range(window, part.rows, window):
        rows = [found for cursor in cursors if (found := cursor.take(stop)) is not None]
        told = controls.take(stop)
        end = _next_end(end, told, stop)
        yield Batch(end, rows, told, has_more=True, header=header)
    rows = [found for cursor in cursors if (found := cursor.take(None)) is not None]
    yield _last_batch(part, rows, controls.take(None), header)


def _next_end(before: Position, told: list[Control], rows: int) -> Position:
    # Rows take bytes, so there is a byte for each batch between two control records.
    at = told[-1].position if told else before.segment << 32 | before.byte
    return Position((at + 1) >> 32, (at + 1) & 0xFFFF_FFFF, rows)


def _last_batch(part: JournalPart, rows: list[Rows], told: list[Control], header: Header | None) -> Batch:
    return Batch(
        Position(part.segment, part.byte, part.rows),
        rows,
        told,
        [Damage(d.segment, d.byte, d.size, d.reason) for d in part.damage],
        is_closed=part.is_closed,
        rounded=part.rounded,
        header=header,
    )


class _Controls:
    """Control records, handed out by how many rows come before them."""

    def __init__(self, controls: Iterator[PackedControl]) -> None:
        self._controls = controls
        self._next = next(controls, None)

    def take(self, stop: int | None) -> list[Control]:
        told = []
        while self._next is not None and (stop is None or self._next.rows_before <= stop):
            told.append(_to_control(self._next))
            self._next = next(self._controls, None)
        return told


def _to_control(packed: PackedControl) -> Control:
    tag, time_us, body = _decode_control(packed.raw)
    record: Record = Unknown(tag=tag, body=msgspec.Raw(bytes(body)))
    if (decode := _decode_record.get(tag)) is not None:
        with contextlib.suppress(*_BAD_BYTES):  # a value that only a newer version knows, as in the reader
            record = decode(body)
    return Control(record, time_us, packed.position, packed.rows_before, packed.raw)


class _Cursor:
    """One key set's rows, handed out by their ordinals; decodes a chunk when it is reached."""

    def __init__(self, pack: PackReader, group: ColumnGroup) -> None:
        self._names = tuple(group.names)
        self._chunks = (_decode_chunk(pack, chunk) for chunk in group.chunks)
        self._waiting: Rows | None = None

    def take(self, stop: int | None) -> Rows | None:
        parts: list[Rows] = []
        while (chunk := self._peek()) is not None:
            count = len(chunk.ordinals) if stop is None else int(chunk.ordinals.searchsorted(stop))
            if count:
                parts.append(_slice_rows(chunk, slice(0, count)))
            if count < len(chunk.ordinals):
                self._waiting = _slice_rows(chunk, slice(count, None))
                break
            self._waiting = None
        if not parts:
            return None
        fields = ("steps", "times", "ordinals", "values")
        return Rows(self._names, *(np.concatenate([getattr(part, f) for part in parts]) for f in fields))

    def _peek(self) -> Rows | None:
        if self._waiting is None and (decoded := next(self._chunks, None)) is not None:
            axis, values = decoded
            self._waiting = Rows(self._names, axis.steps, axis.times, axis.ordinals, values)
        return self._waiting


def _slice_rows(rows: Rows, part: slice) -> Rows:
    return Rows(rows.names, rows.steps[part], rows.times[part], rows.ordinals[part], rows.values[part])


def _decode_chunk(
    pack: PackReader, chunk: ColumnChunk
) -> tuple[Axis, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    axis = decode_axis(pack.read_blob(chunk.axis))
    values = np.stack([decode_values(pack.read_blob(place), chunk.rows) for place in chunk.values], axis=1)
    if bool(np.all(axis.ordinals[1:] > axis.ordinals[:-1])):
        return axis, values
    order = np.argsort(axis.ordinals)
    return axis.take(order), values[order]


def adopt_pack(series: SeriesStore, pack: PackReader) -> int:
    """Let series rows refer to a pack's bytes where their chunks are the same; returns how many chunks it did so for.

    Chunks are cut by the journal alone, so after a rebuild from packs they are the same ones. Where they are
    not, because a journal was closed and went on, they keep their bytes in the database. Within the caller's
    transaction.
    """
    contents = pack.contents
    packed = {(part.writer, tuple(group.names)): group.chunks for part in contents.journals for group in part.groups}
    found: list[PackedChunk] = []
    for chunk in series.export_chunks(RunId(contents.run)):
        known = packed.get((chunk.group.writer, chunk.group.names), [])
        if chunk.seq < len(known) and _is_same(pack, chunk, known[chunk.seq]):
            column = known[chunk.seq]
            found.append(PackedChunk(chunk.group.id, chunk.seq, column.axis, tuple(column.values)))
    series.point_to_pack(found)
    return len(found)


def _is_same(pack: PackReader, chunk: ExportedChunk, column: ColumnChunk) -> bool:
    blobs, places = (chunk.axis, *chunk.values), (column.axis, *column.values)
    return len(blobs) == len(places) and all(
        len(blob) == place[1] and blob == pack.read_blob(place) for blob, place in zip(blobs, places, strict=True)
    )


class PackBlobs:
    """Reads blobs of many runs' packs for a `SeriesStore`; keeps a few packs open."""

    _OPEN_MAX = 16

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[RunId, tuple[int, PackReader]] = {}

    def read_blob(self, run: RunId, offset: int, length: int) -> bytes:
        """Return a blob's bytes from a run's pack.

        Raises:
            Corrupt: The bytes are damaged, or the pack is gone (`pack.missing`).
        """
        place: Place = (offset, length)
        return self._open_pack(run).read_blob(place)

    def _open_pack(self, run: RunId) -> PackReader:
        path = layout.pack_path(self._root, run)
        try:
            inode = path.stat().st_ino
            known = self._open.pop(run, None)
            if known is None or known[0] != inode:  # another one stands there since: it was added to
                if known is not None:
                    known[1].close()
                known = (inode, PackReader(path))
        except FileNotFoundError as error:
            raise Corrupt(
                f"the pack {path} is gone; restore it from a backup.", code="pack.missing", path=str(path)
            ) from error
        self._open[run] = known
        if len(self._open) > self._OPEN_MAX:
            self._open.pop(next(iter(self._open)))[1].close()
        return known[1]

    def close(self) -> None:
        """Close the packs that are open."""
        for _, pack in self._open.values():
            pack.close()
        self._open.clear()
