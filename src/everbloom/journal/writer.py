"""One writer's journal: what `append` and `append_row` returned from survives the death of this process.

A writer is a training process, a forked child, a rank, a watcher or an importer; no two share a journal, so
there is nothing to lock between processes. Within the process any number of threads may append. The two
things that a signal can do in the middle of an append are provided for: a handler that records something
itself (its records wait until the interrupted one is whole) and one that raises (the interrupted record was
not published and its space is used again).
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from everbloom.core import layout
from everbloom.core.clock import AHEAD_US, EARLIEST_US, now_ns, now_us
from everbloom.core.errors import EverbloomError, InvalidInput, Unavailable
from everbloom.core.ids import RunId, WriterId, new_writer_id
from everbloom.core.interrupts import find_handler_error
from everbloom.core.records import Record, Start, Unknown
from everbloom.journal.format import BLOCK_BYTES, RECORD_MAX_BYTES, Header, encode_item, too_large
from everbloom.journal.identity import boot_id, host_id, process_start
from everbloom.journal.refusal import Refusal
from everbloom.journal.registry import register_writer, unregister_writer
from everbloom.journal.segment import PASSING_CODES, MappedSegment, Segment, WrittenSegment, can_map, to_unavailable

SEGMENT_FIRST_BYTES = 256 * 1024
SEGMENT_SECOND_BYTES = 4 * 1024 * 1024
SEGMENT_MAX_BYTES = 16 * 1024 * 1024
STEP_MAX = 2**63 - 1
_FOLDER_TRIES = 100

Otherwise = Callable[[Any, Any, Any], None]  # takes (values, step, time) of a `log` call

_are_numbers = frozenset((int, float)).issuperset


def segment_size(number: int) -> int:
    """Return how many bytes segment `number` is given: small first, then 4 MiB growing to 16 MiB."""
    if number == 0:
        return SEGMENT_FIRST_BYTES
    return min(SEGMENT_SECOND_BYTES << (number - 1), SEGMENT_MAX_BYTES)


class JournalWriter:
    """Append records to a journal of one's own.

    Thread safe. Not to be used across a fork: the child calls `abandon` and opens its own.

    Attributes:
        run: The run that the records belong to.
        writer_id: This writer's own id.
        last_step: The highest-numbered call's step: what `append_row` without a step counts on from.
    """

    __slots__ = (
        "_deferred",
        "_is_busy",
        "_is_closed",
        "_is_closing",
        "_journal",
        "_lock",
        "_map_allowed",
        "_number",
        "_refusal",
        "_root",
        "_segment",
        "last_step",
        "run",
        "writer_id",
    )

    def __init__(
        self, root: Path, run: RunId, *, is_mapped: bool | None = None, writer_id: WriterId | None = None
    ) -> None:
        """Prepare a writer; nothing is written before `open`."""
        self.run = run
        self.writer_id: WriterId = writer_id or new_writer_id()
        self.last_step = -1
        self._root = root
        self._journal = layout.journal_dir(root, run, self.writer_id)
        self._map_allowed = is_mapped
        self._lock = threading.RLock()
        self._number = -1
        self._is_busy = False
        self._is_closing = self._is_closed = False
        self._refusal = Refusal(self._journal)
        self._deferred: deque[tuple[int | None, int, bytes | dict[str, float]]] = deque()
        self._segment: Segment | None = None

    @classmethod
    def open(
        cls,
        root: Path,
        run: RunId,
        start: Start,
        *,
        is_mapped: bool | None = None,
        writer_id: WriterId | None = None,
    ) -> "JournalWriter":
        """Register a new journal in the store and write its first record.

        Args:
            root: The store's folder; made if missing.
            run: The run that it belongs to.
            start: The journal's first record.
            is_mapped: Force memory-mapped or written segments; None chooses by platform and file system.
            writer_id: Its id, where it was announced before; None makes one.

        Raises:
            Unavailable: The store cannot be written; says why and what to do.
        """
        writer = cls(root, run, is_mapped=is_mapped, writer_id=writer_id)
        try:
            _make_folder(writer._journal)
            register_writer(root, run, writer.writer_id)
        except FileNotFoundError as error:
            raise _no_place(root) from error
        except OSError as error:
            raise to_unavailable(error, writer._journal) from error
        try:
            writer.append(start)
        except EverbloomError:
            unregister_writer(root, run, writer.writer_id)
            raise
        return writer

    @property
    def number(self) -> int:
        """The number of the segment that is written now."""
        return self._number

    def append_row(self, step: int | None, time_us: int | None, values: dict[str, float]) -> int:
        """Append one row of numbers, published on return.

        A call that a signal handler makes in the middle of another append is published when that one is whole.

        Args:
            step: Within int64; None counts: one more than the step of the call before, 0 at first.
            time_us: Microseconds since 1970, from 2000 to tomorrow; None is now.
            values: Names to exact `int` or `float`; integers within int64. Not checked here. Where there are
                none, nothing is written.

        Returns:
            The row's step.

        Raises:
            InvalidInput: Step or time is out of range (`step.out_of_range`, `time.out_of_range`).
            Unavailable: There is no space for it (`disk.full`, `process.file_limit`), or the store is gone; the row
                is not recorded.
            OverflowError: An integer does not fit; the row is not recorded.
        """
        with self._lock:
            if step is None:
                step = self.last_step + 1
            if not -STEP_MAX <= step <= STEP_MAX:
                raise _step_out_of_range(step)
            self.last_step = step
            if time_us is None:
                time_us = now_ns() // 1000
                if time_us < EARLIEST_US:
                    time_us = EARLIEST_US
            else:
                check_time(time_us)
            if self._is_busy:
                self._deferred.append((step, time_us, dict(values)))
                return step
            if not values:
                return step
            self._is_busy = True
            try:
                data = encode_item((step, time_us, values))
                segment = self._segment
                if segment is None or segment.position + len(data) > segment.limit:
                    self._append_slowly(data, (step, time_us, values))
                else:
                    segment.append(data)
            finally:
                try:
                    if self._deferred or self._is_closing:
                        self._catch_up()
                finally:
                    self._is_busy = False
        return step

    def build_log(
        self,
        is_known: Callable[[dict[str, Any]], bool],
        otherwise: Otherwise,
        handle: Callable[[Exception], None],
    ) -> Callable[..., None]:
        """Return a `log(values, *, step=None, time=None)` that appends a plain row by the shortest way.

        It does what `append_row` does, written out in one closure: the calls in between and the `with` would be
        a sixth of the cost. It takes plain dicts of known names to numbers, while there is room in the block and
        no append is under way in this thread; everything else, what fails included, goes to `otherwise`, with
        nothing recorded yet. To look at the sum's type instead of each value's would be faster, but an object that
        adds up to a float may be encoded as something else (docs/decisions/0011).

        Args:
            is_known: Tells whether every key of a dict was checked before.
            otherwise: Takes (values, step, time) as they came.
            handle: Takes what a signal handler's own append, caught up with after this one, raised.
        """
        lock, encode, now = self._lock, encode_item, now_ns
        acquire, release = lock.acquire, lock.release

        def log(values: Any, *, step: Any = None, time: Any = None) -> None:
            is_plain = (
                type(values) is dict
                and time is None
                and is_known(values)
                and _are_numbers(map(type, values.values()))
                and (step is None or type(step) is int)
            )
            is_done = False
            if is_plain:
                try:
                    acquire()
                    segment = self._segment
                    if not self._is_busy and type(segment) is MappedSegment:
                        self._is_busy = True
                        try:
                            used = self.last_step + 1 if step is None else step
                            time_us = now() // 1000
                            data = encode((used, time_us, values))
                            position = segment.position
                            end = position + len(data)
                            if end <= segment.limit and time_us > EARLIEST_US and used <= STEP_MAX and values:
                                segment.map[position:end] = data
                                segment.position = end
                                segment.committed[0] = end
                                self.last_step = used
                                is_done = True
                            if self._deferred or self._is_closing:
                                self._catch_up()
                        finally:
                            self._is_busy = False
                except BaseException as error:
                    if lock._is_owned():  # type: ignore[attr-defined]  # noqa: SLF001 - else the wait was broken off
                        release()
                    if not isinstance(error, Exception) or find_handler_error(error):
                        raise
                    if is_done:
                        handle(error)
                else:
                    release()
            if not is_done:
                otherwise(values, step, time)

        return log

    def append(self, record: Record, *, time_us: int | None = None) -> None:
        """Append one control record, published on return.

        Raises:
            InvalidInput: It is larger than a record may be (`record.too_large`); keep it as a blob instead. Or its
                time is not between 2000 and tomorrow (`time.out_of_range`).
            Unavailable: There is no space for it, or the store is gone; it is not recorded.
        """
        data = encode_record(record, now_in_range_us() if time_us is None else check_time(time_us))
        with self._lock:
            if self._is_busy:
                self._deferred.append((None, 0, data))
                return
            self._is_busy = True
            try:
                self._append_bytes(data)
            finally:
                try:
                    if self._deferred or self._is_closing:
                        self._catch_up()
                finally:
                    self._is_busy = False

    def close(self) -> None:
        """Seal and truncate the journal; later appends raise. May be called again.

        Called by a signal handler in the middle of an append, it takes effect when that one is whole.
        """
        with self._lock:
            if self._is_busy:
                self._is_closing = True
                return
            self._is_busy = True
            try:
                self._catch_up()
                self._close_now()
            finally:
                self._is_busy = False

    def _close_now(self) -> None:
        if self._segment is not None and layout.segment_path(self._journal, self._number + 1).exists():
            # A handler raised while it was made. A reader may have seen it, so it is made whole, not taken away.
            with contextlib.suppress(EverbloomError):
                self._open_next_segment()
        self._is_closed = True
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def abandon(self) -> None:
        """Let go of the files without touching them: a forked child does this with its parent's writer."""
        # The lock is not taken: in a child it may be held by a thread that the fork left behind.
        self._is_closed = True
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.abandon()

    def _append_slowly(self, data: bytes, row: tuple[int, int, dict[str, float]]) -> None:
        if len(data) <= RECORD_MAX_BYTES:
            self._append_bytes(data)
            return
        step, time_us, values = row
        items = list(values.items())
        if len(items) == 1:
            raise too_large(len(data), f"metric {items[0][0][:40]!r}…")
        for half in (items[: len(items) // 2], items[len(items) // 2 :]):
            part = dict(half)
            self._append_slowly(encode_item((step, time_us, part)), (step, time_us, part))

    def _append_bytes(self, data: bytes) -> None:
        if self._is_closed:
            raise Unavailable(
                f"the journal of run {self.run} is closed; nothing can be recorded any more.",
                code="journal.closed",
                run=self.run,
            )
        if len(data) > RECORD_MAX_BYTES:
            raise too_large(len(data), "a record")
        segment = self._segment
        if segment is None or not segment.has_room(len(data)):
            segment = self._open_next_segment()
        segment.append(data)

    def _catch_up(self) -> None:
        """Do what signal handlers asked for meanwhile; still busy, so that the next handler waits its turn too."""
        while self._deferred:
            # Taken off after it is published: were the next handler to raise in between, it would be lost.
            step, time_us, data = self._deferred[0]
            try:
                if isinstance(data, bytes):
                    self._append_bytes(data)
                elif step is not None and data:
                    self._append_slowly(encode_item((step, time_us, data)), (step, time_us, data))
            except (EverbloomError, OverflowError):
                self._deferred.popleft()  # refused, as it would have been at once; the caller is told
                raise
            self._deferred.popleft()
        if self._is_closing:
            self._close_now()

    def _open_next_segment(self) -> Segment:
        self._refusal.check()
        number, pid = self._number + 1, os.getpid()
        header = Header(0, number, self.writer_id, host_id(), boot_id(), process_start(pid), pid)
        is_mapped = can_map(self._journal) if self._map_allowed is None else self._map_allowed
        try:
            fresh = _create_segment(layout.segment_path(self._journal, number), header, is_mapped=is_mapped)
        except EverbloomError as error:
            self._refusal.note(error)
            raise
        # The old one is closed after the new one stands, or a reader would take the journal for complete.
        full, self._segment, self._number = self._segment, fresh, number
        self._refusal.clear()
        if full is not None:
            full.close()
        return fresh


def _create_segment(path: Path, header: Header, *, is_mapped: bool) -> Segment:
    """Create a segment of the size that is its turn, or of what an almost full disk still has."""
    size = segment_size(header.number)
    if not is_mapped:
        return WrittenSegment(path, header, size)
    while True:
        try:
            return MappedSegment(path, header, size)
        except EverbloomError as error:
            if error.code not in PASSING_CODES or size <= BLOCK_BYTES:
                raise
            size = max(size // 4, BLOCK_BYTES)


def encode_record(record: Record, time_us: int) -> bytes:
    """Return the bytes of a control record: `[tag, time, {field: value}]`."""
    if isinstance(record, Unknown):
        return encode_item((record.tag, time_us, record.body))
    return encode_item((record.tag_name, time_us, record))


def now_in_range_us() -> int:
    """Return the time to record: a clock that was never set must not write what every reader takes for damage."""
    return max(now_us(), EARLIEST_US)


def check_time(time_us: int) -> int:
    """Return a time that a record was given, if every reader will take it for one.

    Raises:
        InvalidInput: It is before 2000 or later than tomorrow (`time.out_of_range`).
    """
    if not EARLIEST_US <= time_us <= now_in_range_us() + AHEAD_US:
        raise InvalidInput(
            f"time {time_us / 1e6:.15g} s since 1970 is before 2000 or more than a day ahead of this machine's clock; "
            f"give a datetime or seconds since 1970, or no time for now.",
            code="time.out_of_range",
            time_us=time_us,
        )
    return time_us


def _step_out_of_range(step: int) -> InvalidInput:
    return InvalidInput(
        f"step {step} does not fit into 64 bits; count from a smaller one.", code="step.out_of_range", step=step
    )


def _no_place(root: Path) -> Unavailable:
    return Unavailable(
        f"cannot make the store {root}: the file system takes no folder there; set EVERBLOOM_ROOT to a writable one.",
        code="root.not_a_folder",
        path=str(root),
    )


def _make_folder(path: Path) -> None:
    """Make a journal's folder and those above it, though whoever packs the run takes empty ones away meanwhile."""
    for _ in range(_FOLDER_TRIES):
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            return path.mkdir(parents=True, exist_ok=True)
    return path.mkdir(parents=True, exist_ok=True)
