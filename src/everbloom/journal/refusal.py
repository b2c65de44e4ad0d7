"""What a store refused last, and when it is asked again.

A training loop may log a million rows onto a full disk; each of them is answered from memory, and the disk is asked
twenty times a second, by one `statvfs` as long as it says that there is nothing. So a loop stays as fast as it was, and
what is logged a moment after there is space again is kept.
"""

import os
from pathlib import Path

from everbloom.core.clock import monotonic_s
from everbloom.core.errors import EverbloomError
from everbloom.journal.format import BLOCK_BYTES
from everbloom.journal.segment import DISK_FULL

RETRY_S = 0.05


class Refusal:
    """The last refusal of a store. Not thread safe: whoever asks the store holds a lock."""

    __slots__ = ("_error", "_folder", "_retry_at_s")

    def __init__(self, folder: Path) -> None:
        """Begin with none.

        Args:
            folder: Where space is looked for; it need not exist.
        """
        self._folder = folder
        self._error: EverbloomError | None = None
        self._retry_at_s = 0.0

    def check(self) -> None:
        """Return where the store may be asked.

        Raises:
            EverbloomError: What it refused last, for it is too early, or its disk is still full.
        """
        if self._error is None:
            return
        if monotonic_s() >= self._retry_at_s:
            if self._error.code != DISK_FULL or has_space(self._folder, BLOCK_BYTES):
                return
            self._retry_at_s = monotonic_s() + RETRY_S
        raise self._error.with_traceback(None)  # or each raise would lengthen it: a leak in a tight loop

    def note(self, error: EverbloomError) -> None:
        """Keep what the store answered."""
        self._error, self._retry_at_s = error, monotonic_s() + RETRY_S

    def clear(self) -> None:
        """Forget it: the store takes more."""
        self._error = None


def has_space(folder: Path, size_bytes: int) -> bool:
    """Tell whether a file system says that this process may take so much of it; True where it says nothing."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return True
    blocks = status.f_bfree if os.geteuid() == 0 else status.f_bavail
    return not status.f_blocks or blocks * status.f_frsize >= size_bytes
