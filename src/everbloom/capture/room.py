"""Keep space behind a spool's end, so that printing finds it even when somebody else fills the disk meanwhile.

A failing write would break `print` in the training process, so no stream is diverted before a reserve stands
(`make_room`), and whoever copies the spool keeps it standing. At most half of what is free is taken: the other half is
the journals'. Where recording has stopped for want of space too, the oldest text that has arrived where it was meant
for gives its space to what comes, and is counted. docs/decisions/0024 says what cannot be helped.
"""

from everbloom.capture.space import punch, read_room, reserve
from everbloom.capture.spool import Spool

RESERVE_BYTES = 8 * 1024 * 1024  # more than a fast printer fills between some turns
_GROW_MIN_BYTES = 256 * 1024
_PUNCH_BYTES = 1024 * 1024


def make_room(file: int) -> bool:
    """Reserve space for a new spool; False where the disk has too little, or reserves nothing."""
    return read_room(file) >= 2 * RESERVE_BYTES and reserve(file, 0, RESERVE_BYTES)


class Room:
    """The space of one spool, as one of its copiers keeps it."""

    def __init__(self, spool: Spool) -> None:
        """Take it over as it is."""
        self._spool = spool
        self._punched = 0
        self._reserved = RESERVE_BYTES  # up to where space stands, as far as is known: `make_room` gave it so much

    def is_tight(self) -> bool:
        """Tell whether the disk may be full before the reserve is used up: then it is worth looking more often."""
        return read_room(self._spool.fileno()) < RESERVE_BYTES

    def free(self) -> None:
        """Give back the space of what is recorded and copied, a megabyte at a time."""
        offsets = self._spool.read_offsets()
        done = offsets.recorded if self._spool.target is None else min(offsets.recorded, offsets.copied)
        if done - self._punched >= _PUNCH_BYTES:
            self._punched = punch(self._spool.fileno(), self._punched, done)

    def keep(self, *, may_drop: bool) -> None:
        """Have space stand behind the spool's end.

        Args:
            may_drop: Nobody records: where the reserve is nearly used up and there is no more, text is dropped for it.
        """
        if self._spool.target is None:  # who prints keeps its own stream, and notices nothing of a full disk
            return
        size = self._spool.size
        ahead = max(0, self._reserved - size)
        if ahead >= RESERVE_BYTES // 2 or self._grow(size, ahead):
            return
        if may_drop and ahead < RESERVE_BYTES // 4 and self._spool.drop_copied():
            self._punched = punch(self._spool.fileno(), self._punched, self._spool.read_offsets().recorded)
            self._grow(size, ahead)

    def _grow(self, size: int, ahead: int) -> bool:
        file = self._spool.fileno()
        more = min(RESERVE_BYTES - ahead, read_room(file) // 2)
        if more < _GROW_MIN_BYTES or not reserve(file, size, ahead + more):
            return False
        self._reserved = size + ahead + more
        return True
