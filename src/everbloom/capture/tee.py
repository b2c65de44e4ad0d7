"""Double what a Python stream writes onto a spool, where the stream itself stays as it is.

The stream's own `write` is wrapped, so that whoever holds the stream already, such as a logging handler, is recorded
too. What a person sees is untouched by whatever happens to the copy: bytes that find no room are counted, in the
spool's offsets where there is a spool, and in memory until there is. No lock: a signal handler may print, and a forked
child goes on with what it inherits.
"""

import contextlib
import errno
import os
import sys
from collections import deque
from pathlib import Path
from typing import Any

from everbloom.capture.spool import create_spool, note_missed
from everbloom.core.clock import monotonic_s

_RETRY_S = 0.05  # how often a disk that was full is asked for a spool
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE)


class SpoolCopy:
    """The printing end of a spool that takes copies. Writing to it never raises."""

    def __init__(self, path: Path) -> None:
        """Make the spool; where there is no room for it now, as soon as there is.

        Raises:
            OSError: It can never be made, as in a folder that may not be written.
        """
        self._path = path
        self._file: int | None = None
        self._retry_at_s = 0.0
        self._missed: deque[int] = deque()
        try:
            self._file = create_spool(path)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise

    def write(self, data: bytes) -> None:
        """Append to the spool; what finds no room is counted."""
        file = self._file if self._file is not None else self._try_again()
        written = 0
        if file is not None:
            with contextlib.suppress(OSError):
                written = os.write(file, data)
        if written < len(data):
            self._missed.append(len(data) - written)
        if self._missed:
            self._note_missed()

    def _try_again(self) -> int | None:
        # The run's folder stands as soon as the journal does; that of a store that was deleted is not made anew.
        if monotonic_s() < self._retry_at_s or not self._path.parent.parent.is_dir():
            return None
        self._retry_at_s = monotonic_s() + _RETRY_S
        with contextlib.suppress(OSError):
            try:
                self._file = create_spool(self._path)
            except FileExistsError:  # a process that was forked from this one, or this one from it, was first
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return self._file

    def _note_missed(self) -> None:
        size = self.take_missed()
        if size and not note_missed(self._path, size):
            self._missed.append(size)

    def take_missed(self) -> int:
        """Return how many bytes are counted nowhere yet, and forget them."""
        size = 0
        with contextlib.suppress(IndexError):
            while True:
                size += self._missed.popleft()
        return size

    def fileno(self) -> int | None:
        """Return the descriptor that is printed to; None where there is no spool yet."""
        return self._file

    def close(self) -> int:
        """Let go of the spool; returns how many bytes could be counted nowhere."""
        if self._missed:
            self._note_missed()
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self._retry_at_s = float("inf")
        return self.take_missed()


class Tee:
    """A Python stream whose text also goes to a spool."""

    def __init__(self, number: int, copy: SpoolCopy) -> None:
        """Begin to double what stdout (1) or stderr (2) writes."""
        self._stream = sys.stdout if number == 1 else sys.stderr
        self._write: Any = getattr(self._stream, "write", None)
        if self._write is None:
            return
        write = self._write

        def write_twice(text: Any) -> Any:
            result = write(text)
            copy.write(str(text).encode("utf-8", "replace"))
            return result

        self._wrapped = write_twice
        try:
            self._stream.write = write_twice  # type: ignore[method-assign]
        except AttributeError:  # a stream that takes no attributes is not recorded
            self._write = None

    def remove(self) -> None:
        """Leave the stream as it was; one that somebody wrapped since stays theirs."""
        if self._write is not None and getattr(self._stream, "write", None) is self._wrapped:
            with contextlib.suppress(AttributeError):
                del self._stream.write
