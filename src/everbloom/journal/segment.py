"""One segment file under a writer: memory-mapped where that is safe, else one `write()` a record.

Mapped: the file's space is really allocated, because a store into a hole of a full disk kills the process
with SIGBUS. What `append` returned from is in the page cache and survives the process's death; the
committed length, one aligned 8-byte store, publishes it. The file is truncated at close, never while live.

Written: for network file systems, and processors whose stores another process may see out of order. The
file's size is the publish point.

Neither class locks; the writer does.
"""

import errno
import mmap
import os
import platform
import sys
from functools import lru_cache
from pathlib import Path

from everbloom.core.errors import EverbloomError, Unavailable
from everbloom.journal.format import (
    BLOCK_BYTES,
    BY_FILE_SIZE,
    CLOSING_BYTES,
    HEADER_BYTES,
    PADDING,
    SEAL_BYTES,
    Header,
    block_end,
    block_start,
    compute_seal,
    pack_committed,
    pack_header,
)

DISK_FULL = "disk.full"
FILE_LIMIT = "process.file_limit"
PASSING_CODES = frozenset({DISK_FULL, FILE_LIMIT})  # no room now: recording pauses, and goes on by itself

_NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "fuse",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
    "glusterfs",
    "afs",
    "virtiofs",
    "vboxsf",
    "drvfs",
)


@lru_cache(maxsize=16)
def can_map(folder: Path) -> bool:
    """Tell whether segments in this folder may be memory-mapped: Linux on x86-64, not a network file system."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        return False
    kind = file_system_of(folder)
    return not kind.startswith(_NETWORK_FILE_SYSTEMS)


def file_system_of(folder: Path) -> str:
    """Return the type of the file system that holds a folder, such as `ext4`; empty where unknown."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    target = str(folder.absolute())
    best, kind = "", ""
    for line in lines:
        fields = line.split(" ")
        point = fields[1].replace("\\040", " ").rstrip("/")
        if len(point) >= len(best) and (target == point or target.startswith(point + "/")):
            best, kind = point, fields[2]
    return kind


def to_unavailable(error: OSError, path: Path, *, then: str = "recording goes on by itself") -> EverbloomError:
    """Turn a failed system call on a store's file into an error that says what to do.

    Args:
        error: What the system said.
        path: Of which file or folder.
        then: What happens, or is to be done, when there is room again.
    """
    reasons = {
        errno.ENOSPC: (DISK_FULL, f"the disk is full; free some space, then {then}"),
        errno.EDQUOT: (DISK_FULL, f"the quota is used up; free some space, then {then}"),
        errno.EROFS: (
            "root.read_only",
            "the file system is read-only; set EVERBLOOM_ROOT to a writable folder",
        ),
        errno.EACCES: ("root.read_only", "it may not be written; set EVERBLOOM_ROOT to a writable folder"),
        errno.EPERM: ("root.read_only", "it may not be written; set EVERBLOOM_ROOT to a writable folder"),
        errno.ENOENT: ("root.vanished", "its folder is gone; see whether the store was deleted or unmounted"),
        errno.ENOTDIR: ("root.not_a_folder", "a part of its path is a file; set EVERBLOOM_ROOT to a folder"),
        errno.EEXIST: ("root.not_a_folder", "a part of its path is a file; set EVERBLOOM_ROOT to a folder"),
        errno.EMFILE: ("process.files", "this process has too many open files; raise `ulimit -n`"),
        errno.EFBIG: (FILE_LIMIT, f"the file may not grow further (`ulimit -f`); raise the limit, then {then}"),
    }
    code, reason = reasons.get(error.errno or 0, ("disk.error", f"the system says: {error.strerror or error}"))
    return Unavailable(f"cannot write {path}: {reason}.", code=code, path=str(path), errno=error.errno)


