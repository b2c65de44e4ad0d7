"""Give back and reserve disk space within a file, by the two calls that Python does not have.

What is reserved lies behind the file's end and makes it no longer: what is appended next finds its space even when
somebody else fills the disk meanwhile. Reserving goes through an ioctl that every file system with `fallocate` answers
(FS_IOC_RESVSP64), because training does it at each start and loading ctypes costs 2 ms; punching holes takes ctypes,
and is the watcher's nearly always. A file system that copies on write (btrfs, ZFS) may promise space and not have it.
"""

import errno
import fcntl
import os
import struct
from functools import lru_cache
from typing import Any

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BLOCK_BYTES = 4096
_RESERVE = 0x4030582A  # FS_IOC_RESVSP64: _IOW('X', 42, struct space_resv)
_SPACE = struct.Struct("hhqqiI4i")  # type, whence, start, length, and what the kernel does not read


def reserve(file: int, start: int, size_bytes: int) -> bool:
    """Allocate space from an offset on without making the file longer; False where there is none to be had."""
    order = _SPACE.pack(0, os.SEEK_SET, start, size_bytes, *(0,) * 6)
    while True:
        try:
            fcntl.ioctl(file, _RESERVE, order)
        except InterruptedError:
            continue
        except OSError:  # a full disk, a quota, a file system that reserves nothing
            return False
        return True


def read_room(file: int) -> int:
    """Return how many bytes the file's file system still has for this user."""
    status = os.fstatvfs(file)
    return status.f_bavail * status.f_frsize


def punch(file: int, start: int, end: int) -> int:
    """Free the whole blocks between two offsets; returns the offset up to which they are free now."""
    end -= end % _BLOCK_BYTES
    if end > start and _fallocate(file, _PUNCH_HOLE | _KEEP_SIZE, start, end - start):
        return end
    return start


def _fallocate(file: int, mode: int, start: int, size_bytes: int) -> bool:
    import ctypes

    while _load_libc().fallocate(file, mode, ctypes.c_int64(start), ctypes.c_int64(size_bytes)) != 0:
        if ctypes.get_errno() != errno.EINTR:
            return False
    return True


@lru_cache(maxsize=1)
def _load_libc() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
