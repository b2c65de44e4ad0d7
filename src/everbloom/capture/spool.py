"""A stream's spool: what was printed and is not yet recorded, or not yet copied to where it was meant for.

Whoever prints appends to one file (`O_APPEND`), so printing waits for nobody. The watcher copies from it to the
old descriptor and records it; where the watcher is late or dead, training does the same at its end. How far both
got stands in a second file of 16 bytes, changed under a lock, so that the two never copy the same bytes:
`<name>` holds the bytes, `<name>.at` the offsets (copied, recorded). What both have passed is punched out.
"""

import errno
import fcntl
import os
import select
import stat
import struct
from pathlib import Path

_AT = struct.Struct("<QQ")
_READ_BYTES = 65_536
_PIPE_BYTES = 4_096  # what a pipe that polls writable takes without blocking (PIPE_BUF)


def spool_name(writer: str, stream: str) -> str:
    """Return the spool's name: every process that trains in a run has its own."""
    return f"{writer}.{stream}"


def create_spool(path: Path) -> int:
    """Create an empty spool; returns a descriptor to print to.

    Raises:
        OSError: The folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    at = os.open(f"{path}.at", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(at, _AT.pack(0, 0))
    finally:
        os.close(at)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)


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
        self._at = os.open(f"{path}.at", os.O_RDWR | os.O_CLOEXEC)
        self._burst_bytes = _PIPE_BYTES
        if target is not None and stat.S_ISREG(os.fstat(target).st_mode):
            self._burst_bytes = _READ_BYTES

    @property
    def size(self) -> int:
        """How many bytes were ever printed."""
        return os.fstat(self._file).st_size

    def read_offsets(self) -> tuple[int, int]:
        """Return how many bytes were copied and recorded."""
        copied, recorded = _AT.unpack(os.pread(self._at, _AT.size, 0))
        return copied, recorded

    def read(self, offset: int, size: int = _READ_BYTES) -> bytes:
        """Read printed bytes from an offset; empty at the end."""
        return os.pread(self._file, size, offset)

    def set_recorded(self, offset: int) -> None:
        """Note that everything before the offset stands in a journal."""
        os.pwrite(self._at, struct.pack("<Q", offset), 8)

    def copy(self, limit_bytes: int = 1 << 20) -> int:
        """Copy what was printed to the target, without ever blocking on it; returns how many bytes went.

        Nothing goes while another process copies, or while the target takes no more. A target that is gone
        (a closed pipe) swallows everything, so that training, which did not notice, is not held up either.
        """
        if self.target is None or not self._try_lock():
            return 0
        try:
            return self._copy_locked(self.target, limit_bytes)
        finally:
            fcntl.flock(self._at, fcntl.LOCK_UN)

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._at, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _copy_locked(self, target: int, limit_bytes: int) -> int:
        start = copied = self.read_offsets()[0]
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
                os.pwrite(self._at, struct.pack("<Q", copied), 0)
        return copied - start

    def is_copied(self) -> bool:
        """Tell whether the target has everything that was printed."""
        return self.target is None or self.read_offsets()[0] >= self.size

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
        self.path.unlink(missing_ok=True)
        Path(f"{self.path}.at").unlink(missing_ok=True)


def _is_writable(target: int) -> bool:
    poller = select.poll()
    poller.register(target, select.POLLOUT)
    return bool(poller.poll(0))
