"""Divert what this process prints, so that it is recorded and still arrives where it went before.

Two ways, chosen for each of stdout and stderr. Files and pipes: the descriptor itself is put onto a spool file
(capture.spool), which also catches native libraries and child processes; the watcher copies it on. Terminals,
notebooks, interactive shells, processes whose files may not grow (`ulimit -f`), and disks on which no space can be
reserved for what will be printed (capture.room): the text goes where it always went, and Python's stream writes a
second copy to the spool (docs/decisions/0010 has the measurement that decided against a pseudo-terminal). Either way
nothing here waits for anybody, and a full disk costs the record, not the printing.
"""

import contextlib
import fcntl
import os
import resource
import select
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, cast

from everbloom.capture.drain import Drain
from everbloom.capture.dropped import to_problem
from everbloom.capture.fold import iter_pieces
from everbloom.capture.order import SpoolOrder
from everbloom.capture.room import make_room
from everbloom.capture.spool import Spool, create_spool, remove_spool, spool_name
from everbloom.capture.tee import SpoolCopy, Tee
from everbloom.core.errors import Unavailable
from everbloom.core.records import Console as ConsoleRecord
from everbloom.core.records import Record

# Diversions lie on top of each other where runs overlap; only the top one can be taken off.
_stack: list["Console"] = []


class _Plan(NamedTuple):
    """What is to be done with one standard descriptor; both go to one spool where they go to one place."""

    number: int
    stream: str
    is_tee: bool


class Console:
    """The diversion of this process's stdout and stderr for one run.

    Attributes:
        orders: What the watcher is to record.
        targets: The descriptors to copy to, one per order that is copied, in their order.
        is_roomless: Whether a stream was left as it is only because the disk has no space to reserve.
        is_ended: Whether its run is done, and it waits for those above it at most.
    """

    def __init__(self, folder: Path, writer: str) -> None:
        """Prepare; nothing is diverted before `start`."""
        self.orders: list[SpoolOrder] = []
        self.targets: list[int] = []
        self.is_roomless = False
        self._folder = folder
        self._writer = writer
        self._saved: dict[int, int] = {}  # standard descriptor -> what it was
        self._tees: list[Tee] = []
        self._files: dict[str, int] = {}  # by stream, what is printed to
        self._doubles: dict[str, SpoolCopy] = {}
        self._copies: list[Spool] = []  # held open, so that a store that is deleted takes no text with it
        self._drain: Drain | None = None
        self._missed = 0
        self.is_ended = False

    def start(self) -> None:
        """Divert both streams, or double what they write.

        Raises:
            Unavailable: No spool can be made; both streams stay as they are (`console.no_spool`).
        """
        plans = _plan_streams()
        try:
            for plan in plans:
                if plan.stream not in self._files and plan.stream not in self._doubles:
                    self._open_spool(plan)
            for plan in plans:
                if plan.stream in self._files:
                    self._saved[plan.number] = fcntl.fcntl(plan.number, fcntl.F_DUPFD_CLOEXEC, 10)
            self._hold_copies(plans)
        except OSError as error:
            self._close()
            self.orders.clear()
            self.targets.clear()
            raise Unavailable(
                f"what is printed cannot be recorded: {error.strerror or error}, with spools in {self._folder} and "
                f"standard output put aside. It is printed as ever; make the folder writable, or allow more open files "
                f"(ulimit -n).",
                code="console.no_spool",
                path=str(self._folder),
            ) from error
        _flush()
        for plan in plans:
            if plan.stream in self._files:
                os.dup2(self._files[plan.stream], plan.number)
            else:
                self._tees.append(Tee(plan.number, self._doubles[plan.stream]))
        _stack.append(self)

    def _open_spool(self, plan: _Plan) -> None:
        path = self._folder / spool_name(self._writer, plan.stream)
        is_tee = plan.is_tee or not self._try_divert(path, plan.stream)
        if is_tee:
            self._doubles[plan.stream] = SpoolCopy(path)
            self.is_roomless |= not plan.is_tee
        self.orders.append(SpoolOrder(path.name, plan.stream, is_copied=not is_tee))

    def _try_divert(self, path: Path, stream: str) -> bool:
        """Make a spool that printing will always find space in; False, and no spool, where that cannot be had."""
        try:
            file = create_spool(path)
        except OSError:
            return False  # whoever doubles instead says why, or tries again
        if make_room(file):
            self._files[stream] = file
            return True
        os.close(file)
        remove_spool(path)
        return False

    def _hold_copies(self, plans: list[_Plan]) -> None:
        for order in self.orders:
            if order.is_copied:
                target = next(self._saved[plan.number] for plan in plans if plan.stream == order.stream)
                self.targets.append(target)
                self._copies.append(Spool(self._folder / order.name, target))

    def keep_copying(self, alive: int) -> None:
        """Copy on what is printed where the watcher does not.

        Args:
            alive: A pipe's reading end whose other end the watcher holds while it lives.
        """
        if self._copies:
            self._drain = Drain(self._copies, alive)
            self._drain.start()

    def finish(self) -> None:
        """Give both streams back, and copy on what nobody has copied yet; not blocked by a slow reader.

        Where a run that began later still diverts, this happens when that one finishes.
        """
        self.is_ended = True
        while _stack and _stack[-1].is_ended:
            _stack.pop().undo()

    def undo(self) -> None:
        """Give both streams back at once; only right for the diversion that lies on top."""
        _flush()
        for tee in self._tees:
            tee.remove()
        for number, saved in self._saved.items():
            if self._is_ours(number):  # else somebody diverted it since, and shall keep it
                os.dup2(saved, number)
        if self._drain is not None:
            self._drain.close()
            self._drain = None
        for spool in self._copies:
            wait_until_copied(spool)
        self._close()

    def _is_ours(self, number: int) -> bool:
        with contextlib.suppress(OSError):
            return any(os.path.samestat(os.fstat(number), os.fstat(file)) for file in self._files.values())
        return False

    def _close(self) -> None:
        for file in (*self._saved.values(), *self._files.values()):
            os.close(file)
        self._missed += sum(double.close() for double in self._doubles.values())
        self._saved.clear()
        self._files.clear()
        self._doubles.clear()
        self._close_copies()

    def _close_copies(self) -> None:
        for spool in self._copies:
            spool.close()
        self._copies.clear()

    def take_missed(self) -> int:
        """Return how many bytes found no room and stand in no spool's count, once it has ended; and forget them."""
        missed, self._missed = self._missed, 0
        return missed

    def pause(self) -> None:
        """Have no thread until `go_on`."""
        if self._drain is not None:
            self._drain.stop()

    def go_on(self) -> None:
        """Have the thread again that `pause` stopped."""
        if self._drain is not None:
            self._drain.start()

    def leave(self) -> None:
        """Let go of it in a forked child, which goes on printing to the parent's spool."""
        if self._drain is not None:
            self._drain.leave()
            self._drain = None
        self._close_copies()  # the lock on them is the parent's, and would outlive it here


