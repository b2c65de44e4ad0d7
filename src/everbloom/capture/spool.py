"""A stream's spool: what was printed and is not yet recorded, or not yet copied to where it was meant for.

Whoever prints appends to one file (`O_APPEND`), so printing waits for nobody. The watcher copies from it to the
old descriptor and records it; where the watcher is late or dead, training does the same. How far they got stands in
a second file, `<name>.at`, which changes under a lock only, so two that live never copy the same bytes. A copier that
is killed between writing to the target and noting it leaves one piece (64 KiB into a file, 4 KiB elsewhere) that the
next one writes again: what a person sees arrives at least once. The record has each byte once, because what it took in
is found in the journals themselves (journal.printed). What both have passed is punched out (capture.room).
"""

import contextlib
import errno
import fcntl
import os
import select
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_AT = struct.Struct("<QQQQ")
_ONE = struct.Struct("<Q")
_RECORDED_AT, _TOLD_AT = 8, 24
_DROP_MIN_BYTES = 65_536  # less frees no space worth a gap in the record
_READ_BYTES = 65_536
_PIPE_BYTES = 4_096  # what a pipe that polls writable takes without blocking (PIPE_BUF)


def spool_name(writer: str, stream: str) -> str:
    """Return the spool's name: every process that trains in a run has its own."""
    return f"{writer}.{stream}"


class Offsets(NamedTuple):
    """How far a spool's bytes got; what stands in `<name>.at`.

    Attributes:
        copied: Up to where the target has them.
        recorded: Up to where they were taken up: into a journal, or dropped.
        dropped: How many bytes were printed and given up, because there was no room to keep them.
        told: How many of those the run's record tells of.
    """

    copied: int
    recorded: int
    dropped: int
    told: int


def create_spool(path: Path) -> int:
    """Create an empty spool; returns a descriptor to print to.

    Raises:
        OSError: The folder cannot be written, or has no room; nothing is left there then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    at = os.open(_at_path(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(at, _AT.pack(0, 0, 0, 0))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError:
        _at_path(path).unlink(missing_ok=True)
        raise
    finally:
        os.close(at)


def remove_spool(path: Path) -> None:
    """Delete a spool's files."""
    path.unlink(missing_ok=True)
    _at_path(path).unlink(missing_ok=True)


