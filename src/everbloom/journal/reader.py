"""Read a journal from where one stopped: rows as NumPy columns, control records as values, damage as data.

Rows of the same shape, which nearly all are, are decoded by NumPy at once; odd ones one by one. What cannot be
trusted is skipped, counted and reported, never guessed at: a block whose seal does not fit, the rest of an
unsealed block behind the first item that is neither a row nor a tagged record. Nothing here writes or locks; a
live writer may be read at any moment.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from everbloom.core import layout
from everbloom.core.clock import AHEAD_US, EARLIEST_US
from everbloom.core.errors import Corrupt
from everbloom.core.records import RECORD_TYPES, Record, Unknown
from everbloom.core.values import EXACT_INT
from everbloom.journal.format import (
    BLOCK_BYTES,
    BY_FILE_SIZE,
    CLOSING_BYTES,
    HEADER_BYTES,
    PADDING,
    SEAL_BYTES,
    Header,
    TornItem,
    block_start,
    compute_seal,
    find_item_end,
    parse_header,
)
from everbloom.journal.identity import boot_id
from everbloom.journal.shapes import RowShape, find_shape

BATCH_BYTES = 8 * 1024 * 1024  # about what one read returns at most, so that memory stays bounded

_Item = tuple[int | str, int, msgspec.Raw]
_decode_item = msgspec.msgpack.Decoder(_Item).decode
_decode_values = msgspec.msgpack.Decoder(dict[str, int | float | bool]).decode
_MAP_HEADS = frozenset({*range(0x80, 0x90), 0xDE, 0xDF})
_INT64 = range(-(2**63), 2**63)
_BAD_BYTES = (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode_record = {tag: msgspec.msgpack.Decoder(kind).decode for tag, kind in RECORD_TYPES.items()}


@dataclass(frozen=True)
class Position:
    """Where a reader stopped in a journal: segment number, byte in it, and rows read so far."""

    segment: int = 0
    byte: int = HEADER_BYTES
    rows: int = 0


@dataclass(frozen=True)
class Rows:
    """Rows of one key set, in the order they were written.

    Attributes:
        names: The metrics, sorted.
        steps: Shape (n,), int64.
        times: Shape (n,), int64, microseconds since 1970.
        ordinals: Shape (n,), int64: each row's number in its journal, over all key sets.
        values: Shape (n, len(names)), float64.
    """

    names: tuple[str, ...]
    steps: NDArray[np.int64]
    times: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Control:
    """A control record where it stood.

    Attributes:
        record: What it says; `Unknown` for a type, or a body of a known type, that only a newer version knows.
        time_us: When it was written, by the writer's clock.
        position: `segment << 32 | byte`; grows along the journal.
        rows_before: How many rows of the journal came before it.
        raw: Its bytes.
    """

    record: Record
    time_us: int
    position: int
    rows_before: int
    raw: bytes


@dataclass(frozen=True)
class Damage:
    """Bytes that could not be trusted and were skipped."""

    segment: int
    byte: int
    size: int
    reason: str


@dataclass
class Batch:
    """What one read found.

    Attributes:
        end: Where to go on.
        is_closed: The writer said that nothing comes after this, and all of it is in this batch or before.
        has_more: There are committed bytes behind `end` already.
        rounded: How many integers beyond 2^53 were rounded to float64.
        header: The last segment's header; None where there is no segment yet.
    """

    end: Position
    rows: list[Rows] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    is_closed: bool = False
    has_more: bool = False
    rounded: int = 0
    header: Header | None = None


def read_batch(journal: Path, start: Position, *, now_us: int, max_bytes: int = BATCH_BYTES) -> Batch:
    """Read what was committed behind a position, at most about `max_bytes`.

    Args:
        journal: The folder of one writer's segments.
        start: Where the last read ended.
        now_us: The reader's clock; times after tomorrow are damage in what another boot left unsealed.
        max_bytes: When to stop, after the segment block in which it is reached.

    Raises:
        UnsupportedVersion: A newer Everbloom wrote a segment.
    """
    decoder = _Decoder(start, now_us)
    while not decoder.is_done:
        _read_segment(journal, decoder, max_bytes)
    return decoder.finish()


def iter_batches(journal: Path, *, now_us: int, start: Position | None = None) -> Iterator[Batch]:
    """Yield batches until nothing committed is left."""
    position = start or Position()
    while True:
        batch = read_batch(journal, position, now_us=now_us)
        yield batch
        if not batch.has_more:
            return
        position = batch.end


def read_header(journal: Path, segment: int) -> Header | None:
    """Read a segment's header; None where it does not exist or is not written yet."""
    path = layout.segment_path(journal, segment)
    try:
        with path.open("rb") as file:
            return parse_header(file.read(HEADER_BYTES), path=path)
    except FileNotFoundError:
        return None


