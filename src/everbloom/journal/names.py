"""The store's list of run names: what lets `parent="amber-heron-7c1e"` work without an index.

One line a run, `<id> <name>`, appended by a single `write()` to a file opened with `O_APPEND`, so writers need no
lock. The list is an aid and no truth: a run that is renamed later is still found by the name it began with. A run that
could not be added when it began, for the disk was full, is added at its end, and by whoever indexes it.
"""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from everbloom.core import layout
from everbloom.core.ids import RunId, is_run_id
from everbloom.journal.segment import to_unavailable

_SEARCHED_MAX = 16  # so often the list is searched before it is worth parsing


def register_name(root: Path, run: RunId, name: str) -> None:
    """Add a run to the store's list of names.

    Raises:
        Unavailable: The list cannot be written.
    """
    register_names(root, {run: name})


def register_names(root: Path, names: Mapping[RunId, str]) -> None:
    """Add several runs, each under its name, as `register_name` does one."""
    path = layout.names_path(root)
    lines = "".join(f"{run} {name}\n" for run, name in names.items()).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            size = os.fstat(file).st_size
            is_torn = size and os.pread(file, 1, size - 1) != b"\n"  # by a disk that was full
            data = b"\n" + lines if is_torn else lines
            if os.write(file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(file)
    except OSError as error:
        raise to_unavailable(error, path) from error


def read_names(root: Path) -> dict[RunId, str]:
    """Read the store's list: each run's latest name in it. A torn or foreign line is passed over."""
    try:
        text = layout.names_path(root).read_text("utf-8", "replace")
    except FileNotFoundError:
        return {}
    names: dict[RunId, str] = {}
    for line in text.split("\n"):
        run, _, name = line.partition(" ")
        if name and is_run_id(run):
            names[RunId(run)] = name
    return names


class NameList:
    """The list of one store, read when first asked and again when it has grown.

    Asked for a few runs it is searched and not parsed: 1 ms instead of 60 with 100,000 runs.
    """

    def __init__(self, root: Path) -> None:
        """Prepare; nothing is read yet."""
        self._path = layout.names_path(root)
        self._data = b"\n"
        self._names: dict[bytes, bytes] | None = None
        self._asked = 0

    def find(self, run: RunId) -> str:
        """Return the last name that a run is listed under; empty where there is none."""
        self._read()
        self._asked += 1
        if self._asked > _SEARCHED_MAX:
            if self._names is None:
                lines = self._data.split(b"\n")
                self._names = {run: name for run, _, name in (line.partition(b" ") for line in lines) if name}
            return self._names.get(run.encode(), b"").decode("utf-8", "replace")
        start = self._data.rfind(f"\n{run} ".encode()) + 1
        _, _, name = self._data[start:].partition(b"\n")[0].partition(b" ")
        return name.decode("utf-8", "replace") if start else ""

    def _read(self) -> None:
        try:
            if self._path.stat().st_size == len(self._data) - 1:
                return
            self._data = b"\n" + self._path.read_bytes()
        except OSError:
            self._data = b"\n"
        self._names, self._asked = None, 0