def note_missed(path: Path, size: int) -> bool:
    """Count bytes that were to be printed to a spool and found no room; False where that cannot be noted now.

    From any process, and never waiting: the offsets are opened anew, for a lock is its descriptor's.
    """
    try:
        at = os.open(_at_path(path), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
        offsets = _read_offsets(at)
        os.pwrite(at, _AT.pack(*offsets._replace(dropped=offsets.dropped + size)), 0)
    except OSError:
        return False
    finally:
        os.close(at)
    return True


def _at_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.at")


def _read_offsets(at: int) -> Offsets:
    return Offsets(*_AT.unpack(os.pread(at, _AT.size, 0).ljust(_AT.size, b"\0")))


class Spool:
    """One process's hold on a spool. Not to be shared with a forked child: the lock is the descriptor's."""

    def __init__(self, path: Path, target: int | None) -> None:
        """Open an existing spool.

        Args:
            path: The spool.
            target: The descriptor to copy to; None where the stream reaches it by itself.
        """
        self.path = path
        self.target = target
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._at = os.open(_at_path(path), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            os.close(self._file)
            raise
        self._burst_bytes = _PIPE_BYTES
        if target is not None and stat.S_ISREG(os.fstat(target).st_mode):
            self._burst_bytes = _READ_BYTES

    @property
    def size(self) -> int:
        """How many bytes were ever printed."""
        return os.fstat(self._file).st_size

    def read_offsets(self) -> Offsets:
        """Return how far everybody got."""
        return _read_offsets(self._at)

    def read(self, offset: int, size: int = _READ_BYTES) -> bytes:
        """Read printed bytes from an offset; empty at the end."""
        return os.pread(self._file, size, offset)

    def set_recorded(self, offset: int) -> bool:
        """Note that everything before the offset stands in a journal; False where somebody copies at this moment.

        Nothing hangs on it: whoever records next looks into the journals, too.
        """
        return self._write_locked(_RECORDED_AT, offset)

    def set_told(self, dropped: int) -> bool:
        """Note how many dropped bytes the run's record tells of; False as `set_recorded`."""
        return self._write_locked(_TOLD_AT, dropped)

    def _write_locked(self, place: int, value: int) -> bool:
        with _locked(self._at) as is_held:
            if is_held:
                os.pwrite(self._at, _ONE.pack(value), place)
            return is_held

    @contextlib.contextmanager
    def recording(self) -> Iterator[bool]:
        """Hold the right to take text up from the spool; gives whether it was to be had, without waiting for it.

        A lock of its own: one who is stopped while recording keeps nobody from copying.
        """
        with _locked(self._file) as is_held:
            yield is_held

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the rights to copy and to record, without waiting; gives whether nobody else has the spool open, either.

        Who opens it meanwhile, as a watcher that is late, gets neither right before the end, and finds what was noted.
        """
        with self.recording() as is_held, _locked(self._at) as may_write:
            yield is_held and may_write and not self.has_other_users()

    def note_taken(self) -> None:
        """Note, while one is alone with the spool, that all that was printed or dropped stands in a journal."""
        offsets = self.read_offsets()
        os.pwrite(self._at, _AT.pack(*offsets._replace(recorded=self.size, told=offsets.dropped)), 0)

    def drop_copied(self) -> bool:
        """Give up, and count, what has arrived at the target and is not recorded; False where that is next to nothing.

        Also where somebody records or copies at this moment.
        """
        with self.recording() as is_held, _locked(self._at) as may_write:
            if not (is_held and may_write):
                return False
            offsets = self.read_offsets()
            size = offsets.copied - offsets.recorded
            if size < _DROP_MIN_BYTES:
                return False
            after = offsets._replace(recorded=offsets.copied, dropped=offsets.dropped + size)
            os.pwrite(self._at, _AT.pack(*after), 0)
            return True

    def copy(self, limit_bytes: int = 1 << 20) -> int:
        """Copy what was printed to the target, without ever blocking on it; returns how many bytes went.

        Nothing goes while another process copies, or while the target takes no more. A target that is gone
        (a closed pipe) swallows everything, so that training, which did not notice, is not held up either.
        """
        if self.target is None:
            return 0
        with _locked(self._at) as is_held:
            return self._copy_locked(self.target, limit_bytes) if is_held else 0

    def _copy_locked(self, target: int, limit_bytes: int) -> int:
        start = copied = self.read_offsets().copied
        while copied - start < limit_bytes and (chunk := self.read(copied)):
            while chunk:
                if not _is_writable(target):
                    return copied - start
                try:
                    sent = os.write(target, chunk[: self._burst_bytes])
                except BlockingIOError:
                    return copied - start
                except OSError as error:
                    if error.errno == errno.EINTR:
                        continue
                    sent = len(chunk)
                copied += sent
                chunk = chunk[sent:]
                os.pwrite(self._at, _ONE.pack(copied), 0)
        return copied - start

    def is_copied(self) -> bool:
        """Tell whether the target has everything that was printed."""
        return self.target is None or self.read_offsets().copied >= self.size

    def has_other_users(self) -> bool:
        """Tell whether any process still has the spool open to print to it, this one aside.

        By asking for a write lease, which the kernel grants to a file's only user; where there are no leases
        (network file systems), nobody is assumed.
        """
        try:
            fcntl.fcntl(self._file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
        fcntl.fcntl(self._file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def fileno(self) -> int:
        """Return the descriptor, for punching holes and reserving space."""
        return self._file

    def close(self) -> None:
        """Let go of the files; they stay."""
        os.close(self._file)
        os.close(self._at)

    def remove(self) -> None:
        """Delete the files: all of it was copied and recorded, and nobody prints any more."""
        remove_spool(self.path)


@contextlib.contextmanager
def _locked(file: int) -> Iterator[bool]:
    """Hold a file's lock if nobody does; gives whether it is held."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _is_writable(target: int) -> bool:
    poller = select.poll()
    poller.register(target, select.POLLOUT)
    return bool(poller.poll(0))
