"""Record and copy what training prints, from its spools.

Copying goes first: a person waits for it. Recording may have to wait for disk space; the spool keeps the text, and
only where recording has stopped and printing itself needs the space is the oldest let go and counted (capture.room).
"""

from collections.abc import Callable
from typing import Literal, cast

from everbloom.capture.dropped import to_problem
from everbloom.capture.fold import iter_pieces
from everbloom.capture.order import SpoolOrder
from everbloom.capture.room import Room
from everbloom.capture.spool import Spool
from everbloom.core.errors import Unavailable
from everbloom.core.records import Console, Record

_TURN_BYTES = 1024 * 1024  # recorded in one turn, so that heartbeat and end are not late

Append = Callable[[Record], None]


class Stream:
    """One stream of the training process.

    Attributes:
        is_copy_pending: Something was printed that has not arrived where it went before.
        is_record_pending: Something was printed that is not yet recorded, or dropped and not yet told.
    """

    def __init__(self, spool: Spool, order: SpoolOrder) -> None:
        """Take over a spool from wherever it was left."""
        self._spool = spool
        self._stream = cast(Literal["out", "err", "both"], order.stream)
        self._room = Room(spool)
        self._recorded = self._noted = spool.read_offsets().recorded
        self._told = 0
        self._is_refused = False
        self.is_copy_pending = self.is_record_pending = True
        self._room.keep(may_drop=False)

    def turn(self, append: Append, *, is_end: bool = False) -> bool:
        """Copy and record what is new; returns whether anything moved.

        Args:
            append: Writes a record, or raises `Unavailable`.
            is_end: Nobody prints any more, so an unfinished line is recorded too.
        """
        copied = self._spool.copy(_TURN_BYTES)
        size = self._spool.size
        recorded = self._record(append, size, is_end=is_end) if self._recorded < size else 0
        is_told = self._tell_dropped(append)
        self.is_record_pending = self._recorded < size or not is_told
        self.is_copy_pending = not self._spool.is_copied()
        if recorded or copied:
            self._room.free()
        self._room.keep(may_drop=self._is_refused)
        return bool(copied or recorded)

    def _record(self, append: Append, size: int, *, is_end: bool) -> int:
        with self._spool.recording() as is_held:
            return self._record_held(append, size, is_end=is_end) if is_held else 0

    def _record_held(self, append: Append, size: int, *, is_end: bool) -> int:
        # Somebody may have dropped text meanwhile, and its place is empty now.
        start = self._recorded = max(self._recorded, self._spool.read_offsets().recorded)
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
                self._is_refused = True
                break
            self._is_refused = False
            if self._recorded == before:
                break
        if self._recorded != self._noted and self._spool.set_recorded(self._recorded):
            self._noted = self._recorded
        return self._recorded - start

    def _tell_dropped(self, append: Append) -> bool:
        offsets = self._spool.read_offsets()
        self._told = max(self._told, offsets.told)
        if offsets.dropped > self._told:
            try:
                append(to_problem(offsets.dropped - self._told))
            except Unavailable:  # told the next time
                self._is_refused = True
                return False
            self._told = offsets.dropped
        if self._told > offsets.told:
            self._spool.set_told(self._told)
        return True

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
