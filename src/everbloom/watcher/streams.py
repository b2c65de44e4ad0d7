"""Record and copy what training prints, from its spools.

Copying goes first: a person waits for it. Recording may have to wait for disk space; the spool keeps the text as
long as it is small, and where the disk stays full the oldest is let go and counted, so that the spool never takes
the space that printing itself needs.
"""

import contextlib
from collections.abc import Callable
from typing import Literal, cast

from everbloom.capture.fold import iter_pieces
from everbloom.capture.order import SpoolOrder
from everbloom.capture.spool import Spool
from everbloom.core.errors import Unavailable
from everbloom.core.records import Console, Problem, Record
from everbloom.watcher.space import punch, reserve

_RESERVE_BYTES = 8 * 1024 * 1024  # more than a fast printer fills between some turns
_PUNCH_BYTES = 1024 * 1024
_TURN_BYTES = 1024 * 1024  # recorded in one turn, so that heartbeat and end are not late

Append = Callable[[Record], None]


class Stream:
    """One stream of the training process.

    Attributes:
        is_copy_pending: Something was printed that has not arrived where it went before.
        is_record_pending: Something was printed that is not yet recorded.
    """

    def __init__(self, spool: Spool, order: SpoolOrder) -> None:
        """Take over a spool from wherever it was left."""
        self._spool = spool
        self._stream = cast(Literal["out", "err", "both"], order.stream)
        self._recorded = spool.read_offsets()[1]
        self._punched = 0
        self._reserved = 0
        self._dropped_bytes = 0
        self.is_copy_pending = self.is_record_pending = True
        self._keep_reserve()

    def turn(self, append: Append, *, is_end: bool = False) -> bool:
        """Copy and record what is new; returns whether anything moved.

        Args:
            append: Writes a record, or raises `Unavailable`.
            is_end: Nobody prints any more, so an unfinished line is recorded too.
        """
        copied = self._spool.copy(_TURN_BYTES)
        size = self._spool.size
        recorded = self._record(append, size, is_end=is_end) if self._recorded < size else 0
        self.is_record_pending = self._recorded < size
        self.is_copy_pending = not self._spool.is_copied()
        if copied or recorded:
            self._free()
            self._keep_reserve()
        return bool(copied or recorded)

    def _record(self, append: Append, size: int, *, is_end: bool) -> int:
        start = self._recorded
        while self._recorded < size and self._recorded - start < _TURN_BYTES:
            before = self._recorded
            data = self._spool.read(before)
            is_last = is_end and before + len(data) >= size
            try:
                for text, taken in iter_pieces(data, is_end=is_last):
                    if text:
                        append(Console(text=text, stream=self._stream, offset=before + taken))
                    self._recorded = before + taken
            except Unavailable:
                break
            if self._recorded == before:
                break
        if self._recorded != start:
            self._spool.set_recorded(self._recorded)
            self._tell_dropped(append)
        return self._recorded - start

    def _free(self) -> None:
        done = min(self._recorded, self._copied(self._recorded))
        if done - self._punched >= _PUNCH_BYTES:
            self._punched = punch(self._spool.fileno(), self._punched, done)

    def _keep_reserve(self) -> None:
        size = self._spool.size
        if self._reserved - size >= _RESERVE_BYTES // 2:
            return
        if not reserve(self._spool.fileno(), size, _RESERVE_BYTES):
            self._drop(size)
            if not reserve(self._spool.fileno(), size, _RESERVE_BYTES // 2):
                return
        self._reserved = size + _RESERVE_BYTES // 2

    def _drop(self, size: int) -> None:
        # A full disk: printing must go on, so text that cannot be recorded gives its space to what comes.
        copied = self._copied(size)
        self._dropped_bytes += max(0, copied - self._recorded)
        self._recorded = max(self._recorded, copied)
        self._spool.set_recorded(self._recorded)
        self._punched = punch(self._spool.fileno(), self._punched, min(self._recorded, copied))

    def _copied(self, otherwise: int) -> int:
        return otherwise if self._spool.target is None else self._spool.read_offsets()[0]

    def _tell_dropped(self, append: Append) -> None:
        if not self._dropped_bytes:
            return
        message = f"{self._dropped_bytes} bytes of console text were not recorded because the disk was full."
        with contextlib.suppress(Unavailable):  # told the next time
            append(Problem(code="console.dropped", message=message))
            self._dropped_bytes = 0

    @property
    def waits_for(self) -> int | None:
        """The descriptor that must take more before copying can go on; None where nothing waits."""
        return self._spool.target if self.is_copy_pending else None

    def has_printers(self) -> bool:
        """Tell whether a process, a child of training perhaps, may still print to it."""
        return self._spool.has_other_users()

    def finish(self, *, is_recorded: bool) -> None:
        """Let go of the spool, and delete it where all of it is recorded."""
        self._spool.close()
        if is_recorded:
            self._spool.remove()
