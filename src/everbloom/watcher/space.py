"""Give back and reserve disk space in a spool, by the one system call that Python does not have.

The reserve lies behind the spool's end: what training prints next finds its space even when somebody else fills
the disk meanwhile, because a failing write would break `print` in the training process.
"""

import ctypes
import errno
import os

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BLOCK_BYTES = 4096

_libc = ctypes.CDLL(None, use_errno=True)


def punch(file: int, start: int, end: int) -> int:
    """Free the whole blocks between two offsets; returns the offset up to which they are free now."""
    end -= end % _BLOCK_BYTES
    if end > start and _fallocate(file, _PUNCH_HOLE | _KEEP_SIZE, start, end - start) == 0:
        return end
    return start


def reserve(file: int, start: int, size_bytes: int) -> bool:
    """Allocate space behind a file's end without making it longer; False only where the disk is full."""
    code = _fallocate(file, _KEEP_SIZE, start, size_bytes)
    return code not in (errno.ENOSPC, errno.EDQUOT)


def _fallocate(file: int, mode: int, start: int, size_bytes: int) -> int:
    while True:
        if _libc.fallocate(file, mode, ctypes.c_int64(start), ctypes.c_int64(size_bytes)) == 0:
            return 0
        if (code := ctypes.get_errno()) != errno.EINTR:
            return code


def close_other_files(first: int) -> None:
    """Close every descriptor from `first` on: locks and pipes that were never meant for the watcher."""
    os.closerange(first, max(256, *(int(name) + 1 for name in os.listdir("/proc/self/fd"))))  # noqa: PTH208