def _find_next(journal: Path, segment: int) -> int | None:
    """Return the number of the first segment behind `segment`, which is the next one unless that went missing."""
    following = layout.segment_path(journal, segment + 1)
    if following.exists():
        return segment + 1
    try:
        names = [path.name for path in journal.iterdir()]
    except FileNotFoundError:
        return None
    stems = (name.removesuffix(".seg") for name in names if name.endswith(".seg"))
    later = min((int(stem) for stem in stems if stem.isdecimal() and int(stem) > segment), default=None)
    # A live writer may have made both while the folder was listed, and a listing is not one moment.
    return segment + 1 if later is not None and following.exists() else later


def _read_segment(journal: Path, decoder: "_Decoder", max_bytes: int) -> None:
    path = layout.segment_path(journal, decoder.segment)
    # Asked before the bytes are read: whatever a writer puts into segment n is there before n + 1 is.
    following = _find_next(journal, decoder.segment)
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        if following is None:
            decoder.stop(has_more=False)
        else:
            decoder.skip_to(following)
        return
    with file:
        try:
            header = parse_header(file.read(HEADER_BYTES), path=path)
        except Corrupt as error:
            decoder.skip_segment(os.fstat(file.fileno()).st_size, error.message, following)
            return
        size = os.fstat(file.fileno()).st_size
        if header is None:  # its writer has just made the file, or died on the way; not if it made another one
            if following is None:
                decoder.stop(has_more=False)
            else:
                decoder.skip_segment(size, "the segment has no header", following)
            return
        committed = size if header.committed == BY_FILE_SIZE else min(header.committed, size)
        decoder.begin_segment(header, is_last=following is None)
        is_waiting = _read_blocks(file, decoder, committed, max_bytes)
        if is_waiting or decoder.byte < committed:
            decoder.stop(has_more=not is_waiting)
            return
        is_closed = _has_closing_mark(file, committed)
        if is_closed and following is None:
            # A full segment is marked too, after the next one was made: perhaps since we asked.
            following = _find_next(journal, decoder.segment)
        decoder.end_segment(following, is_closed=is_closed)


def _read_blocks(file: BinaryIO, decoder: "_Decoder", committed: int, max_bytes: int) -> bool:
    """Decode block by block; True where the last item is still being written and must be waited for."""
    while decoder.byte < committed and decoder.bytes_read < max_bytes:
        start = decoder.byte - decoder.byte % BLOCK_BYTES
        file.seek(start)
        if not decoder.decode_block(file.read(min(BLOCK_BYTES, committed - start)), start):
            return True
    return False


def _has_closing_mark(file: BinaryIO, committed: int) -> bool:
    position = committed - CLOSING_BYTES
    if position < HEADER_BYTES:
        return False
    start = block_start(position)
    file.seek(start)
    content = file.read(committed - start)
    return is_closing_mark(content[position - start :], content[: position - start])


def is_closing_mark(data: bytes, content: bytes | memoryview) -> bool:
    """Tell whether `data` is the mark that a writer leaves behind its last record, for that block's content."""
    return len(data) == CLOSING_BYTES and data[0] == PADDING and compute_seal(content) == data[1:]


