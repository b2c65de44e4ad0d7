"""Divert what this process prints, so that it is recorded and still arrives where it went before.

Two ways, chosen for each of stdout and stderr. Files and pipes: the descriptor itself is put onto a spool file
(capture.spool), which also catches native libraries and child processes; the watcher copies it on. Terminals,
notebooks, interactive shells, and processes whose files may not grow (`ulimit -f`): the text goes where it
always went, and Python's stream writes a second copy to the spool (docs/decisions/0010 has the measurement that
decided against a pseudo-terminal). Either way nothing here waits for anybody, and a full disk costs the record,
not the printing.
"""

import contextlib
import fcntl
import os
import resource
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

from everbloom.capture.drain import Drain
from everbloom.capture.fold import iter_pieces
from everbloom.capture.order import SpoolOrder
from everbloom.capture.spool import Spool, create_spool, spool_name
from everbloom.core.records import Console as ConsoleRecord

_FREE_MIN_BYTES = 8 * 1024 * 1024  # diverting onto a disk that is about to be full would break printing

# Diversions lie on top of each other where runs overlap; only the top one can be taken off.
_stack: list["Console"] = []


class Console:
    """The diversion of this process's stdout and stderr for one run.

    Attributes:
        orders: What the watcher is to record.
        targets: The descriptors to copy to, one per order that is copied, in their order.
        is_ended: Whether its run is done, and it waits for those above it at most.
    """

    def __init__(self, folder: Path, writer: str) -> None:
        """Prepare; nothing is diverted before `start`."""
        self.orders: list[SpoolOrder] = []
        self.targets: list[int] = []
        self._folder = folder
        self._writer = writer
        self._saved: dict[int, int] = {}  # standard descriptor -> what it was
        self._tees: list[_Tee] = []
        self._spools: list[int] = []
        self._copies: list[Spool] = []  # held open, so that a store that is deleted takes no text with it
        self._drain: Drain | None = None
        self.is_ended = False

    def start(self) -> None:
        """Divert both streams.

        Raises:
            OSError: A spool cannot be made; nothing is diverted then.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        plan = _plan_streams(self._folder)
        try:
            files = self._open_spools(plan)
        except OSError:
            self._close()
            self.orders.clear()
            self.targets.clear()
            raise
        _flush()
        for number, stream, is_tee in plan:
            if is_tee:
                self._tees.append(_Tee(number, files[stream]))
            else:
                os.dup2(files[stream], number)
        _stack.append(self)

    def _open_spools(self, plan: list[tuple[int, str, bool]]) -> dict[str, int]:
        """Make the spools and keep what the streams were; returns, by stream, a descriptor to print to."""
        files: dict[str, int] = {}
        for number, stream, is_tee in plan:
            if not is_tee:
                self._saved[number] = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10)
            if stream in files:
                continue
            path = self._folder / spool_name(self._writer, stream)
            files[stream] = create_spool(path)
            self._spools.append(files[stream])
            self.orders.append(SpoolOrder(path.name, stream, is_copied=not is_tee))
            if not is_tee:
                self.targets.append(self._saved[number])
                self._copies.append(Spool(path, self._saved[number]))
        return files

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
            return any(os.path.samestat(os.fstat(number), os.fstat(file)) for file in self._spools)
        return False

    def _close(self) -> None:
        for file in (*self._saved.values(), *self._spools):
            os.close(file)
        self._saved.clear()
        self._spools.clear()
        self._close_copies()

    def _close_copies(self) -> None:
        for spool in self._copies:
            spool.close()
        self._copies.clear()

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


def record_rest(folder: Path, orders: list[SpoolOrder], append: Callable[[ConsoleRecord], None]) -> None:
    """Record what a watcher that is dead has left in its spools, and delete them.

    Args:
        folder: The run's console folder.
        orders: The spools.
        append: Writes a record; where it raises, the rest stays in the spool.
    """
    for order in orders:
        spool = Spool(folder / order.name, None)
        try:
            _, offset = spool.read_offsets()
            while data := spool.read(offset):
                is_end = offset + len(data) >= spool.size
                start = offset
                for text, taken in iter_pieces(data, is_end=is_end):
                    if text:
                        stream = cast(Literal["out", "err", "both"], order.stream)
                        append(ConsoleRecord(text=text, stream=stream, offset=start + taken))
                    offset = start + taken
                    spool.set_recorded(offset)
            spool.remove()
        finally:
            spool.close()


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
        copied = spool.read_offsets()[0]
        if copied != last:
            idle_s, last = 0.0, copied
            continue
        if idle_s >= patience_s:
            return False
        select.select([], [], [], pause_s)
        idle_s += pause_s
    return True


def _plan_streams(folder: Path) -> list[tuple[int, str, bool]]:
    """Return (descriptor, stream, is tee) of each open stream; both are one where they go to one place."""
    places: dict[int, tuple[int, int]] = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):  # closed, as in a daemon
            status = os.fstat(number)
            places[number] = (status.st_dev, status.st_ino)
    is_tee_forced = _is_interactive() or _is_growth_limited() or _is_nearly_full(folder)
    names = {1: "out", 2: "err"}
    if len(places) == 2 and places[1] == places[2]:
        names = {1: "both", 2: "both"}
    return [(number, names[number], is_tee_forced or os.isatty(number)) for number in places]


def _is_interactive() -> bool:
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or "ipykernel" in sys.modules


def _is_growth_limited() -> bool:
    # A spool's size counts all that was ever printed; behind the limit, printing would kill the process.
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY


def _is_nearly_full(folder: Path) -> bool:
    try:
        status = os.statvfs(folder)
    except OSError:
        return True
    return status.f_bavail * status.f_frsize < _FREE_MIN_BYTES


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # a stream may be None, closed, or a person's own object
            stream.flush()


def _get_stream(number: int) -> Any:
    return sys.stdout if number == 1 else sys.stderr


class _Tee:
    """Writes to a Python stream, doubled onto a spool.

    The stream's own `write` is wrapped, so that whoever holds the stream already, such as a logging handler, is
    recorded too.
    """

    def __init__(self, number: int, file: int) -> None:
        self._stream = _get_stream(number)
        self._write: Any = getattr(self._stream, "write", None)
        if self._write is None:
            return
        write = self._write

        def write_twice(text: Any) -> Any:
            result = write(text)
            # A full disk, or a spool that is gone, costs the copy; what a person sees is untouched.
            with contextlib.suppress(OSError):
                os.write(file, str(text).encode("utf-8", "replace"))
            return result

        self._wrapped = write_twice
        try:
            self._stream.write = write_twice
        except AttributeError:  # a stream that takes no attributes is not recorded
            self._write = None

    def remove(self) -> None:
        if self._write is not None and getattr(self._stream, "write", None) is self._wrapped:
            with contextlib.suppress(AttributeError):
                del self._stream.write