def before_fork() -> None:
    """Have no thread of our own while the process forks."""
    for console in _stack:
        console.pause()


def after_fork_in_parent() -> None:
    """Go on in the process that forked."""
    for console in _stack:
        console.go_on()


def after_fork_in_child() -> None:
    """Forget the parent's diversions."""
    for console in _stack:
        console.leave()
    _stack.clear()


FindRecorded = Callable[[str], int]  # a spool's name -> up to where the journals have it


def record_rest(
    folder: Path, orders: list[SpoolOrder], append: Callable[[Record], None], find_recorded: FindRecorded
) -> None:
    """Record what a watcher that is dead has left in its spools, and delete them.

    Args:
        folder: The run's console folder.
        orders: The spools.
        append: Writes a record; where it raises, the rest stays in the spool.
        find_recorded: Looks up how far a spool is recorded; its own offsets may be older.
    """
    for order in orders:
        path = folder / order.name
        if not path.exists():  # there was never room for it, or the watcher was done
            continue
        with contextlib.closing(Spool(path, None)) as spool:
            stream = cast(Literal["out", "err", "both"], order.stream)
            for text, offset in iter_rest(spool, find_recorded(order.name)):
                append(ConsoleRecord(text=text, stream=stream, offset=offset))
            if untold := count_untold(spool):
                append(to_problem(untold))
            spool.remove()


def iter_rest(spool: Spool, recorded: int) -> Iterator[tuple[str, int]]:
    """Yield (text, offset behind it) of what is left in a spool that nobody prints to any more.

    Args:
        spool: The spool.
        recorded: Up to where the journals have it; what was dropped since is passed over too.
    """
    at, size = max(spool.read_offsets().recorded, recorded), spool.size
    while at < size:
        data = spool.read(at)
        is_last = at + len(data) >= size
        # A read that ends within a line gives the line's beginning once it is long; a short one is the last.
        pieces = list(iter_pieces(data, is_end=is_last)) or list(iter_pieces(data, is_end=True))
        for text, taken in pieces:
            if text:
                yield text, at + taken
        at += pieces[-1][1]


def count_untold(spool: Spool) -> int:
    """Return how many bytes were dropped that the run's record does not tell of yet."""
    offsets = spool.read_offsets()
    return max(0, offsets.dropped - offsets.told)


def wait_until_copied(spool: Spool, patience_s: float = 1.0) -> bool:
    """Copy a spool's rest, sharing the work with whoever else does; gives up when nothing moves any more.

    Args:
        spool: What to copy.
        patience_s: How long to wait for a slow reader, or for another process that holds the lock.

    Returns:
        Whether all of it arrived.
    """
    idle_s, pause_s, last = 0.0, 0.002, -1
    while not spool.is_copied():
        spool.copy()
        copied = spool.read_offsets().copied
        if copied != last:
            idle_s, last = 0.0, copied
            continue
        if idle_s >= patience_s:
            return False
        select.select([], [], [], pause_s)
        idle_s += pause_s
    return True


def _plan_streams() -> list[_Plan]:
    places: dict[int, tuple[int, int]] = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):  # closed, as in a daemon
            status = os.fstat(number)
            places[number] = (status.st_dev, status.st_ino)
    is_tee_forced = _is_interactive() or _is_growth_limited()
    names = {1: "out", 2: "err"}
    if len(places) == 2 and places[1] == places[2]:
        names = {1: "both", 2: "both"}
    return [_Plan(number, names[number], is_tee_forced or os.isatty(number)) for number in places]


def _is_interactive() -> bool:
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or "ipykernel" in sys.modules


def _is_growth_limited() -> bool:
    # A spool's size counts all that was ever printed; behind the limit, printing would kill the process.
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # a stream may be None, closed, or a person's own object
            stream.flush()
