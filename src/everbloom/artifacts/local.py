"""Blobs on the store's own disk, written once, never changed: here they are stored, `journal.blobs` finds them.

Content under 64 KiB is its run's own, `runs/<run>/blobs/<sha256>`, and goes into the run's pack when that is closed;
larger content is shared by all runs, `blobs/<2 hex>/<sha256>`. So nobody has to know which runs refer to a blob
before its file may go (docs/decisions/0012). A file is copied, never linked: the source goes on belonging to the
person. A blob appears by renaming a complete temporary file, so whatever lies under a SHA-256 has that content, and
two writers of the same content do no harm. Saved files are synced, so that this holds after a power cut too; media
logged in a training loop are not, as `log` waits for no disk.
"""

import contextlib
import hashlib
import io
import os
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import EverbloomError, Unavailable
from everbloom.core.ids import RunId

SMALL_BYTES = 65_536  # from this size on content is shared

_CHUNK_BYTES = 1 << 20
_TRIES = 100
_REASONS = {28: "the disk is full", 122: "the quota is used up", 30: "the file system is read-only"}


def store_bytes(root: Path, data: bytes, *, run: RunId | None = None, is_synced: bool = True) -> tuple[str, int]:
    """Keep bytes in the store; returns their SHA-256 and size.

    Args:
        root: The store's folder.
        data: The content.
        run: The run that keeps it; None for what is no single run's, which is shared at any size.
        is_synced: Wait until the disk has it; without, it survives the process's death but no power cut.

    Raises:
        Unavailable: The store cannot be written (`blob.write`); nothing is left behind.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    target = _choose_target(root, run, sha256, len(data))
    if not _is_stored(target, is_synced=is_synced):
        with _Incoming(target.parent) as incoming:
            incoming.write(data)
            incoming.publish(target, is_synced=is_synced)
    return sha256, len(data)


def store_file(root: Path, path: Path, *, run: RunId | None = None) -> tuple[str, int]:
    """Keep a copy of a file's present content in the store; returns its SHA-256 and size.

    The answer describes the bytes that were kept, also where the file was written to meanwhile.

    Raises:
        Unavailable: The store cannot be written (`blob.write`); nothing is left behind.
        OSError: The file cannot be read.
    """
    with open(path, "rb", buffering=0) as source:
        head = _read_head(source)
        if len(head) < SMALL_BYTES:
            return store_bytes(root, head, run=run)
        return _store_large(root, head, source)


def _read_head(source: io.FileIO) -> bytes:
    parts, size = [], 0
    while size < SMALL_BYTES and (part := source.read(SMALL_BYTES - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _store_large(root: Path, head: bytes, source: io.FileIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with _Incoming(root / "blobs") as incoming:
        chunk: bytes | None = head
        while chunk:
            digest.update(chunk)
            size += len(chunk)
            incoming.write(chunk)
            chunk = source.read(_CHUNK_BYTES)
        sha256 = digest.hexdigest()
        target = layout.blob_path(root, sha256)
        if not _is_stored(target, is_synced=True):
            incoming.publish(target, is_synced=True)
    return sha256, size


def _choose_target(root: Path, run: RunId | None, sha256: str, size: int) -> Path:
    if run is None or size >= SMALL_BYTES:
        return layout.blob_path(root, sha256)
    return layout.run_blobs_dir(root, run) / sha256


def _is_stored(target: Path, *, is_synced: bool) -> bool:
    """Tell whether content is there already, on the disk if that is asked for: media may have put it there unsynced."""
    if not is_synced:
        return target.exists()
    try:
        _sync(target, os.O_RDONLY)
        _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # not there, or it cannot be synced: it is written, and whatever is wrong is told then
        return False
    return True


class _Incoming:
    """A temporary file in a folder, gone at the end unless published."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = self._folder / f".{os.getpid()}-{os.urandom(8).hex()}.part"
        self._file = -1

    def __enter__(self) -> "_Incoming":
        try:
            self._file = _create(self._path)
        except OSError as error:
            raise self._unavailable(error) from error
        return self

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise self._unavailable(error) from error

    def publish(self, target: Path, *, is_synced: bool) -> None:
        try:
            if is_synced:
                os.fsync(self._file)
            target.parent.mkdir(exist_ok=True)
            self._path.replace(target)
            if is_synced:
                # The rename itself must survive a power cut, or a record would name a blob that is not there.
                _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._unavailable(error) from error

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        self._path.unlink(missing_ok=True)

    def _unavailable(self, error: OSError) -> EverbloomError:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        return Unavailable(
            f"cannot keep a file below {self._folder}: {reason}. Free some space or mend the folder, then "
            f"save it again.",
            code="blob.write",
            path=str(self._folder),
        )


def _create(path: Path) -> int:
    """Open a new file for writing, its folder made.

    Whoever packs the run takes its folder away when it is empty, perhaps between the steps of this; then they are
    taken again. Once the file is there the folder is not empty, and stays.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            return _create_once(path)
    return _create_once(path)


def _create_once(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
