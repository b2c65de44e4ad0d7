"""A run's journal as this process sees it: through forks, full disks and the run's end.

While the store cannot take anything (a full disk), rows are given up and counted, because they come without end;
control records wait in a bounded queue with their own times and are written first as soon as there is room. A
forked child lets go of its parent's journal and opens one of its own at its first record.
"""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import InvalidInput, Unavailable
from everbloom.core.ids import RunId, WriterId, new_writer_id
from everbloom.core.records import Problem, Record, Start
from everbloom.journal.refusal import Refusal
from everbloom.journal.segment import PASSING_CODES
from everbloom.journal.writer import JournalWriter, now_in_range_us

QUEUE_MAX = 1_000

Listener = Callable[[JournalWriter], None]


class Recorder:
    """Appends records of this process to a run. Thread safe.

    Attributes:
        journal_id: The journal of this process, opened or yet to be.
    """

    def __init__(self, root: Path, run: RunId, start: Start, *, last_step: int = -1) -> None:
        """Open the journal, which writes its first record.

        Args:
            root: The store.
            run: The run to record.
            start: The journal's first record.
            last_step: What counted steps go on behind.

        Raises:
            Unavailable: The store cannot be written for any reason but a full disk or a limit on files; then recording
                begins when there is room.
        """
        self._root = root
        self._run = run
        self._start = start
        self._lock = threading.RLock()
        self._queue: deque[tuple[Record, int]] = deque()
        self._lost = 0
        self._last_step = last_step
        self._writer: JournalWriter | None = None
        self.journal_id = new_writer_id()
        self._refusal = Refusal(root)
        self._is_closed = False
        self._listener: Listener | None = None
        try:
            self._open()
        except Unavailable as error:
            if error.code not in PASSING_CODES:
                raise

    @property
    def writer_id(self) -> WriterId | None:
        """The journal of this process; None where it could not be opened yet."""
        return self._writer.writer_id if self._writer is not None else None

    def listen(self, listener: Listener) -> None:
        """Hand this process's journal to a listener, now and whenever another one is opened."""
        self._listener = listener
        if self._writer is not None:
            listener(self._writer)

    def _open(self) -> JournalWriter:
        if self._writer is None:
            self._refusal.check()
            try:
                writer = JournalWriter.open(self._root, self._run, self._start, writer_id=self.journal_id)
            except Unavailable as error:
                self._refusal.note(error)
                raise
            writer.last_step = self._last_step
            self._writer = writer
            if self._listener is not None:
                self._listener(writer)
        return self._writer

    def append(self, record: Record, *, time_us: int | None = None) -> None:
        """Append a control record, or keep it until there is room.

        Raises:
            Unavailable: There is no room now, or none was for so long that the oldest record had to go.
            InvalidInput: The run is finished, or the record too large.
        """
        with self._lock:
            self._check_open()
            try:
                self._flush_queue()
                self._open().append(record, time_us=time_us)
            except Unavailable:
                self._wait_for_room(record, now_in_range_us() if time_us is None else time_us)
                raise

    def _wait_for_room(self, record: Record, moment: int) -> None:
        self._queue.append((record, moment))
        if len(self._queue) > QUEUE_MAX:
            self._queue.popleft()
            self._lost += 1

    def _flush_queue(self) -> None:
        writer = self._open()
        while self._queue:
            record, moment = self._queue[0]
            writer.append(record, time_us=moment)
            self._queue.popleft()
        if self._lost:
            lost, self._lost = self._lost, 0
            writer.append(
                Problem(
                    code="records.lost",
                    message=f"{lost} records besides metrics were lost while the disk was full.",
                    count=lost,
                )
            )

    def takes_records(self) -> bool:
        """Write what waits; returns whether nothing does any more: the store takes records, as far as is known."""
        try:
            with self._lock:
                if not self._is_closed:
                    self._flush_queue()
        except Unavailable:
            return False
        return True

    def append_row(self, step: int | None, time_us: int | None, values: dict[str, float]) -> int:
        """Append one row and return its step; see `JournalWriter.append_row`.

        Raises:
            Unavailable: There is no room now; the row is given up.
            InvalidInput: The run is finished, or step or time is out of range.
        """
        with self._lock:
            self._check_open()
            self._flush_queue()
            return self._open().append_row(step, time_us, values)

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidInput(
                f"run {self._run} is finished; what is recorded now goes nowhere. Call finish() last, or start "
                f"another run with eb.init().",
                code="run.finished",
                run=self._run,
            )

    def close(self) -> None:
        """Write what waits, if there is room, and close the journal. May be called again."""
        with self._lock:
            if self._is_closed:
                return
            try:
                if self._queue or self._lost:
                    self._flush_queue()
            finally:
                self._is_closed = True
                if self._writer is not None:
                    self._writer.close()

    def leave(self) -> None:
        """In a forked child: let go of the parent's journal; the next record opens one of the child's own."""
        self._lock = threading.RLock()
        self._queue.clear()
        if self._writer is not None:
            self._last_step = self._writer.last_step
            self._writer.abandon()
            self._writer = None
        self.journal_id = new_writer_id()
        self._start = Start(
            kind="fork",
            rank=self._start.rank,
            host=self._start.host,
            user=self._start.user,
            version=self._start.version,
            session=self._start.session,
        )

    def is_stored(self) -> bool:
        """Tell whether the journal still stands where it was made; False where the store was deleted."""
        writer = self._writer
        return writer is None or layout.journal_dir(self._root, self._run, writer.writer_id).is_dir()