class MappedSegment:
    """A really allocated, memory-mapped segment.

    Attributes:
        position: Where the next byte goes.
        limit: Where the current block's content must end.
        map: The file's bytes.
        committed: Of one item: the published length, as it stands in the file.
    """

    __slots__ = ("_file", "_size", "committed", "limit", "map", "path", "position")

    def __init__(self, path: Path, header: Header, size_bytes: int) -> None:
        """Create the file and publish an empty segment.

        Raises:
            Unavailable: No space, no permission, no folder; the file is not left behind.
        """
        if size_bytes % BLOCK_BYTES or not size_bytes:
            raise ValueError(f"a segment of {size_bytes} bytes is not made of whole blocks of {BLOCK_BYTES}")
        self.path = path
        self._size = size_bytes
        self._file = _create(path)
        try:
            os.posix_fallocate(self._file, 0, size_bytes)
            self.map = mmap.mmap(self._file, size_bytes)
        except BaseException as error:  # also what a signal handler raised meanwhile
            os.close(self._file)
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise to_unavailable(error, path) from error
            raise
        self.map[8:HEADER_BYTES] = pack_header(header)[8:]
        self.committed = memoryview(self.map)[:8].cast("Q")
        self.position = HEADER_BYTES
        self.limit = BLOCK_BYTES - SEAL_BYTES
        self.committed[0] = HEADER_BYTES

    def append(self, data: bytes) -> None:
        """Write a record that `has_room` for it and publish it."""
        position = self.position
        end = position + len(data)
        self.map[position:end] = data
        self.position = end
        self.committed[0] = end

    def has_room(self, size: int) -> bool:
        """Tell whether a record fits, after sealing the current block if it does not fit into that one."""
        if self.position + size <= self.limit:
            return True
        if self.position < block_end(self.limit):
            self._seal_block()
        if self.position >= self._size:
            return False
        self.limit = block_end(self.position) - SEAL_BYTES
        return True

    def _seal_block(self) -> None:
        end = block_end(self.limit)
        seal_at = end - SEAL_BYTES
        self.map[self.position : seal_at] = bytes([PADDING]) * (seal_at - self.position)
        self.map[seal_at:end] = compute_seal(self.map[block_start(seal_at) : seal_at])
        self.position = end
        self.committed[0] = end

    def close(self) -> bool:
        """Seal what was written, mark the segment as complete and give back the space behind it.

        Returns:
            Whether the mark stands. Without it (a full disk) nothing is lost; readers take the writer for alive
            until its death is proved.
        """
        if self.position < block_end(self.limit) and self.position + CLOSING_BYTES >= block_end(self.limit):
            self._seal_block()
        position = self.position
        content = self.map[block_start(position) : position] if position % BLOCK_BYTES else b""
        self._release()
        closing = bytes([PADDING]) + compute_seal(content)
        # By system call, not through the map: behind the end of a full segment there is nothing to store into.
        try:
            os.ftruncate(self._file, position)
            os.pwrite(self._file, closing, position)
            os.pwrite(self._file, pack_committed(position + CLOSING_BYTES), 0)
        except OSError:
            return False
        finally:
            os.close(self._file)
        return True

    def abandon(self) -> None:
        """Drop the handles and leave the file as it is; for a forked child, whose parent writes on."""
        self._release()
        os.close(self._file)

    def _release(self) -> None:
        self.committed.release()
        self.map.close()


class WrittenSegment:
    """A segment that grows by one `write()` a record; its size is the publish point."""

    __slots__ = ("_content", "_file", "_pending", "_size", "limit", "path", "position")

    def __init__(self, path: Path, header: Header, size_bytes: int) -> None:
        """Create the file with its header.

        Raises:
            Unavailable: No space, no permission, no folder; the file is not left behind.
        """
        self.path = path
        self._size = size_bytes
        self._file = _create(path, os.O_APPEND)
        self._content = bytearray()  # of the current block, for its seal
        self._pending: tuple[bytes, int] | None = None
        self.position = 0
        self.limit = BLOCK_BYTES - SEAL_BYTES
        try:
            self._write(pack_header(header._replace(committed=BY_FILE_SIZE)))
        except EverbloomError:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    def _write(self, data: bytes) -> None:
        size, limit = len(data), self.limit
        # A signal handler may raise anywhere below. Until all is noted nothing fits, so that `has_room` is asked
        # first, and that settles what became of the interrupted record.
        self._pending, self.limit = (data, limit), 0
        written = 0
        try:
            while written < size:  # a second turn only where room ran out on the way: it says what of
                written += os.write(self._file, data[written:] if written else data)
        except OSError as error:
            if written:  # take the part back, or a reader sees it
                self._settle()
            self._pending, self.limit = None, limit
            raise to_unavailable(error, self.path) from error
        self.position += size
        self._note(data)
        self._pending, self.limit = None, limit

    def _note(self, data: bytes) -> None:
        self._content += data
        if self.position == HEADER_BYTES or not self.position % BLOCK_BYTES:
            self._content.clear()

    def _settle(self) -> None:
        """Find out what became of an interrupted `write()`: whole, and then it counts, or taken back."""
        if self._pending is None:
            return
        data, limit = self._pending
        size = os.fstat(self._file).st_size
        if size == self.position + len(data):
            self.position = size
        elif size != self.position:
            os.ftruncate(self._file, self.position)
        start = block_start(self.position)
        self._content = bytearray(os.pread(self._file, max(self.position - start, 0), start))
        self._pending, self.limit = None, limit

    def append(self, data: bytes) -> None:
        """Write a record that `has_room` for it, by one system call."""
        self._write(data)

    def has_room(self, size: int) -> bool:
        """Tell whether a record fits, after sealing the current block if it does not fit into that one."""
        self._settle()
        if self.position + size <= self.limit:
            return True
        if self.position < block_end(self.limit):
            self._seal_block()
        if self.position >= self._size:
            return False
        self.limit = block_end(self.position) - SEAL_BYTES
        return True

    def _seal_block(self) -> None:
        padding = bytes([PADDING]) * (self.limit - self.position)
        self._write(padding + compute_seal(bytes(self._content) + padding))

    def close(self) -> bool:
        """Seal what was written and mark the segment as complete; returns whether the mark stands."""
        try:
            self._settle()
            if self.position < block_end(self.limit) and self.position + CLOSING_BYTES >= block_end(self.limit):
                self._seal_block()
            self._write(bytes([PADDING]) + compute_seal(bytes(self._content)))
        except (EverbloomError, OSError):
            return False
        finally:
            os.close(self._file)
        return True

    def abandon(self) -> None:
        """Drop the handle and leave the file as it is."""
        os.close(self._file)


def _create(path: Path, flags: int = 0) -> int:
    flags |= os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
    try:
        try:
            return os.open(path, flags, 0o644)
        except FileExistsError:
            # Nobody else writes in this journal: a signal handler raised while we made it. It holds no record.
            path.unlink()
            return os.open(path, flags, 0o644)
    except OSError as error:
        raise to_unavailable(error, path) from error


Segment = MappedSegment | WrittenSegment
