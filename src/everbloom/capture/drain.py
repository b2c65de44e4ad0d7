"""Copy on what is printed while the watcher does not: it was killed, or is stopped, or never found the spool.

A thread of the process that trains, asleep but for a look every quarter of a second, which costs 0.04 % of a core; on
a disk that is nearly full, where printing lives off a reserve, it looks more often. It takes over at once when the
watcher dies, and when nothing moved between two looks; it lets go as soon as the watcher moves again. The two never
copy the same bytes (capture.spool). It records nothing: the text stays in the spool, unless the disk is full too and
printing needs its space (capture.room).
"""

import contextlib
import fcntl
import os
import select
import threading
from collections.abc import Sequence

from everbloom.capture.room import Room
from everbloom.capture.spool import Spool

_LOOK_S = 0.25  # nothing moved for so long: the watcher is taken for silent
_TIGHT_LOOK_S = 0.025  # the same where the disk is nearly full: printing lives off a reserve
_IDLE_S = 0.05
_BUSY_S = 0.005


class Drain:
    """The thread that copies spools on where the watcher does not. Lives until `close`; may stop and start meanwhile.

    It stops while the process forks: from Python 3.12 on, a fork beside a thread is warned about.
    """

    def __init__(self, spools: Sequence[Spool], alive: int) -> None:
        """Prepare; nothing runs before `start`.

        Args:
            spools: What to copy, each with its target.
            alive: A pipe's reading end whose other end the watcher holds while it lives; a copy of it is kept.
        """
        self._spools = spools
        self._alive = fcntl.fcntl(alive, fcntl.F_DUPFD_CLOEXEC, 10)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, or go on with it."""
        with self._lock:
            if self._thread is not None or self._wake < 0:
                return
            thread = threading.Thread(target=self._run, name="everbloom-console", daemon=True)
            # No thread to be had (a limit on processes, an interpreter that ends): the end of the run copies.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread

    def stop(self) -> None:
        """Stop looking; returns when the thread is gone, which is at once."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                os.eventfd_write(self._wake, 1)
                thread.join()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self.leave()

    def leave(self) -> None:
        """Let go of the descriptors; in a forked child, where there is no thread and the lock may be held for ever."""
        self._thread = None
        for file in (self._alive, self._wake):
            with contextlib.suppress(OSError):
                os.close(file)
        self._alive = self._wake = -1

    def _run(self) -> None:
        looks = [_Look(spool) for spool in self._spools]
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        poller.register(self._alive, 0)
        is_dead, timeout_s = False, _LOOK_S
        while True:
            events = [number for number, _ in poller.poll(timeout_s * 1000)]
            if self._wake in events:
                os.eventfd_read(self._wake)
                return
            if events:
                is_dead = True
                poller.unregister(self._alive)
            try:
                has_moved = sum(look.turn(is_dead=is_dead) for look in looks) > 0
                look_s = _TIGHT_LOOK_S if any(look.room.is_tight() for look in looks) else _LOOK_S
            except OSError:  # what was copied cannot be noted; to go on would copy it for ever
                return
            is_at_it = is_dead or any(look.is_ours for look in looks)
            timeout_s = _BUSY_S if has_moved else min(_IDLE_S, look_s) if is_at_it else look_s


class _Look:
    """What a spool looked like the last time, and who copies it."""

    def __init__(self, spool: Spool) -> None:
        self.is_ours = False
        self._spool = spool
        self.room = Room(spool)
        self._copied = -1
        self._is_waiting = False

    def turn(self, *, is_dead: bool) -> int:
        """Copy if the watcher is dead or silent; returns how many bytes went."""
        copied = self._spool.read_offsets().copied
        is_still = copied == self._copied
        self.is_ours = is_dead or (is_still and (self.is_ours or self._is_waiting))
        moved = self._spool.copy() if self.is_ours and copied < self._spool.size else 0
        if self.is_ours:
            self.room.keep(may_drop=True)
        self._copied = copied + moved
        self._is_waiting = self._copied < self._spool.size
        return moved