class _Violation(Exception):
    """What stands at `position` of a block can be neither a row nor a record."""

    def __init__(self, position: int, reason: str, *, is_incomplete: bool = False) -> None:
        super().__init__(position, reason)
        self.position, self.reason, self.is_incomplete = position, reason, is_incomplete


class _Runs:
    """Rows of one shape in one block: where they stand and which ordinals they have."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.counts: list[int] = []
        self.ordinals: list[int] = []

    def add(self, start: int, count: int, ordinal: int) -> None:
        self.starts.append(start)
        self.counts.append(count)
        self.ordinals.append(ordinal)

    def row_starts(self, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return each row's offset in the block and its ordinal."""
        counts = np.array(self.counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(self.starts, counts) + within * size, np.repeat(self.ordinals, counts) + within


class _Decoder:
    """The state of one read: where it is, and what it has gathered."""

    def __init__(self, start: Position, now_us: int) -> None:
        self.segment, self.byte, self.rows_read = start.segment, start.byte, start.rows
        self.bytes_read = 0
        self.is_done = False
        self._latest_us = now_us + AHEAD_US
        self._is_other_boot = self._is_growing = self._is_by_size = False
        self._batch = Batch(start)
        self._gathered: dict[tuple[str, ...], list[Rows]] = {}
        self._shapes: list[RowShape] = []
        self._runs: dict[RowShape, _Runs] = {}

    def begin_segment(self, header: Header, *, is_last: bool) -> None:
        self._batch.header = header
        self._is_by_size = is_by_size = header.committed == BY_FILE_SIZE
        # What a file grew by was written; only space that was allocated may hold anything after a power cut.
        self._is_other_boot = header.boot != boot_id() and not is_by_size
        self._is_growing = is_by_size and is_last

    def decode_block(self, block: bytes, start: int) -> bool:
        """Decode from where the read stands to the end of the block; False where it must wait for more bytes."""
        content_start = block_start(start) - start
        content_end, is_sealed, reason = _check_seal(block, content_start, is_by_size=self._is_by_size)
        if reason is not None:
            self._skip(start + len(block), reason)
            return True
        try:
            position = self._decode_items(block, start, content_end, is_sealed=is_sealed)
            if not is_sealed and position < content_end:
                rest = block[position:]
                is_unfinished = (
                    len(rest) < CLOSING_BYTES or rest.count(PADDING, 0, -SEAL_BYTES) == len(rest) - SEAL_BYTES
                )
                raise _Violation(position, "padding stands where an item should", is_incomplete=is_unfinished)
        except _Violation as violation:
            self._advance(start + violation.position)
            if violation.is_incomplete and self._is_growing and not is_sealed:
                return False  # a `write()` on its way: the rest comes with the next read
            self._skip(start + len(block), violation.reason)
        else:
            self._advance(start + len(block))
        finally:
            self._decode_runs(block)
        return True

    def _decode_items(self, block: bytes, start: int, end: int, *, is_sealed: bool) -> int:
        position = self.byte - start
        while position < end and block[position] != PADDING:
            shape = find_shape(block, position, end, self._shapes)
            if shape is None:
                position = self._decode_item(block, start, position, end, is_sealed=is_sealed)
                continue
            count = shape.count_rows(block, position, end)
            fitting = count if is_sealed else self._count_in_range(shape, block, position, count)
            if fitting:
                self._runs.setdefault(shape, _Runs()).add(position, fitting, self.rows_read)
                self.rows_read += fitting
            position += fitting * shape.size
            if fitting < count:
                raise _Violation(position, "a row's time is out of range")
        return position

    def _count_in_range(self, shape: RowShape, block: bytes, position: int, count: int) -> int:
        times = shape.decode_times(shape.matrix(block, position, count))
        is_bad = times < EARLIEST_US
        if self._is_other_boot:
            is_bad |= times > self._latest_us
        bad = np.flatnonzero(is_bad)
        return int(bad[0]) if len(bad) else count

    def _decode_runs(self, block: bytes) -> None:
        """Turn the rows found in a block into columns, all rows of a shape at once."""
        for shape, runs in self._runs.items():
            if len(runs.starts) == 1:
                matrix = shape.matrix(block, runs.starts[0], runs.counts[0])
                ordinals = np.arange(runs.ordinals[0], runs.ordinals[0] + runs.counts[0])
            else:
                starts, ordinals = runs.row_starts(shape.size)
                matrix = np.frombuffer(block, np.uint8)[starts[:, None] + np.arange(shape.size)]
            values, rounded = shape.decode_values(matrix)
            self._batch.rounded += rounded
            times = shape.decode_times(matrix)
            self._gather(Rows(shape.names, shape.decode_steps(matrix), times, ordinals, values))
        self._runs.clear()

    def _decode_item(self, block: bytes, start: int, position: int, end: int, *, is_sealed: bool) -> int:
        try:
            item_end = find_item_end(block, position, end)
        except TornItem as torn:
            raise _Violation(position, "an item is cut off", is_incomplete=torn.is_incomplete) from torn
        reason = self._take_item(block[position:item_end], start + position, is_sealed=is_sealed)
        if reason is not None and not is_sealed:
            raise _Violation(position, reason)
        if reason is not None:  # the seal says that this was written so, and where it ends is known: only it is lost
            self._note_bad_item(start + position, item_end - position, reason)
        return item_end

    def _note_bad_item(self, byte: int, size: int, reason: str) -> None:
        last = self._batch.damage[-1] if self._batch.damage else None
        if last is not None and (last.segment, last.byte + last.size) == (self.segment, byte):
            self._batch.damage[-1] = Damage(last.segment, last.byte, last.size + size, last.reason)
        else:
            self._batch.damage.append(Damage(self.segment, byte, size, reason))

    def _take_item(self, raw: bytes, byte: int, *, is_sealed: bool) -> str | None:
        """Take an item into the batch; returns why not where it is neither a row nor a record."""
        try:
            first, time_us, body = _decode_item(raw)
            is_in_range = time_us in _INT64 if is_sealed else self._is_in_range(time_us)
            if not is_in_range:
                return f"an item's time {time_us} is out of range"
            if isinstance(first, str):
                return self._take_control(first, time_us, body, raw, byte)
            return self._take_odd_row(first, time_us, _decode_values(body))
        except _BAD_BYTES as error:
            return f"an item is neither a row nor a record: {error}"

    def _is_in_range(self, time_us: int) -> bool:
        return EARLIEST_US <= time_us < 2**63 and not (self._is_other_boot and time_us > self._latest_us)

    def _take_odd_row(self, step: int, time_us: int, values: dict[str, int | float]) -> str | None:
        if step not in _INT64 or not values:
            return f"a row's step {step} is out of range, or it has no values"
        names = tuple(sorted(values))
        self._batch.rounded += sum(type(v) is int and abs(v) > EXACT_INT for v in values.values())
        row = np.array([[float(values[name]) for name in names]])
        steps, times, ordinals = (np.array([number], np.int64) for number in (step, time_us, self.rows_read))
        self._gather(Rows(names, steps, times, ordinals, row))
        self.rows_read += 1
        return None

    def _gather(self, rows: Rows) -> None:
        self._gathered.setdefault(rows.names, []).append(rows)

    def _take_control(self, tag: str, time_us: int, body: msgspec.Raw, raw: bytes, byte: int) -> str | None:
        content = bytes(body)
        if content[0] not in _MAP_HEADS:
            return f"the body of a record {tag[:40]!r} is no map"
        position = self.segment << 32 | byte
        self._batch.controls.append(Control(_to_record(tag, content), time_us, position, self.rows_read, raw))
        return None

    def _skip(self, byte: int, reason: str) -> None:
        self._batch.damage.append(Damage(self.segment, self.byte, byte - self.byte, reason))
        self._advance(byte)

    def _advance(self, byte: int) -> None:
        self.bytes_read += byte - self.byte
        self.byte = byte

    def skip_segment(self, size: int, reason: str, following: int | None) -> None:
        """Pass over a segment of which nothing can be read."""
        if size > self.byte:
            self._skip(size, reason)
        self.end_segment(following, is_closed=False)

    def skip_to(self, following: int) -> None:
        """Pass over segments that are not there; how large they were is not known, so 0 bytes are counted."""
        reason = f"segments {self.segment} to {following - 1} are missing"
        self._batch.damage.append(Damage(self.segment, HEADER_BYTES, 0, reason))
        self.segment, self.byte = following, HEADER_BYTES

    def end_segment(self, following: int | None, *, is_closed: bool) -> None:
        """Go on to the following segment, or stop where there is none."""
        if following is None:
            self._batch.is_closed = is_closed
            self.stop(has_more=False)
            return
        self.segment, self.byte = self.segment + 1, HEADER_BYTES
        if following > self.segment:
            self.skip_to(following)

    def stop(self, *, has_more: bool) -> None:
        self._batch.has_more = has_more
        self.is_done = True

    def finish(self) -> Batch:
        """Join what was gathered."""
        self._batch.end = Position(self.segment, self.byte, self.rows_read)
        self._batch.rows = [_join(names, pieces) for names, pieces in self._gathered.items()]
        return self._batch


def _check_seal(block: bytes, content_start: int, *, is_by_size: bool) -> tuple[int, bool, str | None]:
    """Return where a block's items end at most, whether a seal vouches for them, and what is wrong with it."""
    view = memoryview(block)
    if len(block) == BLOCK_BYTES:
        end = BLOCK_BYTES - SEAL_BYTES
        fits = compute_seal(view[content_start:end]) == block[end:]
        return end, fits, None if fits else "the block's seal does not fit its bytes"
    end = len(block) - CLOSING_BYTES
    if end < content_start or block[end] != PADDING:
        return len(block), False, None
    if is_closing_mark(block[end:], view[content_start:end]):
        return end, True, None
    # A record may hold that byte at that place too, so the items decide. A file that grows may end within an item;
    # what was published by its length may not.
    if is_by_size:
        is_broken = block.count(PADDING, end) <= SEAL_BYTES and _holds_items(block, content_start, end)
    else:
        is_broken = not _holds_items(block, content_start, len(block))
    return len(block), False, "the closing seal does not fit its bytes" if is_broken else None


def _holds_items(block: bytes, position: int, end: int) -> bool:
    """Tell whether whole items fill the bytes up to `end` exactly."""
    try:
        while position < end and block[position] != PADDING:
            position = find_item_end(block, position, end)
    except TornItem:
        return False
    return position == end


def _to_record(tag: str, content: bytes) -> Record:
    decode = _decode_record.get(tag)
    if decode is not None:
        with contextlib.suppress(*_BAD_BYTES):  # a value that only a newer version knows: carried along untouched
            return decode(content)
    msgspec.msgpack.decode(content)  # must be one that somebody can read; raises where it is not
    return Unknown(tag=tag, body=msgspec.Raw(content))


def _join(names: tuple[str, ...], pieces: list[Rows]) -> Rows:
    """Join pieces of one key set in the order of their ordinals."""
    joined = Rows(
        names,
        np.concatenate([piece.steps for piece in pieces]),
        np.concatenate([piece.times for piece in pieces]),
        np.concatenate([piece.ordinals for piece in pieces]),
        np.concatenate([piece.values for piece in pieces]),
    )
    if (np.diff(joined.ordinals) > 0).all():
        return joined
    order = np.argsort(joined.ordinals)
    return Rows(names, joined.steps[order], joined.times[order], joined.ordinals[order], joined.values[order])
